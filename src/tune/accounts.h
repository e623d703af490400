/* SPDX-License-Identifier: MIT */
/*
 * Accounts of an image, as edits of the texts of its files: pure functions.  A running system
 * has tools for this; they cannot be run for a root of another architecture, and not
 * without being root.  The four files are kept in step, and nobody else's byte changes.
 */
#ifndef TUNE_ACCOUNTS_H
#define TUNE_ACCOUNTS_H

#include "base/err.h"
#include "host/users.h"

#include <stdint.h>

/* Texts; NULL: the file is not there, and is not made. */
struct account_files {
	char *passwd, *group, *shadow, *gshadow;
};

void accounts_free(struct account_files *f);

struct account_user {
	const char *name, *about, *home, *shell;
	uint32_t uid, gid;
};

/*
 * Each returns 1 if something was changed, 0 if it was so already.  A new account has no
 * password and cannot get one by guessing ("!").  -ENOENT: no /etc/group (passwd for a user),
 * or no such group; -EUCLEAN: the line of the group has not its four fields; -EINVAL: a name or
 * text that would break the file.
 */
int accounts_add_group(struct account_files *f, const char *name, uint32_t gid, struct err *e)
	MUST_CHECK;
int accounts_add_user(struct account_files *f, const struct account_user *u, struct err *e)
	MUST_CHECK;
int accounts_add_member(struct account_files *f, const char *group, const char *user,
			struct err *e) MUST_CHECK;

/*
 * An id for a new account: @want if nobody has it, else the next free one of 100..999, which is
 * where distributions keep their system's.  -ENOSPC: none.  @user: of a user; else of a group.
 */
int accounts_pick(const struct users *u, bool user, uint32_t want, uint32_t *id, struct err *e)
	MUST_CHECK;

#endif
