/* SPDX-License-Identifier: MIT */
/* gzip and zstd, by the libraries that qcow2 needs anyway. */
#include "base/mem.h"
#include "img/unpack_int.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

static int gz_start(struct unpack *u, struct err *e)
{
	z_stream *z = mem_zalloc(1, sizeof(*z), e);

	u->state = z;
	if (!z)
		return -ENOMEM;
	if (inflateInit2(z, 15 + 16) != Z_OK) {
		free(z);
		return err_set(e, -ENOMEM, "out of memory");
	}
	return 0;
}

static int gz_step(struct unpack *u, struct err *e)
{
	z_stream *z = u->state;
	int r;

	z->next_in = (Bytef *)(uintptr_t)u->in;
	z->avail_in = (uInt)u->in_n;
	z->next_out = u->out;
	z->avail_out = UNPACK_STEP;
	r = inflate(z, Z_NO_FLUSH);
	u->in += u->in_n - z->avail_in;
	u->in_n = z->avail_in;
	u->out_n = UNPACK_STEP - z->avail_out;
	if (r == Z_STREAM_END) {
		u->at_end = true;
		return inflateReset(z) == Z_OK ? 0 : err_set(e, -EIO, "zlib failed");
	}
	if (r == Z_OK || r == Z_BUF_ERROR)
		return 0;
	return err_set(e, -EUCLEAN, "the packed data is damaged (gz: %s)",
		       z->msg ? z->msg : "unknown");
}

static void gz_stop(struct unpack *u)
{
	(void)inflateEnd(u->state);
	free(u->state);
}

const struct unpack_ops unpack_gz = { gz_start, gz_step, gz_stop };

static int zst_start(struct unpack *u, struct err *e)
{
	u->state = ZSTD_createDStream();
	return u->state ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int zst_step(struct unpack *u, struct err *e)
{
	ZSTD_inBuffer in = { u->in, u->in_n, 0 };
	ZSTD_outBuffer out = { u->out, UNPACK_STEP, 0 };
	size_t r = ZSTD_decompressStream(u->state, &out, &in);

	u->in += in.pos;
	u->in_n -= in.pos;
	u->out_n = out.pos;
	u->at_end = r == 0;
	return ZSTD_isError(r) ? err_set(e, -EUCLEAN, "the packed data is damaged (zst: %s)",
					 ZSTD_getErrorName(r))
			       : 0;
}

static void zst_stop(struct unpack *u)
{
	(void)ZSTD_freeDStream(u->state);
}

const struct unpack_ops unpack_zst = { zst_start, zst_step, zst_stop };
