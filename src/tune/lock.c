/* SPDX-License-Identifier: MIT */
#include "tune/lock.h"

#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"
#include "tune/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCKS_MAX = 4 << 20, TRIES = 1000 };

/* The process that holds a flock on inode @ino, from "1: FLOCK ADVISORY WRITE 42 00:1f:77 0 EOF",
 * proc_locks(5); 0 if it cannot be told. */
static long holder(ino_t ino)
{
	char *text, *line, *save = NULL;
	long pid = 0;

	if (io_read_file("/proc/locks", LOCKS_MAX, &text, NULL) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &save); line && !pid;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned long long n;
		char sort[16];
		long p;

		/* the device is not compared: file systems of several volumes show another */
		if (sscanf(line, "%*s %15s %*s %*s %ld %*x:%*x:%llu", sort, &p, &n) == 3 &&
		    !strcmp(sort, "FLOCK") && n == ino)
			pid = p;
	}
	free(text);
	return pid;
}

/* "vtune apply" of process @pid. */
static void command_of(long pid, char *out, size_t size)
{
	char path[64];
	AUTO_CLOSE int fd = -1;
	size_t got = 0;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
	fd = io_open(path, O_RDONLY, 0, NULL);
	if (fd < 0 || io_read_upto(fd, out, size - 1, &got, NULL) < 0)
		got = 0;
	while (got && !out[got - 1])
		got--;
	out[got] = '\0';
	for (size_t i = 0; i < got; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = ' ';
}

static int busy(const struct host *h, int fd, struct err *e)
{
	struct stat st;
	char cmd[128];
	long pid = 0;

	if (io_fstat(fd, &st, NULL) == 0)
		pid = holder(st.st_ino);
	if (pid <= 0)
		return err_set(e, -EBUSY, "another vtune is changing %s; --wait waits for it",
			       host_root(h));
	command_of(pid, cmd, sizeof(cmd));
	return err_set(e, -EBUSY, "process %ld (%s) is changing %s; --wait waits for it", pid,
		       *cmd ? cmd : "vtune", host_root(h));
}

static int note_made(struct lock *l, const char *path, struct err *e)
{
	int r = mem_grow((void **)&l->made, l->n_made + 1, sizeof(*l->made), e);

	if (r < 0)
		return r;
	l->made[l->n_made] = mem_strdup(path, e);
	return l->made[l->n_made++] ? 0 : -ENOMEM;
}

/* The folders above, then ours: of root alone. */
static int make_folder(const struct host *h, struct lock *l, struct err *e)
{
	static const char *const above[] = { "/var", "/var/lib" };
	AUTO_CLOSE int dir = -1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(above); i++) {
		if (host_exists(h, above[i]))
			continue;
		r = below_mkdirs(host_root_fd(h), above[i], e);
		if (r == 0)
			r = note_made(l, above[i], e);
	}
	if (r < 0)
		return r;
	dir = host_openat(h, "/var/lib", O_RDONLY | O_DIRECTORY, 0, e);
	if (dir < 0)
		return dir;
	if (mkdirat(dir, "hostkit", 0700) < 0)
		return errno == EEXIST ? 0 : err_errno(e, "make the folder %s", JOURNAL_DIR);
	return io_sync(dir, true, e);
}

/* The name still leads to what was locked: a revert that ended meanwhile removes it. */
static bool still_there(const struct host *h, int fd)
{
	AUTO_CLOSE int now = host_openat(h, JOURNAL_DIR, O_PATH | O_DIRECTORY, 0, NULL);
	struct stat a, b;

	return now >= 0 && !fstat(now, &a) && !fstat(fd, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int try_once(const struct host *h, bool wait, struct lock *l, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r = make_folder(h, l, e);

	if (r < 0)
		return r;
	fd = host_openat(h, JOURNAL_DIR, O_RDONLY | O_DIRECTORY, 0, NULL);
	if (fd < 0)
		return fd == -ENOENT ? -EAGAIN
				     : err_set(e, fd,
					       "%s cannot be opened; vtune changes a "
					       "host as root: %s",
					       JOURNAL_DIR, strerror(-fd));
	if (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return busy(h, fd, e);
		return err_errno(e, "lock %s", JOURNAL_DIR);
	}
	if (!still_there(h, fd))
		return -EAGAIN;
	l->fd = fd;
	fd = -1;
	return 0;
}

int lock_take(const struct host *h, bool wait, struct lock *out, struct err *e)
{
	int r = -EAGAIN;

	*out = (struct lock){ .fd = -1 };
	for (int i = 0; r == -EAGAIN && i < TRIES; i++)
		r = try_once(h, wait, out, e);
	if (r == -EAGAIN)
		r = err_set(e, -EBUSY, "%s comes and goes", JOURNAL_DIR);
	if (r < 0)
		lock_release(h, out);
	return r;
}

void lock_release(const struct host *h, struct lock *l)
{
	/* rmdir itself tells whether anything is in it */
	int r = l->fd < 0 ? -EBUSY : below_remove(host_root_fd(h), JOURNAL_DIR, 1, NULL);

	for (size_t i = l->n_made; r == 0 && i-- > 0;)
		r = below_remove(host_root_fd(h), l->made[i], 1, NULL);
	io_close(l->fd);
	for (size_t i = 0; i < l->n_made; i++)
		free(l->made[i]);
	free(l->made);
	*l = (struct lock){ .fd = -1 };
}
