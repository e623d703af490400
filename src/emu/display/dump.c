/* SPDX-License-Identifier: MIT */
#include "emu/display/dump.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define TRIES 3
#define CHUNK 32768u

struct dump {
	int fd;
	const struct display_screen *s;
	struct display_mode mode;
	uint8_t row[1 + 3 * DISPLAY_WIDTH]; /* PNG has a filter's number in front */
	uint8_t out[CHUNK];
	z_stream z;
};

static int moved(struct err *e)
{
	return err_set(e, -EAGAIN, "the guest changed the screen's mode meanwhile");
}

static int write_ppm(struct dump *d, struct err *e)
{
	int n = snprintf((char *)d->row, sizeof(d->row), "P6\n%u %u\n255\n", d->mode.width,
			 d->mode.height);
	int r = io_write(d->fd, d->row, (size_t)n, e);

	for (unsigned y = 0; y < d->mode.height && r == 0; y++) {
		if (!d->s->ops->row(d->s->dev, &d->mode, y, d->row))
			return moved(e);
		r = io_write(d->fd, d->row, 3 * (size_t)d->mode.width, e);
	}
	return r;
}

/* ---- PNG ---- */

static int chunk(struct dump *d, const char *type, const uint8_t *p, size_t n, struct err *e)
{
	uint8_t head[8], tail[4];
	uLong crc;
	int r;

	store_be32(head, (uint32_t)n);
	memcpy(head + 4, type, 4);
	crc = crc32(crc32(0, head + 4, 4), p, (uInt)n);
	store_be32(tail, (uint32_t)crc);
	r = io_write(d->fd, head, sizeof(head), e);
	if (r == 0)
		r = io_write(d->fd, p, n, e);
	return r < 0 ? r : io_write(d->fd, tail, sizeof(tail), e);
}

static int squeeze(struct dump *d, int flush, struct err *e)
{
	int z, r = 0;

	do {
		z = deflate(&d->z, flush);
		if (d->z.avail_out && z != Z_STREAM_END)
			break;
		r = chunk(d, "IDAT", d->out, CHUNK - d->z.avail_out, e);
		d->z.next_out = d->out;
		d->z.avail_out = CHUNK;
	} while (r == 0 && z == Z_OK);
	return r;
}

static int write_rows(struct dump *d, struct err *e)
{
	int r = 0;

	d->row[0] = 0; /* no filter */
	for (unsigned y = 0; y < d->mode.height && r == 0; y++) {
		if (!d->s->ops->row(d->s->dev, &d->mode, y, d->row + 1))
			return moved(e);
		d->z.next_in = d->row;
		d->z.avail_in = 1 + 3 * d->mode.width;
		r = squeeze(d, Z_NO_FLUSH, e);
	}
	return r < 0 ? r : squeeze(d, Z_FINISH, e);
}

static int write_png(struct dump *d, struct err *e)
{
	static const uint8_t magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	uint8_t head[13] = { [8] = 8, 2 }; /* bits of each of three colours */
	int r;

	store_be32(head, d->mode.width);
	store_be32(head + 4, d->mode.height);
	memset(&d->z, 0, sizeof(d->z));
	if (deflateInit(&d->z, Z_BEST_SPEED) != Z_OK)
		return err_set(e, -ENOMEM, "no memory to compress a picture");
	d->z.next_out = d->out;
	d->z.avail_out = CHUNK;
	r = io_write(d->fd, magic, sizeof(magic), e);
	if (r == 0)
		r = chunk(d, "IHDR", head, sizeof(head), e);
	if (r == 0)
		r = write_rows(d, e);
	deflateEnd(&d->z);
	return r < 0 ? r : chunk(d, "IEND", head, 0, e);
}

/* ---- both ---- */

static int once(struct dump *d, const char *file, enum dump_format format, struct err *e)
{
	int r;

	d->s->ops->mode(d->s->dev, &d->mode);
	if (d->mode.kind == DISPLAY_BLANK || d->mode.width > DISPLAY_WIDTH)
		return err_set(e, -EAGAIN, "%s shows nothing: the guest has set no mode",
			       d->s->name);
	d->fd = io_open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666, e);
	if (d->fd < 0)
		return d->fd;
	r = format == DUMP_PNG ? write_png(d, e) : write_ppm(d, e);
	if (r == 0)
		return io_close_checked(d->fd, e);
	io_close(d->fd);
	unlink(file);
	return r < 0 && r != -EAGAIN ? err_wrap(e, r, "%s", file) : r;
}

int display_dump(const struct display *d, const char *file, enum dump_format format,
		 struct err *e)
{
	AUTO_FREE struct dump *w = mem_zalloc(1, sizeof(*w), e);
	int r = -EAGAIN;

	if (!w)
		return -ENOMEM;
	if (!d->n)
		return err_set(e, -ENODEV, "this machine has no graphics card");
	w->s = &d->screen[0];
	for (unsigned i = 0; i < TRIES && r == -EAGAIN; i++)
		r = once(w, file, format, e);
	return r;
}
