/* SPDX-License-Identifier: MIT */
/*
 * A host as it is seen below a root directory.  Everything that hostkit knows about a
 * machine it has read through a struct host, so the same code serves
 *
 *	the live host	root is "/" and nothing else was asked for: /proc, /sys and /dev
 *			are the kernel's, devices may be opened
 *	an image	a chroot or a disk being provisioned (--root DIR): files only;
 *			/proc and /sys are empty or not there
 *	a record	a tree as `hostcheck --record` writes it and tests keep it: also
 *			/proc and /sys as plain files, and in /.hostkit-record what no
 *			file can hold (CPUID leaves, MSRs, what /dev/kvm answers, owners,
 *			modes and kinds of nodes)
 *
 * Paths are absolute in the host ("/proc/cpuinfo"); symbolic links are followed below the
 * root, never out of it.  All functions may be called from several threads.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct host_record;

enum host_kind { HOST_LIVE, HOST_IMAGE, HOST_RECORD };

/* Files of /proc and /sys are small, cpuinfo of thousands of processors is the largest; what
 * is larger is refused with -EFBIG. */
#define HOST_FILE_MAX (32u << 20)

/* Opens the host below @root; NULL or "/" is the machine this runs on. */
int host_open(const char *root, struct host **out, struct err *e) MUST_CHECK;
void host_close(struct host *h);
void host_closep(struct host **h);
#define AUTO_HOST CLEANUP(host_closep)

enum host_kind host_kind(const struct host *h);
/* The kernel that the files of /proc and /sys tell of is there (live or recorded). */
bool host_has_kernel(const struct host *h);
bool host_is_live(const struct host *h);
/* The root directory as it was named, "/" for the live host. */
const char *host_root(const struct host *h);
/* An O_PATH descriptor of the root; stays the host's. */
int host_root_fd(const struct host *h);
/* The record of a HOST_RECORD, else NULL. */
const struct host_record *host_record(const struct host *h);
/* "x86_64", "aarch64": of the kernel, by uname, the record, or the image's own programs;
 * "" where nothing tells. */
const char *host_arch(const struct host *h);
/* Effective user id of who asks (recorded: of who recorded). */
uint32_t host_euid(const struct host *h);

/*
 * Reads a whole file as a NUL-terminated string of *@len bytes (may be NULL).
 * -ENOENT, -EACCES and other failures of the system come back as they are, with
 * the path in @e.  free() the text.
 */
int host_read(const struct host *h, const char *path, char **text, size_t *len, struct err *e)
	MUST_CHECK;
/* First line without its newline and trailing blanks, cut at @size: for attributes. */
int host_read_line(const struct host *h, const char *path, char *buf, size_t size,
		   struct err *e) MUST_CHECK;
/* A decimal or 0x number; -EINVAL names path and text. */
int host_read_u64(const struct host *h, const char *path, uint64_t *out, struct err *e)
	MUST_CHECK;

bool host_exists(const struct host *h, const char *path);

enum host_node { NODE_NONE, NODE_FILE, NODE_DIR, NODE_CHAR, NODE_BLOCK, NODE_LINK, NODE_OTHER };

struct host_stat {
	enum host_node node;
	uint32_t mode; /* permission bits, 07777 */
	uint32_t uid, gid;
	uint32_t major, minor; /* of a device node */
	uint64_t size;
	int64_t mtime; /* seconds; in a record that of the recording */
};

/* Follows links; -ENOENT if there is nothing. */
int host_stat(const struct host *h, const char *path, struct host_stat *out, struct err *e)
	MUST_CHECK;
/* The file system at @path, by statfs: magic number and block size (of a hugetlbfs its page
 * size).  On an image -ENOTSUP. */
int host_statfs(const struct host *h, const char *path, uint64_t *type, uint64_t *bsize,
		struct err *e) MUST_CHECK;
/* Where a symbolic link points, as it is written.  -EINVAL: not a link. */
int host_readlink(const struct host *h, const char *path, char *buf, size_t size, struct err *e)
	MUST_CHECK;

/* Names in a directory without "." and "..", sorted, numbers by value (node2 before node10).
 * host_list_free(). */
struct host_list {
	char **v;
	size_t n;
};

int host_list(const struct host *h, const char *dir, struct host_list *out, struct err *e)
	MUST_CHECK;
void host_list_free(struct host_list *l);
#define AUTO_LIST CLEANUP(host_list_free)

/* Opens below the root, close-on-exec: for devices of the live host.  */
int host_openat(const struct host *h, const char *path, int flags, unsigned mode, struct err *e)
	MUST_CHECK;

#endif
