/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "base/zero.h"
#include "img/cmd_object.h"
#include "img/cmd_progress.h"
#include "img/cmds.h"
#include "img/convert.h"
#include "img/fetch.h"
#include "img/guard.h"
#include "img/output.h"
#include "img/proto/stream.h"
#include "img/unpack.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { OPT_SHA256 = 1, OPT_SUMS, OPT_TARGET, OPT_UNPACK, OPT_URL_OPTS, OPT_FORCE };

const struct cli_opt cmd_fetch_opts[] = {
	CMD_OPT_HELP,
	{ "sha256", 0, "DIGEST", OPT_SHA256 },
	{ "sums", 0, "URL", OPT_SUMS },
	{ "target-format", 'O', "FMT", OPT_TARGET },
	CMD_OPT_FORMAT,
	{ "unpack", 0, "KIND", OPT_UNPACK },
	{ "url-opts", 0, "OPTS", OPT_URL_OPTS },
	{ "force", 0, NULL, OPT_FORCE },
	CMD_OPT_PROGRESS,
	CMD_OPT_QUIET,
	CMD_OPT_OBJECT,
	CMD_OPT_END,
};

struct fetch {
	struct cmd_opts o;
	struct img_fetch f;
	struct optset opts;
	const char *digest, *sums, *target, *unpack, *url_opts;
	bool force;
	enum unpack_kind kind;
	struct unpack *u;
	int out;     /* where unpacked bytes go: a file, or the pipe to convert */
	uint64_t at; /* of the file */
	bool pipe;
	atomic_bool halt; /* the download failed: whoever reads shall stop */
	int r;
	struct err e; /* of the download */
};

static int own_opt(void *ctx, unsigned id, const char *value)
{
	struct fetch *c = ctx;
	const char **into[] = { [OPT_SHA256] = &c->digest,
				[OPT_SUMS] = &c->sums,
				[OPT_TARGET] = &c->target,
				[OPT_UNPACK] = &c->unpack,
				[OPT_URL_OPTS] = &c->url_opts };

	if (id == OPT_FORCE)
		c->force = true;
	else
		*into[id] = value;
	return 0;
}

/* ---- where the bytes go ---- */

static int put(void *arg, const void *buf, size_t n, struct err *e)
{
	struct fetch *c = arg;
	int r;

	if (c->pipe)
		return io_write(c->out, buf, n, e);
	/* Pieces of zeroes become holes. */
	r = zero_is(buf, n) ? 0 : io_pwrite(c->out, buf, n, c->at, e);
	c->at += n;
	return r;
}

static int feed(void *arg, const void *buf, size_t n, struct err *e)
{
	return unpack_feed(((struct fetch *)arg)->u, buf, n, e);
}

static int download(struct fetch *c, struct err *e)
{
	int r;

	c->f.sink = feed;
	c->f.arg = c;
	r = unpack_new(c->kind, put, c, &c->u, e);
	if (r == 0)
		r = img_fetch(&c->f, e);
	if (r == 0)
		r = unpack_end(c->u, e);
	unpack_free(c->u);
	c->u = NULL;
	return r;
}

/* ---- as it is ---- */

static int plain(struct fetch *c, struct err *e)
{
	int r = img_fetch(&c->f, e);

	return r < 0 ? r : img_fetch_keep(&c->f, e);
}

static int unpacked(struct fetch *c, struct err *e)
{
	struct output *o = NULL;
	int r = output_begin(c->f.file, &o, e);

	if (r < 0)
		return r;
	c->at = 0;
	c->out = io_open(output_path(o), O_WRONLY | O_CREAT | O_TRUNC, 0666, e);
	r = c->out < 0 ? c->out : download(c, e);
	if (r == 0)
		r = io_truncate(c->out, c->at, e);
	io_close(c->out);
	if (r < 0) {
		output_abandon(o);
		return r;
	}
	r = output_commit(o, true, e);
	if (r == 0)
		img_fetch_drop(&c->f);
	return r;
}

/* ---- converted ---- */

static void *downloader(void *arg)
{
	struct fetch *c = arg;

	c->r = download(c, &c->e);
	/* The end of the pipe would mean that all is well. */
	if (c->r < 0)
		atomic_store(&c->halt, true);
	else
		io_close(c->out);
	return NULL;
}

static int convert(struct fetch *c, struct stream_in *in, struct err *e)
{
	struct img_convert k = {
		.dst = c->f.file,
		.dst_format = c->target,
		.force = c->force,
		.content_guard = true,
		.sparse = 4096,
		.log = cmd_log(),
		.stop = &c->halt,
	};
	const struct img_format *f;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int spool = -1;
	AUTO_BLK struct blk *b = NULL;
	struct img_open o = { .log = cmd_log(), .flags = BLK_NOBACKING };
	size_t got = 0;
	int r = stream_in_read(in, in->head, sizeof(in->head), &got, e);

	if (r < 0)
		return r;
	img_create_defaults(&k.create);
	in->head_len = got;
	f = c->o.fmt ? img_format_find(c->o.fmt) : img_probe_bytes(in->head, got, "");
	if (!f)
		return err_set(e, -EINVAL, "Unknown driver '%s'", c->o.fmt);
	if (!strcmp(f->name, "raw")) {
		k.in = in;
		return img_convert(&k, e);
	}
	/* Whoever reads that goes to and fro. */
	r = stream_spool(in, UINT64_MAX, &spool, &path, e);
	o.filename = path;
	o.format = f->name;
	if (r == 0)
		r = img_open(&o, &b, e);
	if (r < 0)
		return r;
	k.src = &b;
	k.src_n = 1;
	return img_convert(&k, e);
}

static int converted(struct fetch *c, struct err *e)
{
	int ends[2];
	struct stream_in in = { .stop = &c->halt };
	pthread_t t;
	int r;

	atomic_store(&c->halt, false);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	in.fd = ends[0];
	c->out = ends[1];
	c->pipe = true;
	(void)fcntl(c->out, F_SETPIPE_SZ, 1 << 20);
	if (pthread_create(&t, NULL, downloader, c)) {
		io_close(ends[0]);
		io_close(ends[1]);
		return err_set(e, -EAGAIN, "no thread to download with");
	}
	r = convert(c, &in, e);
	io_close(ends[0]); /* who still writes there fails, and ends */
	(void)pthread_join(t, NULL);
	if (c->r < 0)
		io_close(c->out);
	/* Of two that fail, one is because of the other. */
	if (c->r < 0 && c->r != -EPIPE)
		return err_set(e, c->r, "%s", c->e.msg);
	if (r == 0)
		img_fetch_drop(&c->f);
	return r;
}

/* ---- the command ---- */

static int once(struct fetch *c, struct err *e)
{
	if (c->target)
		return converted(c, e);
	return c->kind == UNPACK_NONE ? plain(c, e) : unpacked(c, e);
}

static int prepare(struct fetch *c, struct err *e)
{
	int r = 0;

	if (c->digest && c->sums)
		return err_set(e, -EINVAL, "--sha256 and --sums exclude each other");
	if (c->o.fmt && !c->target)
		return err_set(e, -EINVAL, "--format says what to convert from, and needs -O");
	if (c->target && !img_format_find(c->target))
		return err_set(e, -EINVAL, "Unknown file format '%s'", c->target);
	/* A name that says packed stays so. */
	c->kind = unpack_kind_of_name(c->f.url);
	if (!c->target && unpack_kind_of_name(c->f.file) == c->kind)
		c->kind = UNPACK_NONE;
	if (c->unpack)
		r = unpack_kind_named(c->unpack, &c->kind, e);
	if (r == 0 && c->url_opts)
		r = optset_parse(&c->opts, c->url_opts, NULL, e);
	if (r == 0 && !c->force)
		r = img_guard(c->f.file, true, e);
	if (r == 0 && c->digest)
		r = fetch_digest(c->digest, &c->f.algorithm, c->f.want, e);
	if (r == 0 && c->digest && strcmp(c->f.algorithm, "sha256") != 0)
		r = err_set(e, -EINVAL, "'%.140s' is not a sha256 digest", c->digest);
	if (r == 0 && c->sums)
		r = img_fetch_sums(&c->f, c->sums, e);
	return r;
}

static int run(struct fetch *c)
{
	struct cmd_progress cp;
	struct err e = { 0 };
	int r;

	c->f.opts = &c->opts;
	c->f.secrets = cmd_secrets();
	c->f.stop = cmd_stop_flag();
	r = prepare(c, &e);
	if (r < 0)
		return cmd_fail(&e, "%s: ", c->f.url);
	c->f.progress = cmd_progress_start(&cp, &c->o, 1);
	r = once(c, &e);
	if (r == -ESTALE && c->f.resumed) {
		cmd_warn("'%s' has changed since its download began; from the beginning",
			 c->f.url);
		r = once(c, &e);
	}
	cmd_progress_end(&cp, r == 0);
	cmd_stop_now();
	return r < 0 ? cmd_fail(&e, "%s: ", c->f.url) : 0;
}

int cmd_fetch(int argc, char **argv)
{
	struct fetch c = { .opts = OPTSET_INIT };
	int n = 0, r = cmd_parse(cmd_fetch_opts, argc, argv, &c.o, own_opt, &c, &n);

	if (r < 0 && n != 2)
		r = cmd_usage(&c.o, "Expecting a URL and a file name");
	if (r < 0) {
		c.f.url = argv[1];
		c.f.file = argv[2];
		r = run(&c);
	}
	optset_free(&c.opts);
	return r;
}
