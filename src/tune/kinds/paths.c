/* SPDX-License-Identifier: MIT */
#include "tune/kinds/paths.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

struct below_new paths_fresh(uint32_t mode)
{
	struct below_new n = { mode, 0, 0 };

	if (geteuid()) {
		n.uid = geteuid();
		n.gid = getegid();
	}
	return n;
}

int paths_check(const char *target, struct err *e)
{
	if (target[0] != '/' || !target[1])
		return err_set(e, -EINVAL, "'%s' is not a path from the root", target);
	for (const char *p = target; (p = strstr(p, "..")); p += 2)
		if (p[-1] == '/' && (p[2] == '/' || !p[2]))
			return err_set(e, -EINVAL, "'%s' has '..' in it", target);
	return 0;
}

void paths_attr_print(char out[PATHS_ATTR_SIZE], uint32_t mode, uint32_t uid, uint32_t gid)
{
	snprintf(out, PATHS_ATTR_SIZE, "%04o %u:%u", mode & 07777, uid, gid);
}

/* Takes a number of @base off *@p; false if there is none or it is over 32 bits. */
static bool take(const char **p, int base, uint32_t *out)
{
	unsigned long long v;
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	v = strtoull(*p, &end, base);
	if (errno || v > UINT32_MAX)
		return false;
	*p = end;
	*out = (uint32_t)v;
	return true;
}

/* The beginning of @text; *@end is what follows. */
static int parse_attr(const char *text, struct below_new *out, const char **end, struct err *e)
{
	const char *p = text;

	if (!take(&p, 8, &out->mode) || out->mode > 07777 || *p++ != ' ' ||
	    !take(&p, 10, &out->uid) || *p++ != ':' || !take(&p, 10, &out->gid))
		return err_set(e, -EINVAL, "'%.60s' is not 'MODE UID:GID'", text);
	*end = p;
	return 0;
}

int paths_attr_parse(const char *text, struct below_new *out, struct err *e)
{
	const char *end;
	int r = parse_attr(text, out, &end, e);

	if (r == 0 && *end)
		return err_set(e, -EINVAL, "'%.60s' is not 'MODE UID:GID'", text);
	return r;
}

/* Adds " NAME=HEX" for each attribute of the open file. */
static int add_xattrs(int fd, struct str *s, struct err *e)
{
	ssize_t len = flistxattr(fd, NULL, 0);
	AUTO_FREE char *names = mem_zalloc((size_t)(len > 0 ? len : 0) + 1, 1, e);

	if (!names)
		return -ENOMEM;
	if (len > 0)
		len = flistxattr(fd, names, (size_t)len);
	if (len < 0)
		return errno == ENOTSUP ? 0 : err_errno(e, "list the attributes");
	for (const char *p = names; p < names + len; p += strlen(p) + 1) {
		ssize_t n = fgetxattr(fd, p, NULL, 0);
		AUTO_FREE uint8_t *v = mem_zalloc((size_t)(n > 0 ? n : 0) + 1, 1, e);

		if (!v)
			return -ENOMEM;
		if (n > 0)
			n = fgetxattr(fd, p, v, (size_t)n);
		if (n < 0)
			return err_errno(e, "read the attribute %s", p);
		if (strpbrk(p, " ="))
			return err_set(e, -ENOTSUP, "the attribute '%s' has an odd name", p);
		str_addf(s, " %s=", p);
		for (ssize_t i = 0; i < n; i++)
			str_addf(s, "%02x", v[i]);
	}
	return 0;
}

int paths_meta(const struct host *h, const char *path, char **meta, struct err *e)
{
	char attr[PATHS_ATTR_SIZE];
	struct str s = STR_INIT;
	struct host_stat st;
	int r = host_stat(h, path, &st, e);
	AUTO_CLOSE int fd = -1;

	*meta = NULL;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	paths_attr_print(attr, st.mode, st.uid, st.gid);
	str_add(&s, attr);
	fd = host_openat(h, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, e);
	r = fd < 0 ? fd : add_xattrs(fd, &s, e);
	if (r < 0) {
		str_free(&s);
		return err_wrap(e, r, "%s", path);
	}
	*meta = str_take(&s, e);
	return *meta ? 0 : -ENOMEM;
}

int paths_meta_fresh(const char *meta, struct below_new *out, struct err *e)
{
	const char *end;

	return parse_attr(meta, out, &end, e);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One " NAME=HEX" of @len bytes. */
static int restore_xattr(int fd, const char *text, size_t len, struct err *e)
{
	AUTO_FREE char *name = mem_zalloc(len + 1, 1, e);
	char *hex;
	size_t n;

	if (!name)
		return -ENOMEM;
	memcpy(name, text, len);
	hex = strchr(name, '=');
	if (!hex || hex == name || strlen(hex + 1) % 2)
		return err_set(e, -EINVAL, "'%.60s' is not an attribute", name);
	*hex++ = '\0';
	n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(hex[2 * i]), lo = nibble(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return err_set(e, -EINVAL, "'%.60s' is not an attribute", name);
		hex[i] = (char)(hi << 4 | lo);
	}
	if (fsetxattr(fd, name, hex, n, 0) < 0)
		return err_errno(e, "set the attribute %s", name);
	return 0;
}

int paths_restore(const struct host *h, const char *path, const char *meta, struct err *e)
{
	struct below_new n;
	AUTO_CLOSE int fd = -1;
	const char *p;
	int r = parse_attr(meta, &n, &p, e);

	if (r == 0)
		r = below_attr(host_root_fd(h), path, n.uid, n.gid, n.mode, e);
	if (r == 0 && *p == ' ')
		r = fd = host_openat(h, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, e);
	while (r >= 0 && *p == ' ') {
		size_t len = strcspn(++p, " ");

		r = restore_xattr(fd, p, len, e);
		p += len;
	}
	if (r >= 0 && *p)
		r = err_set(e, -EINVAL, "'%.60s' is not of a journal", meta);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}
