/* SPDX-License-Identifier: MIT */
/*
 * A whole tree as one text: kind, mode, owner, content, links' targets and extended attributes
 * of everything in it, by name.  Two trees are the same when their texts are.
 */
#ifndef TESTS_LIB_TREESUM_H
#define TESTS_LIB_TREESUM_H

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static inline void treesum_bytes(struct str *s, const void *buf, size_t len)
{
	const unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		if (p[i] == '\n')
			str_add(s, "\n|");
		else if (p[i] >= ' ' && p[i] < 0x7f)
			str_addn(s, (const char *)&p[i], 1);
		else
			str_addf(s, "\\x%02x", p[i]);
}

static inline void treesum_xattrs(struct str *s, const char *path)
{
	char names[4096];
	static char value[65536];
	ssize_t n = llistxattr(path, names, sizeof(names));

	for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		ssize_t len = lgetxattr(path, p, value, sizeof(value));

		str_addf(s, " %s=", p);
		treesum_bytes(s, value, len > 0 ? (size_t)len : 0);
	}
}

static inline void treesum_content(struct str *s, const char *path)
{
	static char buf[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n;

	str_add(s, "\n|");
	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		treesum_bytes(s, buf, n);
	if (f)
		fclose(f);
}

static inline void treesum_add(struct str *s, const char *root, const char *path)
{
	char to[4096];
	struct dirent **v;
	struct stat st;
	ssize_t len;
	int n;

	if (lstat(path, &st))
		return;
	str_addf(s, "%s %o %u:%u", path + strlen(root), st.st_mode, st.st_uid, st.st_gid);
	treesum_xattrs(s, path);
	if (S_ISLNK(st.st_mode)) {
		len = readlink(path, to, sizeof(to));
		str_addf(s, " -> %.*s", (int)len, to);
	} else if (S_ISREG(st.st_mode)) {
		treesum_content(s, path);
	}
	str_add(s, "\n");
	n = S_ISDIR(st.st_mode) ? scandir(path, &v, NULL, alphasort) : -1;
	for (int i = 0; i < n; i++) {
		char sub[4096];

		snprintf(sub, sizeof(sub), "%s/%s", path, v[i]->d_name);
		if (strcmp(v[i]->d_name, ".") != 0 && strcmp(v[i]->d_name, "..") != 0)
			treesum_add(s, root, sub);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
}

/* free() it. */
static inline char *treesum(const char *root)
{
	struct str s = STR_INIT;

	treesum_add(&s, root, root);
	return str_take(&s, NULL);
}

#endif
