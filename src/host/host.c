/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "host/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

struct host {
	enum host_kind kind;
	char *root;
	int fd;
	struct host_record *record;
	char arch[32];
	uint32_t euid;
};

/* What an ELF program of the image says it was built for. */
static void arch_of_image(struct host *h)
{
	static const char *const programs[] = { "/bin/busybox", "/bin/sh", "/sbin/init",
						"/usr/bin/env" };
	static const struct {
		unsigned machine;
		const char *name;
	} known[] = { { 3, "x86" },       { 40, "arm" },      { 62, "x86_64" },
		      { 183, "aarch64" }, { 243, "riscv64" }, { 21, "ppc64le" },
		      { 22, "s390x" } };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		AUTO_CLOSE int fd = below_open(h->fd, programs[i], O_RDONLY, 0, NULL);
		uint8_t head[20];
		size_t got = 0;

		if (fd < 0 || io_pread_upto(fd, head, sizeof(head), 0, &got, NULL) < 0 ||
		    got < sizeof(head) || memcmp(head, "\177ELF", 4))
			continue;
		/* e_machine, in the order EI_DATA says */
		unsigned machine =
			head[5] == 2 ? head[18] << 8 | head[19] : head[19] << 8 | head[18];
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (known[k].machine == machine)
				snprintf(h->arch, sizeof(h->arch), "%s", known[k].name);
		return;
	}
}

static int open_record(struct host *h, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	const char *arch;
	uint64_t euid = 0;
	size_t len;
	int r = below_read(h->fd, HOST_RECORD_FILE, HOST_FILE_MAX, &text, &len, &mine);

	if (r == -ENOENT) {
		arch_of_image(h);
		return 0;
	}
	if (r == 0)
		r = record_parse(text, len, &h->record, &mine);
	if (r < 0)
		return err_set(e, r, "%s%s: %s", h->root, HOST_RECORD_FILE, mine.msg);
	h->kind = HOST_RECORD;
	arch = record_get(h->record, "arch");
	snprintf(h->arch, sizeof(h->arch), "%s", arch ? arch : "");
	r = record_numbers(h->record, "euid", &euid, 1, &mine);
	h->euid = r == 0 ? (uint32_t)euid : 0;
	return 0;
}

int host_open(const char *root, struct host **out, struct err *e)
{
	struct host *h = mem_zalloc(1, sizeof(*h), e);
	int r = -ENOMEM;

	if (!h)
		return -ENOMEM;
	h->fd = -1;
	h->euid = geteuid();
	h->root = mem_strdup(root && *root ? root : "/", e);
	if (h->root)
		h->fd = r = below_root(h->root, e);
	if (r >= 0 && strcmp(h->root, "/")) {
		h->kind = HOST_IMAGE;
		r = open_record(h, e);
	} else if (r >= 0) {
		struct utsname u;

		if (!uname(&u))
			snprintf(h->arch, sizeof(h->arch), "%.31s", u.machine);
	}
	if (r < 0) {
		host_close(h);
		return r;
	}
	*out = h;
	return 0;
}

void host_close(struct host *h)
{
	if (!h)
		return;
	io_close(h->fd);
	record_free(h->record);
	free(h->root);
	free(h);
}

void host_closep(struct host **h)
{
	host_close(*h);
	*h = NULL;
}

enum host_kind host_kind(const struct host *h)
{
	return h->kind;
}

bool host_has_kernel(const struct host *h)
{
	return h->kind != HOST_IMAGE;
}

bool host_is_live(const struct host *h)
{
	return h->kind == HOST_LIVE;
}

const char *host_root(const struct host *h)
{
	return h->root;
}

int host_root_fd(const struct host *h)
{
	return h->fd;
}

const struct host_record *host_record(const struct host *h)
{
	return h->record;
}

const char *host_arch(const struct host *h)
{
	return h->arch;
}

uint32_t host_euid(const struct host *h)
{
	return h->euid;
}

int host_openat(const struct host *h, const char *path, int flags, unsigned mode, struct err *e)
{
	char key[256];
	uint64_t v;

	if (h->record) {
		snprintf(key, sizeof(key), "access %s", path);
		if (record_get(h->record, key)) {
			int r = record_numbers(h->record, key, &v, 1, e);

			if (r < 0)
				return r;
		}
	}
	return below_open(h->fd, path, flags, mode, e);
}

int host_read(const struct host *h, const char *path, char **text, size_t *len, struct err *e)
{
	AUTO_CLOSE int fd = host_openat(h, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, e);
	int r;

	if (fd < 0)
		return fd;
	r = io_read_all(fd, HOST_FILE_MAX, text, len, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

int host_read_line(const struct host *h, const char *path, char *buf, size_t size,
		   struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	int r = host_read(h, path, &text, NULL, e);

	if (r < 0)
		return r;
	n = strcspn(text, "\n");
	while (n && strchr(" \t\r", text[n - 1]))
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(buf, text, n);
	buf[n] = '\0';
	return 0;
}

int host_read_u64(const struct host *h, const char *path, uint64_t *out, struct err *e)
{
	char line[64], *end;
	uint64_t v;
	int r = host_read_line(h, path, line, sizeof(line), e);

	if (r < 0)
		return r;
	errno = 0;
	/* zeros in front do not make it octal */
	v = strtoull(line, &end, !strncmp(line, "0x", 2) ? 16 : 10);
	if (end == line || *end || errno || strchr(line, '-'))
		return err_set(e, -EINVAL, "%s: '%s' is not a number", path, line);
	*out = v;
	return 0;
}

bool host_exists(const struct host *h, const char *path)
{
	struct host_stat st;

	return host_stat(h, path, &st, NULL) == 0;
}

static enum host_node node_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NODE_FILE;
	case S_IFDIR:
		return NODE_DIR;
	case S_IFCHR:
		return NODE_CHAR;
	case S_IFBLK:
		return NODE_BLOCK;
	case S_IFLNK:
		return NODE_LINK;
	default:
		return NODE_OTHER;
	}
}

/* "c 10 232 0660 0 34": what a plain file in a record stands for. */
static int recorded_node(const char *path, const char *val, struct host_stat *out,
			 struct err *e)
{
	static const char letters[] = "?fdcb";
	const char *letter = val[0] ? strchr(letters + 1, val[0]) : NULL;
	char end;

	if (!letter || sscanf(val + 1, " %u %u %o %u %u%c", &out->major, &out->minor,
			      &out->mode, &out->uid, &out->gid, &end) != 5)
		return err_set(e, -EINVAL, "%s: node %s: '%s'", HOST_RECORD_FILE, path, val);
	out->node = (enum host_node)(letter - letters);
	return 0;
}

int host_stat(const struct host *h, const char *path, struct host_stat *out, struct err *e)
{
	char key[256];
	struct stat st;
	const char *node;
	AUTO_CLOSE int fd = -1;
	int r;

	memset(out, 0, sizeof(*out));
	if (h->record) {
		snprintf(key, sizeof(key), "node %s", path);
		node = record_get(h->record, key);
		if (node)
			return recorded_node(path, node, out, e);
	}
	fd = below_open(h->fd, path, O_PATH, 0, e);
	if (fd < 0)
		return fd;
	r = io_fstat(fd, &st, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	out->node = node_of(st.st_mode);
	out->mode = st.st_mode & 07777;
	out->uid = st.st_uid;
	out->gid = st.st_gid;
	out->major = major(st.st_rdev);
	out->minor = minor(st.st_rdev);
	out->size = (uint64_t)st.st_size;
	out->mtime = st.st_mtime;
	return 0;
}

int host_statfs(const struct host *h, const char *path, uint64_t *type, uint64_t *bsize,
		struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct statfs fs;
	char key[256];
	uint64_t v[2];
	int r;

	if (h->record) {
		snprintf(key, sizeof(key), "statfs %s", path);
		r = record_numbers(h->record, key, v, 2, e);
		if (r < 0)
			return r;
		*type = v[0];
		*bsize = v[1];
		return 0;
	}
	if (h->kind == HOST_IMAGE)
		return err_set(e, -ENOTSUP, "%s: nothing is mounted in an image", path);
	fd = below_open(h->fd, path, O_PATH, 0, e);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return err_errno(e, "%s", path);
	*type = (uint64_t)(unsigned long)fs.f_type;
	*bsize = (uint64_t)fs.f_bsize;
	return 0;
}

int host_readlink(const struct host *h, const char *path, char *buf, size_t size, struct err *e)
{
	AUTO_CLOSE int fd = below_open(h->fd, path, O_PATH | O_NOFOLLOW, 0, e);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", buf, size - 1);
	if (n < 0)
		return errno == ENOENT ? err_set(e, -EINVAL, "%s is not a symbolic link", path)
				       : err_errno(e, "%s", path);
	buf[n] = '\0';
	return 0;
}

/* By value where both differ first in digits. */
static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

int host_list(const struct host *h, const char *dir, struct host_list *out, struct err *e)
{
	int fd = below_open(h->fd, dir, O_RDONLY | O_DIRECTORY, 0, e);
	struct dirent *d;
	int r = 0;
	DIR *stream;

	out->v = NULL;
	out->n = 0;
	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (!stream) {
		r = err_errno(e, "%s", dir);
		io_close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, d = readdir(stream))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(*out->v), e);
		if (r < 0)
			break;
		out->v[out->n] = mem_strdup(d->d_name, e);
		if (!out->v[out->n])
			r = -ENOMEM;
		else
			out->n++;
	}
	if (r == 0 && errno)
		r = err_errno(e, "list %s", dir);
	closedir(stream);
	if (r < 0)
		host_list_free(out);
	else if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return r;
}

void host_list_free(struct host_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
