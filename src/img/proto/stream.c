/* SPDX-License-Identifier: MIT */
#include "img/proto/stream.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/zero.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STEP = 1 << 20, UNIT = 4096, STOP_MS = 200, TRIES = 16 };

/* ---- in ---- */

int stream_in_open(struct stream_in *s, const char **path, struct err *e)
{
	struct stat st;
	size_t got = 0;
	int r = io_fstat(s->fd, &st, e);

	*path = NULL;
	if (r < 0)
		return err_wrap(e, r, STREAM_IN_NAME);
	if (isatty(s->fd))
		return err_set(e, -EINVAL,
			       "'-' reads an image from a pipe or file, but standard input is "
			       "a terminal");
	if (S_ISDIR(st.st_mode))
		return err_set(e, -EISDIR, STREAM_IN_NAME " is a directory");
	if ((S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) && lseek(s->fd, 0, SEEK_CUR) == 0) {
		*path = "/proc/self/fd/0";
		return 0;
	}
	s->head_len = s->head_at = 0;
	r = stream_in_read(s, s->head, sizeof(s->head), &got, e);
	s->head_len = got;
	return r;
}

/* Waits in steps: a signal that came just before shall be seen, too. */
static int wait_input(const struct stream_in *s, struct err *e)
{
	int r;

	do {
		if (s->stop && atomic_load(s->stop))
			return err_set(e, -EINTR, "interrupted");
		r = io_wait(s->fd, false, STOP_MS, e);
	} while (r == 0);
	return r;
}

int stream_in_read(struct stream_in *s, void *buf, size_t len, size_t *got, struct err *e)
{
	uint8_t *p = buf;
	size_t done = min_u64(len, s->head_len - s->head_at), n = 1;
	int r = 0;

	memcpy(p, s->head + s->head_at, done);
	s->head_at += done;
	while (done < len && n) {
		r = wait_input(s, e);
		if (r >= 0)
			r = io_read_some(s->fd, p + done, len - done, &n, e);
		if (r == -EAGAIN) /* somebody else's read was quicker */
			continue;
		if (r < 0)
			return err_wrap(e, r, STREAM_IN_NAME);
		done += n;
	}
	*got = done;
	return 0;
}

/* ---- files without a name ---- */

static int named_spool(const char *dir, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		struct timespec now;
		AUTO_FREE char *name = NULL;
		int fd;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		name = str_printf(e, "%s/.vimg.%ld-%lx", dir, (long)getpid(),
				  (unsigned long)now.tv_nsec);
		if (!name)
			return -ENOMEM;
		fd = io_open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, e);
		if (fd >= 0)
			(void)unlink(name);
		if (fd != -EEXIST)
			return fd;
	}
	return err_set(e, -EEXIST, "no name is free");
}

int stream_spool_new(int *fd, char **path, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	struct err inner = { 0 };

	if (!dir || !*dir)
		dir = "/var/tmp";
	*fd = io_open(dir, O_RDWR | O_TMPFILE, 0600, &inner);
	if (*fd == -EOPNOTSUPP || *fd == -EISDIR || *fd == -EINVAL)
		*fd = named_spool(dir, &inner);
	if (*fd < 0)
		return err_set(e, *fd, "no room for a temporary file in '%s': %s", dir,
			       strerror(-*fd));
	*path = str_printf(e, "/proc/self/fd/%d", *fd);
	if (*path)
		return 0;
	io_close(*fd);
	*fd = -1;
	return -ENOMEM;
}

/* @buf without its zeroes, whole units at a time, at @off. */
static int put_sparse(int fd, const uint8_t *buf, size_t len, uint64_t off, struct err *e)
{
	int r = 0;

	for (size_t at = 0, n; at < len && r == 0; at += n) {
		int zero = 0;

		n = zero_run(buf + at, len - at, UNIT, UNIT, &zero);
		if (!zero)
			r = io_pwrite(fd, buf + at, n, off + at, e);
	}
	return r;
}

int stream_spool(struct stream_in *s, uint64_t max, int *fd, char **path, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(UNIT, STEP, e);
	uint64_t off = 0;
	size_t got = 1;
	int r = buf ? stream_spool_new(fd, path, e) : -ENOMEM;

	if (r < 0)
		return r;
	while (r == 0 && got && off < max) {
		r = stream_in_read(s, buf, (size_t)min_u64(STEP, max - off), &got, e);
		if (r == 0)
			r = put_sparse(*fd, buf, got, off, e);
		off += got;
	}
	if (r == 0)
		r = io_truncate(*fd, off, e);
	if (r == 0)
		return 0;
	io_close(*fd);
	*fd = -1;
	free(*path);
	*path = NULL;
	return err_wrap(e, r, "keeping " STREAM_IN_NAME " in a temporary file");
}

/* ---- out ---- */

struct stream_out {
	struct blk blk; /* first */
	int fd;
	uint64_t pos;      /* bytes written */
	uint64_t base;     /* sparse: where the file stood */
	bool sparse, hole; /* hole: the file is not as long as it shall be yet */
	uint8_t *zeroes;   /* STEP bytes, or NULL */
};

static struct stream_out *to_out(struct blk *b)
{
	return (struct stream_out *)b;
}

static int put(struct stream_out *o, const uint8_t *buf, size_t len, struct err *e)
{
	while (len) {
		size_t n = 0;
		int r = io_write_some(o->fd, buf, len, &n, e);

		if (r == 0 && n == 0)
			r = io_wait(o->fd, true, -1, e);
		if (r < 0)
			return err_wrap(e, r, STREAM_OUT_NAME);
		buf += n;
		len -= n;
		o->pos += n;
	}
	return 0;
}

static int in_order(const struct stream_out *o, uint64_t off, struct err *e)
{
	if (off == o->pos)
		return 0;
	return err_set(e, -ESPIPE,
		       STREAM_OUT_NAME " stands at %llu, and cannot be written at %llu",
		       (unsigned long long)o->pos, (unsigned long long)off);
}

static int out_pwrite(struct blk *b, const void *buf, size_t len, uint64_t off, struct err *e)
{
	struct stream_out *o = to_out(b);
	int r = in_order(o, off, e);

	if (r == 0)
		r = put(o, buf, len, e);
	o->hole = false;
	if (r == 0 && b->grows)
		b->size = max_u64(b->size, o->pos);
	return r;
}

static int out_zero(struct blk *b, uint64_t off, uint64_t len, unsigned flags, struct err *e)
{
	struct stream_out *o = to_out(b);
	int r = in_order(o, off, e);

	if (r < 0)
		return r;
	if (b->grows)
		b->size = max_u64(b->size, off + len);
	if (o->sparse) {
		if (lseek(o->fd, (off_t)len, SEEK_CUR) < 0)
			return err_errno(e, STREAM_OUT_NAME ": seek");
		o->pos += len;
		o->hole = true;
		return 0;
	}
	if (!o->zeroes)
		o->zeroes = mem_zalloc(1, STEP, e);
	r = o->zeroes ? 0 : -ENOMEM;
	while (r == 0 && len) {
		size_t n = (size_t)min_u64(len, STEP);

		r = put(o, o->zeroes, n, e);
		len -= n;
	}
	return r;
}

static int out_close(struct blk *b, struct err *e)
{
	struct stream_out *o = to_out(b);
	int r = o->hole ? io_truncate(o->fd, o->base + o->pos, e) : 0;

	free(o->zeroes);
	blk_fini(b);
	free(o);
	return r < 0 ? err_wrap(e, r, STREAM_OUT_NAME) : 0;
}

static const struct blk_ops stream_out_ops = {
	.name = "stream",
	.pwrite = out_pwrite,
	.zero = out_zero,
	.close = out_close,
};

int stream_out_new(uint64_t size, bool *sparse, struct blk **out, struct err *e)
{
	struct stream_out *o;
	struct stat st;
	off_t at;
	int r = io_fstat(STDOUT_FILENO, &st, e);

	if (r < 0)
		return err_wrap(e, r, STREAM_OUT_NAME);
	if (isatty(STDOUT_FILENO))
		return err_set(e, -EINVAL,
			       "'-' writes an image into a pipe or file, but standard output "
			       "is a terminal");
	o = mem_zalloc(1, sizeof(*o), e);
	if (!o)
		return -ENOMEM;
	o->fd = STDOUT_FILENO;
	at = S_ISREG(st.st_mode) ? lseek(o->fd, 0, SEEK_CUR) : -1;
	o->sparse = at >= 0 && at == st.st_size && !(fcntl(o->fd, F_GETFL) & O_APPEND);
	o->base = o->sparse ? (uint64_t)at : 0;
	r = blk_init(&o->blk, &stream_out_ops, STREAM_OUT_NAME, BLK_WRITE | BLK_NOFLUSH, e);
	if (r < 0) {
		free(o);
		return r;
	}
	o->blk.grows = size == UINT64_MAX;
	o->blk.size = o->blk.grows ? 0 : size;
	*sparse = o->sparse;
	*out = &o->blk;
	return 0;
}
