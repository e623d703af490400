/* SPDX-License-Identifier: MIT */
/*
 * Whether a user may open a node, computed from owners, modes and access lists of it and of
 * the folders above: for users who are not logged in, and without becoming them.  Security
 * modules and the device controller of cgroups may still say no.
 */
#ifndef HOST_ACCESS_H
#define HOST_ACCESS_H

#include "host/users.h"

enum access_want { ACCESS_X = 1, ACCESS_W = 2, ACCESS_R = 4 };

/*
 * @user by name, or by number if it is all digits.  Groups are those of the files.
 * 0: may; -EACCES: may not, @e says by what ("/dev/kvm is root:kvm 0660 and alice is not in
 * kvm"); -ENOENT: no such node; -ESRCH: no such user in the files.
 */
int access_node(const struct host *h, const struct users *u, const char *path, const char *user,
		unsigned want, struct err *e) MUST_CHECK;
/* The same for a process that holds @p already. */
int access_node_ids(const struct host *h, const struct users *u, const char *path,
		    const struct process_ids *p, unsigned want, struct err *e) MUST_CHECK;

/* An access list (acl(5)); @n is 0 where there is none. */
struct access_acl {
	struct access_entry {
		uint16_t tag; /* enum access_tag */
		uint16_t perm;
		uint32_t id;
	} v[64];
	size_t n;
};

enum access_tag {
	ACL_OWNER = 1,
	ACL_A_USER = 2,
	ACL_OWNING_GROUP = 4,
	ACL_A_GROUP = 8,
	ACL_MASK_TAG = 16,
	ACL_ANYONE = 32,
};

/* The bytes of system.posix_acl_access (version 2, little endian).  -EINVAL; -ENOTSUP: another
 * version; -E2BIG: more than 64 entries. */
int access_acl_parse(const void *buf, size_t len, struct access_acl *out, struct err *e)
	MUST_CHECK;

#endif
