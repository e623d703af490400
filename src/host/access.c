/* SPDX-License-Identifier: MIT */
#include "host/access.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "host/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

/* Who asks: a row of passwd, or a process with its groups. */
struct who {
	const struct users *users;
	const struct user_row *row; /* NULL: @ids */
	const struct process_ids *ids;
	uint32_t uid;
	char name[64];
};

static bool in_group(const struct who *w, uint32_t gid)
{
	return w->row ? users_in_gid(w->users, w->row->name, gid)
		      : process_ids_has(w->ids, gid);
}

static unsigned le(const uint8_t *p, int n)
{
	unsigned v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

int access_acl_parse(const void *buf, size_t len, struct access_acl *out, struct err *e)
{
	const uint8_t *p = buf;

	out->n = 0;
	if (len < 4 || (len - 4) % 8)
		return err_set(e, -EINVAL, "%zu bytes are no access list", len);
	if (le(p, 4) != 2)
		return err_set(e, -ENOTSUP, "an access list of version %u", le(p, 4));
	if ((len - 4) / 8 > ARRAY_SIZE(out->v))
		return err_set(e, -E2BIG, "an access list of more than %zu entries",
			       ARRAY_SIZE(out->v));
	for (p += 4, len -= 4; len; p += 8, len -= 8)
		out->v[out->n++] = (struct access_entry){ .tag = (uint16_t)le(p, 2),
							  .perm = (uint16_t)(le(p + 2, 2) & 7),
							  .id = le(p + 4, 4) };
	return 0;
}

/* "0x0200..." as a record has it. */
static ssize_t unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	if (strncmp(hex, "0x", 2))
		return -1;
	for (hex += 2; hex[0] && hex[1] && n < size; hex += 2) {
		static const char digits[] = "0123456789abcdef";
		const char *a = strchr(digits, hex[0]), *b = strchr(digits, hex[1]);

		if (!a || !b)
			return -1;
		out[n++] = (uint8_t)((a - digits) << 4 | (b - digits));
	}
	return *hex ? -1 : (ssize_t)n;
}

/* No list, none readable, or a file system without: n is 0. */
static int read_acl(const struct host *h, const char *path, struct access_acl *acl,
		    struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uint8_t buf[4 + 8 * 64];
	ssize_t n = -1;

	acl->n = 0;
	if (host_record(h)) {
		char key[256];
		const char *hex;

		snprintf(key, sizeof(key), "acl %s", path);
		hex = record_get(host_record(h), key);
		if (!hex)
			return 0;
		n = unhex(hex, buf, sizeof(buf));
		if (n < 0)
			return err_set(e, -EINVAL, "%s: not an access list", key);
	} else {
		char self[40];

		fd = host_openat(h, path, O_PATH, 0, e);
		if (fd < 0)
			return fd;
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		n = getxattr(self, "system.posix_acl_access", buf, sizeof(buf));
		if (n <= 0)
			return 0;
	}
	return access_acl_parse(buf, (size_t)n, acl, e);
}

/* acl(5), "access check algorithm". */
static bool acl_allows(const struct who *w, const struct host_stat *st,
		       const struct access_acl *acl, unsigned want)
{
	unsigned mask = 7;
	bool member = false;

	for (size_t i = 0; i < acl->n; i++)
		if (acl->v[i].tag == ACL_MASK_TAG)
			mask = acl->v[i].perm;
	for (size_t i = 0; i < acl->n; i++)
		if (acl->v[i].tag == ACL_OWNER && w->uid == st->uid)
			return (acl->v[i].perm & want) == want;
	for (size_t i = 0; i < acl->n; i++)
		if (acl->v[i].tag == ACL_A_USER && acl->v[i].id == w->uid)
			return (acl->v[i].perm & mask & want) == want;
	for (size_t i = 0; i < acl->n; i++) {
		const struct access_entry *a = &acl->v[i];

		if (!(a->tag == ACL_OWNING_GROUP && in_group(w, st->gid)) &&
		    !(a->tag == ACL_A_GROUP && in_group(w, a->id)))
			continue;
		member = true;
		if ((a->perm & mask & want) == want)
			return true;
	}
	for (size_t i = 0; !member && i < acl->n; i++)
		if (acl->v[i].tag == ACL_ANYONE)
			return (acl->v[i].perm & want) == want;
	return false;
}

/* One class decides, the first that fits, even where a later one would allow more. */
static bool mode_allows(const struct who *w, const struct host_stat *st, unsigned want)
{
	unsigned shift = w->uid == st->uid ? 6 : in_group(w, st->gid) ? 3 : 0;

	return (st->mode >> shift & want) == want;
}

static const char *owner_text(const struct who *w, const struct host_stat *st, char *buf,
			      size_t size)
{
	const struct user_row *u = w->users ? users_uid(w->users, st->uid) : NULL;
	const struct group_row *g = w->users ? users_gid(w->users, st->gid) : NULL;
	char uid[16], gid[16];

	snprintf(uid, sizeof(uid), "%u", st->uid);
	snprintf(gid, sizeof(gid), "%u", st->gid);
	snprintf(buf, size, "%.32s:%.32s %04o", u ? u->name : uid, g ? g->name : gid, st->mode);
	return buf;
}

static int refuse(const struct who *w, const char *path, const struct host_stat *st, bool way,
		  bool acl, struct err *e)
{
	const struct group_row *g = w->users ? users_gid(w->users, st->gid) : NULL;
	char own[96];

	owner_text(w, st, own, sizeof(own));
	if (way)
		return err_set(e, -EACCES, "%s is %s: %s cannot pass it", path, own, w->name);
	if (acl)
		return err_set(e, -EACCES, "%s is %s, and its access list leaves %s out", path,
			       own, w->name);
	if (g && (st->mode & 060) == 060 && !in_group(w, st->gid))
		return err_set(e, -EACCES, "%s is %s, and %s is not in the group %s", path, own,
			       w->name, g->name);
	return err_set(e, -EACCES, "%s is %s, which does not let the user %s in", path, own,
		       w->name);
}

static int check_one(const struct host *h, const struct who *w, const char *path, bool way,
		     unsigned want, struct err *e)
{
	struct access_acl acl;
	struct host_stat st;
	int r = host_stat(h, path, &st, e);

	if (r < 0)
		return r;
	/* root may, whatever the mode; lists cost a look, so only where they can matter */
	if (w->uid == 0)
		return 0;
	r = read_acl(h, path, &acl, e);
	if (r < 0)
		return r;
	if (acl.n ? acl_allows(w, &st, &acl, want) : mode_allows(w, &st, want))
		return 0;
	return refuse(w, path, &st, way, acl.n > 0, e);
}

static int check_path(const struct host *h, const struct who *w, const char *path,
		      unsigned want, struct err *e)
{
	AUTO_FREE char *at = mem_strdup(path, e);
	int r = 0;

	if (!at)
		return -ENOMEM;
	for (char *p = strchr(at + 1, '/'); p && r == 0; p = strchr(p + 1, '/')) {
		*p = '\0';
		r = check_one(h, w, at, true, ACCESS_X, e);
		*p = '/';
	}
	return r < 0 ? r : check_one(h, w, path, false, want, e);
}

int access_node(const struct host *h, const struct users *u, const char *path, const char *user,
		unsigned want, struct err *e)
{
	struct who w = { .users = u, .row = users_name(u, user) };
	unsigned long long uid;

	if (!w.row && span_u64((struct span){ user, strlen(user) }, UINT32_MAX, &uid))
		w.row = users_uid(u, (uint32_t)uid);
	if (!w.row)
		return err_set(e, -ESRCH, "there is no user '%s'", user);
	w.uid = w.row->uid;
	snprintf(w.name, sizeof(w.name), "%s", w.row->name);
	return check_path(h, &w, path, want, e);
}

int access_node_ids(const struct host *h, const struct users *u, const char *path,
		    const struct process_ids *p, unsigned want, struct err *e)
{
	struct who w = { .users = u, .ids = p, .uid = p->uid };
	const struct user_row *row = u ? users_uid(u, p->uid) : NULL;

	if (row)
		snprintf(w.name, sizeof(w.name), "%s", row->name);
	else
		snprintf(w.name, sizeof(w.name), "user %u", p->uid);
	return check_path(h, &w, path, want, e);
}
