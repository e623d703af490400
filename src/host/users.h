/* SPDX-License-Identifier: MIT */
/*
 * Accounts of a host by its own files, of whatever root; getpwnam() would answer for this
 * machine, and on musl for files only anyway.  Directory services are not seen: an
 * unknown name is -ENOENT, which does not mean that nobody has it.
 */
#ifndef HOST_USERS_H
#define HOST_USERS_H

#include "host/host.h"
#include "host/words.h"

/* passwd(5): name:password:uid:gid:gecos:home:shell */
struct user_row {
	char *name, *home, *shell;
	uint32_t uid, gid;
};

/* group(5): name:password:gid:member,member */
struct group_row {
	char *name;
	uint32_t gid;
	struct words members;
};

struct users {
	struct user_row *users;
	size_t n_users;
	struct group_row *groups;
	size_t n_groups;
	unsigned bad_lines;           /* of passwd and group: skipped */
	bool has_shadow, has_gshadow; /* the files are there; nothing of them is read */
};

/* Add what the text says to @out (zeroed, or filled before). */
int users_parse_passwd(const char *text, size_t len, struct users *out, struct err *e)
	MUST_CHECK;
int users_parse_group(const char *text, size_t len, struct users *out, struct err *e)
	MUST_CHECK;
/* Reads /etc/passwd and /etc/group; a missing one is empty. */
int users_read(const struct host *h, struct users *out, struct err *e) MUST_CHECK;
void users_free(struct users *u);
#define AUTO_USERS CLEANUP(users_free)

/* First row of that name or number, or NULL. */
const struct user_row *users_name(const struct users *u, const char *name);
const struct user_row *users_uid(const struct users *u, uint32_t uid);
const struct group_row *users_group(const struct users *u, const char *name);
const struct group_row *users_gid(const struct users *u, uint32_t gid);
/* By the files: the primary group counts. */
bool users_is_member(const struct users *u, const char *user, const char *group);
bool users_in_gid(const struct users *u, const char *user, uint32_t gid);

/* What the process that asks holds: it got its groups when it logged in. */
struct process_ids {
	uint32_t uid, gid; /* effective */
	uint32_t *groups;  /* free() it */
	size_t n_groups;
};

int process_ids_parse(const char *text, size_t len, struct process_ids *out, struct err *e)
	MUST_CHECK;
/* From /proc/self/status; -ENOTSUP on an image. */
int process_ids_read(const struct host *h, struct process_ids *out, struct err *e) MUST_CHECK;
bool process_ids_has(const struct process_ids *p, uint32_t gid);

#endif
