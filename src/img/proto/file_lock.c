/* SPDX-License-Identifier: MIT */
/*
 * QEMU's image locks.  Each of four rights has two bytes in the file's lock space:
 * one read-locked by those who use the right, one by those who do not want
 * others to use it.  Taking a lock never fails; conflicts are found by asking
 * who holds the opposite byte.  So any number of programs agree without a server, and
 * a lock ends with its descriptor.
 */
#include "base/io.h"
#include "img/proto/file_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_USED = 100, LOCK_DENIED = 200, LOCK_RIGHTS = 4 };

static const char *const right_names[LOCK_RIGHTS] = {
	"consistent read",
	"write",
	"write unchanged",
	"resize",
};

static int set_lock(int fd, short type, int byte)
{
	struct flock fl = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &fl) < 0 ? -errno : 0;
}

/* True if another open file holds a lock on @byte. */
static bool is_held(int fd, int byte)
{
	struct flock fl = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

/* True if one of the "lock:" lines of @info covers @byte. */
static bool info_holds(const char *info, long byte)
{
	for (const char *p = strstr(info, "lock:"); p; p = strstr(p + 1, "lock:")) {
		long from;
		char to[24];

		/* lock: 1: OFDLCK ADVISORY READ -1 fd:00:1234 100 101 */
		if (sscanf(p, "lock:%*s OFDLCK %*s %*s %*s %*s %ld %23s", &from, to) != 2)
			continue;
		if (byte >= from && (!strcmp(to, "EOF") || byte <= atol(to)))
			return true;
	}
	return false;
}

/* Looks through one process for a descriptor of the file that holds the lock. */
static bool process_holds(long pid, const struct stat *want, int byte)
{
	char path[64];
	bool found = false;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		struct stat st;
		char *info;

		if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, 0) < 0 ||
		    st.st_ino != want->st_ino || st.st_dev != want->st_dev)
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%d", pid,
			 (int)strtol(d->d_name, NULL, 10));
		if (io_read_file(path, 65536, &info, NULL) < 0)
			continue;
		found = info_holds(info, byte);
		free(info);
	}
	closedir(dir);
	return found;
}

/* Open-file locks carry no process id, so /proc is searched: only processes that we
 * may look into are found. */
static bool find_holder(int fd, int byte, char *text, size_t len)
{
	struct stat want;
	bool found = false;
	struct dirent *d;
	DIR *dir;

	if (io_fstat(fd, &want, NULL) < 0)
		return false;
	dir = opendir("/proc");
	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		char path[64], *comm;
		long pid = strtol(d->d_name, NULL, 10);

		if (pid <= 0 || pid == (long)getpid() || !process_holds(pid, &want, byte))
			continue;
		found = true;
		snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		if (io_read_file(path, 256, &comm, NULL) < 0) {
			snprintf(text, len, "%ld", pid);
			continue;
		}
		comm[strcspn(comm, "\n")] = '\0';
		snprintf(text, len, "%ld (%s)", pid, comm);
		free(comm);
	}
	closedir(dir);
	return found;
}

static int refuse(int fd, const char *path, const char *what, int right, int byte,
		  struct err *e)
{
	char holder[300];

	if (!find_holder(fd, byte, holder, sizeof(holder)))
		return err_set(e, -EBUSY,
			       "Failed to get %s\"%s\" lock\n"
			       "Is another process using the image [%s]?",
			       what, right_names[right], path);
	return err_set(e, -EBUSY,
		       "Failed to get %s\"%s\" lock\n"
		       "Is another process using the image [%s]?\n"
		       "It is held by process %s.",
		       what, right_names[right], path, holder);
}

/* A file system without locks (some network ones) is used without, as QEMU does
 * with locking=auto. */
static bool locks_missing(int r)
{
	return r == -EINVAL || r == -ENOSYS || r == -ENOLCK || r == -EOPNOTSUPP;
}

int file_lock_take(int fd, const char *path, unsigned may, unsigned deny, struct err *e)
{
	for (int i = 0; i < LOCK_RIGHTS; i++) {
		int r = 0;

		if (may & 1u << i)
			r = set_lock(fd, F_RDLCK, LOCK_USED + i);
		if (r == 0 && deny & 1u << i)
			r = set_lock(fd, F_RDLCK, LOCK_DENIED + i);
		if (locks_missing(r))
			return 0;
		/* Only somebody who write-locks these bytes can be in the way. */
		if (r == -EAGAIN || r == -EACCES)
			return refuse(fd, path, "", i,
				      may & 1u << i ? LOCK_USED + i : LOCK_DENIED + i, e);
		if (r < 0)
			return err_set(e, r, "Failed to lock byte %d: %s", LOCK_USED + i,
				       strerror(-r));
	}
	for (int i = 0; i < LOCK_RIGHTS; i++) {
		if (may & 1u << i && is_held(fd, LOCK_DENIED + i))
			return refuse(fd, path, "", i, LOCK_DENIED + i, e);
		if (deny & 1u << i && is_held(fd, LOCK_USED + i))
			return refuse(fd, path, "shared ", i, LOCK_USED + i, e);
	}
	return 0;
}

int file_lock(struct blk *b, enum file_role role, struct err *e)
{
	struct file *f = to_file(b);
	unsigned may = FILE_L_READ, deny = 0;
	int r;

	if (b->flags & BLK_NOLOCK)
		return 0;
	if (b->flags & BLK_WRITE)
		may |= FILE_L_WRITE | (role == FILE_RAW ? 0 : FILE_L_RESIZE);
	if (!(b->flags & BLK_SHARE) && role != FILE_RAW)
		deny = role == FILE_DATA ? FILE_L_RESIZE : FILE_L_WRITE | FILE_L_RESIZE;
	r = file_lock_take(f->fd, b->filename, may, deny, e);
	if (r < 0)
		return r;
	f->held = may;
	f->denied = deny;
	return 0;
}
