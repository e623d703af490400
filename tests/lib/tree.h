/* SPDX-License-Identifier: MIT */
/*
 * Small trees below a temporary folder, for tests that look at a host.  With a file
 * "/.hostkit-record" in it host_open() takes the tree for a recorded host, else for an image.
 */
#ifndef TESTS_LIB_TREE_H
#define TESTS_LIB_TREE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char root[64];
};

/* Whatever fails here is the test's own fault. */
#define tree_must(cond)                                                                    \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: cannot: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

static inline void tree_make(struct tree *t)
{
	snprintf(t->root, sizeof(t->root), "/tmp/tree_test.XXXXXX");
	tree_must(mkdtemp(t->root));
}

/* The path outside of the tree; one buffer, the next call overwrites it. */
static inline const char *tree_path(const struct tree *t, const char *path)
{
	static _Thread_local char full[1024];

	snprintf(full, sizeof(full), "%s%s", t->root, path);
	return full;
}

/* Makes the folder @path and those above it. */
static inline void tree_dir(const struct tree *t, const char *path)
{
	char full[1024];

	snprintf(full, sizeof(full), "%s%s", t->root, path);
	for (char *p = full + strlen(t->root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	mkdir(full, 0755);
}

static inline void tree_parents(const struct tree *t, const char *path)
{
	char *dir = strdup(path);

	tree_must(dir && strrchr(dir, '/'));
	*strrchr(dir, '/') = '\0';
	if (*dir)
		tree_dir(t, dir);
	free(dir);
}

static inline void tree_bytes(const struct tree *t, const char *path, const void *buf,
			      size_t len)
{
	FILE *f;

	tree_parents(t, path);
	f = fopen(tree_path(t, path), "w");
	tree_must(f && fwrite(buf, 1, len, f) == len && !fclose(f));
}

static inline void tree_file(const struct tree *t, const char *path, const char *text)
{
	tree_bytes(t, path, text, strlen(text));
}

static inline void tree_link(const struct tree *t, const char *path, const char *target)
{
	tree_parents(t, path);
	unlink(tree_path(t, path));
	tree_must(!symlink(target, tree_path(t, path)));
}

static inline int tree_unlink_one(const char *path, const struct stat *st, int kind,
				  struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void tree_remove(struct tree *t)
{
	if (t->root[0])
		nftw(t->root, tree_unlink_one, 16, FTW_DEPTH | FTW_PHYS);
	t->root[0] = '\0';
}

#endif
