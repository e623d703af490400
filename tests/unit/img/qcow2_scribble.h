/* SPDX-License-Identifier: MIT */
/*
 * An image file under random operations, and what it must hold: a flat buffer that sees the
 * same operations.  qemu-img, where there is one, judges the file at the end.
 */
#ifndef TESTS_QCOW2_SCRIBBLE_H
#define TESTS_QCOW2_SCRIBBLE_H

#include "base/bytes.h"
#include "img/format/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE "img.qcow2"
#define MODEL "model.raw"

enum { SNAPS = 3 };

/* The features of one image. */
struct setup {
	const char *name;
	uint64_t cluster;
	unsigned compat, refcount_bits;
	bool compressed, zstd, extended_l2, lazy, snapshots;
	bool data_file, data_raw, bitmap;
	const char *encrypt; /* luks, aes, or NULL; QEMU then judges in tests/cli */
	const char *backing; /* format of the backing image, or NULL */
	enum blk_prealloc prealloc;
	bool small_caches; /* tables leave them all the time */
	bool sync; /* the file is synced for real: slow, and it makes no difference to most */
	unsigned open_flags;
};

struct snap {
	char name[16];
	uint64_t size;
	uint8_t *bytes; /* NULL: none */
};

struct world {
	const struct setup *s;
	struct blk *b;
	uint8_t *model, *base; /* base: what the backing image holds, zero after it */
	uint64_t size, base_size;
	uint64_t room; /* bytes of model and base: the image is never larger */
	uint64_t rng;
	struct snap snaps[SNAPS];
	unsigned snaps_made;
	bool qemu;
};

/* ---- randomness: the same on every machine ---- */

static inline uint64_t random64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t below(uint64_t *state, uint64_t n)
{
	return random64(state) % n;
}

/* Noise, text that compresses, or one byte over and over. */
static inline void fill_random(uint64_t *state, uint8_t *p, size_t len)
{
	unsigned kind = (unsigned)below(state, 8);
	uint64_t word = random64(state);

	if (kind < 2) {
		memset(p, kind ? (int)(word & 255) : 0, len);
		return;
	}
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = kind < 5 ? random64(state) : word + (i / 64 % 7);

		memcpy(p + i, &v, len - i < 8 ? len - i : 8);
	}
}

/* cmocka can only leave a test in the thread that runs it. */
static _Thread_local bool in_worker;

static inline void give_up(void)
{
	if (in_worker)
		_exit(1);
	fail();
}

/* ---- other programs ---- */

static inline bool have_qemu(void)
{
	return system("qemu-img --version >/dev/null 2>&1") == 0;
}

/* Fails the test if @cmd, which may be a judge or a tool, does. */
static inline void must_run(const char *cmd)
{
	char line[1024];

	snprintf(line, sizeof(line), "{ %s; } >judge.out 2>&1", cmd);
	if (system(line) == 0)
		return;
	fprintf(stderr, "# failed: %s\n", cmd);
	if (system("sed 's/^/#   /' judge.out | head -n 40 >&2") != 0)
		fprintf(stderr, "# (no output)\n");
	fail();
}

/* ---- files ---- */

static inline void must(int r, const struct err *e)
{
	if (r < 0) {
		fprintf(stderr, "# %s (%d)\n", e->msg, r);
		give_up();
	}
}

static inline void write_file(const char *name, const uint8_t *p, size_t len)
{
	FILE *f = fopen(name, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void warn_line(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "# %s\n", text);
}

static inline struct blk *open_image_as(const char *name, const char *format, unsigned flags)
{
	static const struct blk_log log = { .warn = warn_line };
	struct img_open o = { .filename = name, .format = format, .flags = flags, .log = &log };
	struct err e = { 0 };
	struct blk *b = NULL;

	must(img_open(&o, &b, &e), &e);
	return b;
}

/* One secret, "s". */
static inline const struct secret_set *scribble_secrets(void)
{
	static char id[] = "s";
	static uint8_t word[] = "open sesame";
	static struct secret secret = { id, word, sizeof(word) - 1 };
	static const struct secret_set set = { .v = &secret, .n = 1 };

	return &set;
}

static inline struct blk *open_with(const char *text, unsigned flags)
{
	struct optset opts = OPTSET_INIT;
	struct img_open o = { .filename = IMAGE,
			      .format = "qcow2",
			      .flags = flags,
			      .secrets = scribble_secrets() };
	struct err e = { 0 };
	struct blk *b = NULL;

	must(optset_parse(&opts, text, NULL, &e), &e);
	o.opts = &opts;
	must(img_open(&o, &b, &e), &e);
	optset_free(&opts);
	return b;
}

static inline void close_image(struct blk *b)
{
	struct err e = { 0 };

	must(blk_close(b, &e), &e);
}

static inline void world_open(struct world *w)
{
	unsigned flags = BLK_WRITE | BLK_UNMAP | w->s->open_flags;

	if (!w->s->sync)
		flags |= BLK_NOFLUSH;
	if (w->s->small_caches)
		w->b = open_with(
			"l2-cache-size=2k,l2-cache-entry-size=512,refcount-cache-size=512",
			flags);
	else if (w->s->encrypt)
		w->b = open_with("encrypt.key-secret=s", flags);
	else
		w->b = open_image_as(IMAGE, "qcow2", flags);
}

static inline void world_close(struct world *w)
{
	close_image(w->b);
	w->b = NULL;
}

static inline void make_backing(struct world *w)
{
	w->base_size = round_down(w->size * 5 / 8, w->s->cluster) + 3 * 512;
	if (w->base_size > w->size)
		w->base_size = w->size / 1024 * 512;
	for (uint64_t off = 0; off < w->base_size; off += 40000)
		fill_random(&w->rng, w->base + off, (size_t)min_u64(40000, w->base_size - off));
	memcpy(w->model, w->base, (size_t)w->base_size);
	write_file("base.raw", w->base, (size_t)w->base_size);
	if (!strcmp(w->s->backing, "qcow2")) {
		struct img_create c;
		struct err e = { 0 };
		struct blk *b;

		img_create_defaults(&c);
		c.size = w->base_size;
		c.cluster_size = 4096;
		must(img_create_file("base.qcow2", &img_format_qcow2, &c, 0, NULL, NULL, &e),
		     &e);
		b = open_image_as("base.qcow2", "qcow2", BLK_WRITE);
		must(blk_pwrite(b, w->base, (size_t)w->base_size, 0, &e), &e);
		close_image(b);
	}
}

static inline void world_new(struct world *w, const struct setup *s, uint64_t seed)
{
	struct optset own = OPTSET_INIT;
	struct img_create c;
	struct err e = { 0 };

	*w = (struct world){ .s = s, .rng = seed, .qemu = !s->encrypt && have_qemu() };
	/* a few L2 tables, and a last cluster that is cut */
	w->size = s->cluster < 4096 ? 640 << 10 : s->cluster >= 1 << 20 ? 20 << 20 : 6 << 20;
	w->size += s->cluster / 1024 * 512 + 512;
	w->room = w->size + w->size / 4;
	w->model = calloc(1, (size_t)w->room);
	w->base = calloc(1, (size_t)w->room);
	assert_non_null(w->model);
	assert_non_null(w->base);
	assert_int_equal(system("rm -rf scribble.d && mkdir scribble.d"), 0);
	assert_int_equal(chdir("scribble.d"), 0);
	if (s->backing)
		make_backing(w);
	img_create_defaults(&c);
	c.size = w->size;
	c.cluster_size = s->cluster;
	c.compat = s->compat;
	c.refcount_bits = s->refcount_bits;
	c.lazy_refcounts = s->lazy;
	c.extended_l2 = s->extended_l2;
	c.compression_zstd = s->zstd;
	c.data_file = s->data_file ? "img.data" : NULL;
	c.data_file_raw = s->data_raw;
	c.prealloc = s->prealloc;
	if (s->backing) {
		c.backing_fmt = s->backing;
		c.backing_file = strcmp(s->backing, "raw") ? "base.qcow2" : "base.raw";
	}
	if (s->encrypt) {
		must(optset_set(&own, "encrypt.format", s->encrypt, &e), &e);
		must(optset_set(&own, "encrypt.key-secret", "s", &e), &e);
		if (!strcmp(s->encrypt, "luks"))
			must(optset_set(&own, "encrypt.iter-time", "1", &e), &e);
		c.own = &own;
		c.secrets = scribble_secrets();
	}
	must(img_create_file(IMAGE, &img_format_qcow2, &c, 0, NULL, NULL, &e), &e);
	optset_free(&own);
	if (s->bitmap && w->qemu)
		must_run("qemu-img bitmap --add -g 32k " IMAGE " changes");
	world_open(w);
	assert_int_equal(w->b->size, w->size);
}

static inline void world_free(struct world *w)
{
	if (w->b)
		world_close(w);
	for (unsigned i = 0; i < SNAPS; i++)
		free(w->snaps[i].bytes);
	free(w->model);
	free(w->base);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(system("rm -rf scribble.d"), 0);
}

/* Another program writes in between; the image is closed. */
static inline void world_lend(struct world *w)
{
	static const char *const verbs[] = { "write -P", "write -z", "write -z -u" };

	for (unsigned i = 0; i < 4; i++) {
		uint64_t off = below(&w->rng, w->size), len = below(&w->rng, 300000) + 1;
		unsigned byte = (unsigned)below(&w->rng, 255) + 1;
		unsigned verb = (unsigned)below(&w->rng, ARRAY_SIZE(verbs));
		char value[8] = "", cmd[256];

		len = min_u64(len, w->size - off);
		if (!verb)
			snprintf(value, sizeof(value), "%u", byte);
		snprintf(cmd, sizeof(cmd),
			 "qemu-io -f qcow2 -t unsafe -c '%s %s %llu %llu' " IMAGE, verbs[verb],
			 value, (unsigned long long)off, (unsigned long long)len);
		must_run(cmd);
		memset(w->model + off, verb ? 0 : (int)byte, (size_t)len);
	}
}

/* ---- judging ---- */

/* Compares [off, off + len), which has been read into @got, and names the first bad byte. */
static inline void must_equal(const uint8_t *want, const uint8_t *got, uint64_t off, size_t len,
			      const char *what)
{
	if (!memcmp(want + off, got, len))
		return;
	for (size_t i = 0; i < len; i++) {
		if (want[off + i] == got[i])
			continue;
		fprintf(stderr, "# %s: byte %#llx is %02x, should be %02x\n", what,
			(unsigned long long)(off + i), got[i], want[off + i]);
		break;
	}
	give_up();
}

static inline void must_hold(struct blk *b, const uint8_t *want, uint64_t size,
			     const char *what)
{
	enum { STEP = 700001 };
	uint8_t *buf = malloc(STEP);
	struct err e = { 0 };

	assert_non_null(buf);
	for (uint64_t off = 0; off < size; off += STEP) {
		size_t n = (size_t)min_u64(STEP, size - off);

		must(blk_pread(b, buf, n, off, &e), &e);
		must_equal(want, buf, off, n, what);
	}
	free(buf);
}

/* The closed image: sound, and equal to the model for us and for others. */
static inline void world_judge(struct world *w)
{
	struct blk *b = w->s->encrypt ? open_with("encrypt.key-secret=s", 0)
				      : open_image_as(IMAGE, "qcow2", 0);

	must_hold(b, w->model, w->size, "after reopening");
	close_image(b);
	for (unsigned i = 0; i < SNAPS; i++) {
		struct err e = { 0 };

		if (!w->snaps[i].bytes)
			continue;
		b = w->s->encrypt ? open_with("encrypt.key-secret=s", 0)
				  : open_image_as(IMAGE, "qcow2", 0);
		must(qcow2_snapshot_load(b, w->snaps[i].name, &e), &e);
		must_hold(b, w->snaps[i].bytes, min_u64(b->size, w->snaps[i].size),
			  w->snaps[i].name);
		close_image(b);
	}
	if (!w->qemu)
		return;
	write_file(MODEL, w->model, (size_t)w->size);
	must_run("qemu-img check -f qcow2 " IMAGE);
	must_run("qemu-img compare -f qcow2 -F raw " IMAGE " " MODEL);
	if (w->s->data_raw)
		must_run("qemu-img compare -f raw -F raw img.data " MODEL);
	for (unsigned i = 0; i < SNAPS; i++) {
		char cmd[256];

		if (!w->snaps[i].bytes)
			continue;
		write_file("snap.raw", w->snaps[i].bytes, (size_t)w->snaps[i].size);
		snprintf(cmd, sizeof(cmd),
			 "qemu-img convert -f qcow2 -O raw -l %s " IMAGE
			 " snap.out && cmp -n %llu snap.raw snap.out",
			 w->snaps[i].name,
			 (unsigned long long)min_u64(w->size, w->snaps[i].size));
		must_run(cmd);
	}
}

#endif
