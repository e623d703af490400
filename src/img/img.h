/* SPDX-License-Identifier: MIT */
/*
 * Images: opening them by name and format, and what a format can do beyond
 * moving bytes.  Formats and protocols are listed in img/format.c.
 */
#ifndef IMG_IMG_H
#define IMG_IMG_H

#include "base/optset.h"
#include "base/progress.h"
#include "img/blk.h"
#include "img/detail.h"
#include "img/secret.h"

struct img_compact;

enum { IMG_PROBE_BYTES = 512, IMG_CHAIN_MAX = 64, IMG_NAME_MAX = 1023 };

/* ---- open ---- */

struct img_open {
	/* A path, "file:path" or "json:{...}"; NULL: opts say it ("file.filename"). */
	const char *filename;
	/* NULL, or where the file lies while it goes by @filename, in messages and for relative
	 * names in it: an output that has not got its name yet (img/output.h). */
	const char *path;
	const char *format; /* NULL: probe the first 512 bytes */
	unsigned flags;     /* enum blk_open_flags */
	/* Run-time options ("l2-cache-size", "overlap-check", "file.locking",
	 * "backing.driver", ...) or NULL.  Those not understood are -EINVAL. */
	struct optset *opts;
	/* What options such as "encrypt.key-secret" name; NULL: none.  Outlives the node. */
	const struct secret_set *secrets;
	const struct blk_log *log;
};

/*
 * Opens an image with its data file and backing chain.  Backing images are opened
 * read-only, with the format the overlay's header names (probed, with a
 * warning, if it names none), names relative to the overlay's folder; more
 * than IMG_CHAIN_MAX images or a loop is -ELOOP.
 * -EINVAL: not that format; -EUCLEAN: damaged; -ENOTSUP: a feature unknown
 * here; -EBUSY: locked by another process, which the message names.
 */
int img_open(const struct img_open *o, struct blk **out, struct err *e) MUST_CHECK;

/* Adds what the text of --image-opts says to @out, for img_open.opts. */
int img_open_opts(const char *text, struct optset *out, struct err *e) MUST_CHECK;

/*
 * For a format's open: the file called @name in the header of the image @parent, where
 * bytes lie that the image itself does not hold.  @flags are those of the image.  Relative
 * to the parent's folder; protocols are refused.
 */
int img_open_child(const char *parent, const char *name, unsigned flags, struct blk **out,
		   struct err *e) MUST_CHECK;

/* Reads the first bytes of @file and says what it holds: never NULL on success
 * ("raw" is what nothing else claims). */
int img_probe(struct blk *file, const struct img_format **out, struct err *e) MUST_CHECK;

/* The same for the first @len bytes, at most IMG_PROBE_BYTES, of something so called. */
const struct img_format *img_probe_bytes(const uint8_t *head, size_t len, const char *filename);

/* The path of @name as written in an image called @overlay: absolute names and
 * names with a protocol stay, others are relative to the overlay's folder.
 * Returns a new string, NULL and -ENOMEM or -EINVAL in @e. */
char *img_relative_name(const char *overlay, const char *name, struct err *e) MUST_CHECK;

/* ---- create ---- */

struct img_create {
	uint64_t size;            /* bytes; rounded up to 512 by the format */
	const char *backing_file; /* as it shall stand in the header, or NULL */
	const char *backing_fmt;
	unsigned compat;        /* qcow2: 2 or 3 */
	uint64_t cluster_size;  /* qcow2 */
	unsigned refcount_bits; /* qcow2 */
	bool lazy_refcounts, extended_l2, data_file_raw, compression_zstd;
	const char *data_file;
	enum blk_prealloc prealloc;
	bool nocow;
	uint64_t extent_size_hint; /* 0: leave alone */
	/* All that -o said, for options that only one format has: its create gets them with the
	 * optset_get family (img_create_word for words).  NULL: nothing was said. */
	struct optset *own;
	/* Not stored in the image: what whoever fills it opens it with, as the run-time
	 * option "compression-level" (fast, small).  NULL: fast. */
	const char *compression_level;
	const struct secret_set *secrets; /* what options name; NULL: none */
	/* What the file will be called, which a format may write into it; NULL: as it is. */
	const char *name;
};

/* qemu-img's defaults. */
void img_create_defaults(struct img_create *c);

/* One create option, for -o help, -o parsing and the "Formatting" line. */
struct img_create_opt {
	const char *name;
	const char *type; /* "str", "size", "num", "bool (on/off)" */
	const char *help;
	bool amend; /* may be changed later */
	/* What the "Formatting" line shows where nobody said anything; NULL: nothing. */
	const char *def;
};

/* What every new file takes, whatever its format; ends with a NULL name. */
extern const struct img_create_opt img_file_create_opts[];
/* The option of that name among the format's own, or NULL. */
const struct img_create_opt *img_create_opt_find(const struct img_format *fmt,
						 const char *name);
/* Which of @words (ends with NULL) the option @key of c->own is; *out stays as it is where it was
 * not given.  @shown: what messages call it. */
int img_create_word(struct optset *set, const char *key, const char *shown,
		    const char *const *words, unsigned *out, struct err *e) MUST_CHECK;
/* on or off; *out stays as it is where it was not given. */
int img_create_bool(struct optset *set, const char *key, bool *out, struct err *e) MUST_CHECK;

/*
 * Fills @c from the options of -o for @fmt, in qemu-img's words where they are wrong.  Strings
 * in @c belong to @set.  Keys of @set that the format does not know: -EINVAL.
 */
int img_create_parse(const struct img_format *fmt, struct optset *set, struct img_create *c,
		     struct err *e) MUST_CHECK;

/* The first half of that: names, and how numbers, sizes and switches are written. */
int img_create_check(const struct img_format *fmt, struct optset *set, struct err *e)
	MUST_CHECK;
/* The same for what amend takes. */
int img_amend_check(const struct img_format *fmt, struct optset *set, struct err *e) MUST_CHECK;

/*
 * Makes the file @filename (and c->data_file, relative to its folder) and an empty image in
 * it.  Regular files are emptied if they exist, devices are written in place.  On failure
 * files that were not there before are removed.  -EBUSY: another process has one of them
 * open.  @flags: of enum blk_open_flags those that say how to write (BLK_NOFLUSH, BLK_DIRECT).
 */
int img_create_file(const char *filename, const struct img_format *fmt,
		    const struct img_create *c, unsigned flags, struct progress *p,
		    const struct blk_log *log, struct err *e) MUST_CHECK;

/* ---- info ---- */

struct img_snapshot {
	char *id, *name;
	uint64_t vm_state_size;
	uint64_t disk_size;
	uint32_t date_sec, date_nsec;
	uint64_t vm_clock_nsec;
	uint64_t icount; /* UINT64_MAX: not recorded */
};

struct img_bitmap {
	char *name;
	uint64_t granularity;
	bool in_use, automatic;
};

/* Filled by img_format.info; strings are owned.  img_info_free() frees. */
struct img_info {
	const char *format;
	uint64_t virtual_size;
	uint64_t actual_size;  /* bytes allocated on the host; UINT64_MAX: nobody tells */
	uint64_t cluster_size; /* 0: none */
	bool encrypted, compressed, dirty;
	bool no_flags;               /* the format cannot say whether it is dirty */
	char *backing_filename;      /* as in the header */
	char *full_backing_filename; /* resolved */
	char *backing_format;
	struct img_snapshot *snapshots;
	size_t snapshots_n;
	struct img_bitmap *bitmaps;
	size_t bitmaps_n;
	/* Bytes that are allocated by themselves within a cluster; 0: there are no such parts. */
	uint64_t subcluster_size;
	/* What the format alone has, after detail_end(); owned.  NULL: nothing. */
	struct detail *specific;
};

void img_info_free(struct img_info *i);
void img_snapshots_free(struct img_snapshot *v, size_t n);

/* ---- check ---- */

enum img_repair { IMG_FIX_LEAKS = 1, IMG_FIX_ERRORS = 2 };

struct img_check {
	/* in */
	unsigned repair;                             /* enum img_repair */
	void (*report)(void *arg, const char *line); /* one problem, as text; may be NULL */
	void *arg;
	struct progress *progress;
	/* out */
	uint64_t corruptions, leaks, check_errors;
	uint64_t corruptions_fixed, leaks_fixed;
	uint64_t image_end_offset;
	uint64_t total_clusters, allocated_clusters, fragmented_clusters, compressed_clusters;
};

/* ---- measure ---- */

struct img_measure {
	uint64_t required, fully_allocated;
	uint64_t bitmaps; /* UINT64_MAX: does not apply */
};

enum img_snapshot_verb { SNAPSHOT_CREATE, SNAPSHOT_APPLY, SNAPSHOT_DELETE };

/* ---- persistent bitmaps ---- */

enum img_bitmap_verb {
	BITMAP_ADD,
	BITMAP_REMOVE,
	BITMAP_CLEAR,   /* all bits to 0 */
	BITMAP_ENABLE,  /* follows writes from now on */
	BITMAP_DISABLE, /* keeps its bits */
	BITMAP_MERGE,   /* sets what is set in another one */
};

struct img_bitmap_op {
	enum img_bitmap_verb verb;
	const char *name;
	uint64_t granularity; /* BITMAP_ADD: guest bytes for a bit; 0: by the cluster size */
	bool disabled;        /* BITMAP_ADD */
	const char *src_name; /* BITMAP_MERGE */
	struct blk *src;      /* BITMAP_MERGE: where that one is; NULL: the same image */
};

/* ---- formats ---- */

/* Any function may be NULL: the format cannot do that (-ENOTSUP). */
struct img_format {
	const char *name;
	bool backing, compression; /* what create and convert may ask for */
	/* Headers cannot say the format of a backing file: it is always found out. */
	bool backing_unnamed;
	int (*probe)(const uint8_t *head, size_t len, const char *filename); /* 0 .. 100 */
	/* Takes over @file on success; blk.log is file->log. @opts may be NULL: those it
	 * does not get with the optset_get family are refused by the caller.  The
	 * backing image is opened by the caller too. */
	int (*open)(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
		    struct err *e);
	/* Lays the format's metadata on @file, which is open for writing and
	 * empty (or a device). @data is the open external data file or NULL. */
	int (*create)(struct blk *file, struct blk *data, const struct img_create *c,
		      struct progress *p, struct err *e);
	/* In the order of the "Formatting" line; ends with a NULL name.  What every file takes is
	 * not among them. */
	const struct img_create_opt *create_opts;
	/* Options that amend alone takes, beside those of create_opts that say so; or NULL. */
	const struct img_create_opt *amend_opts;
	/* A new image for what can be written once only, front to back (@to, which stays the
	 * caller's).  First the node *out takes note of what is written to it; after
	 * stream_begin() the same writes, in order, go out.  A flush says -EIO if some
	 * did not come.  NULL: such an image is built in a file first. */
	int (*stream)(const struct img_create *c, struct blk *to, struct blk **out,
		      struct err *e);
	int (*stream_begin)(struct blk *b, struct err *e);
	/* Will create make more files than the one? */
	bool (*many_files)(const struct img_create *c);
	int (*info)(struct blk *b, struct img_info *out, struct err *e);
	/* Does @ops one after the other, and all or none of them.  *failed: which could not
	 * be done; @n: it was the whole that failed.  -ENOENT: no such bitmap. */
	int (*bitmap)(struct blk *b, const struct img_bitmap_op *ops, size_t n, size_t *failed,
		      struct err *e);
	int (*check)(struct blk *b, struct img_check *c, struct err *e);
	int (*snapshot_list)(struct blk *b, struct img_snapshot **v, size_t *n, struct err *e);
	/* @name is what a snapshot to create is called; for SNAPSHOT_APPLY an id or a
	 * name, ids first; for SNAPSHOT_DELETE a name, the first of several.
	 * -ENOENT: no such snapshot. */
	int (*snapshot)(struct blk *b, enum img_snapshot_verb verb, const char *name,
			struct progress *p, struct err *e);
	/* Reads of @b come from the snapshot @name from now on; @b is read-only. */
	int (*snapshot_load)(struct blk *b, const char *name, struct err *e);
	/* Does what the options set in @set ask for; @force: even where keys are lost. */
	int (*amend)(struct blk *b, struct optset *set, bool force, struct progress *p,
		     struct err *e);
	/* Space an image of this format would need for the bytes of @src (NULL: all of
	 * c->size unallocated). */
	int (*measure)(const struct img_create *c, struct blk *src, struct img_measure *out,
		       struct err *e);
	/* See img/compact.h, whose img_compact() is to be called. */
	int (*compact)(struct blk *b, struct img_compact *c, struct err *e);
	/* Writes the names into the header; NULL: no backing file. */
	int (*set_backing)(struct blk *b, const char *file, const char *fmt, struct err *e);
	/* The names in the header, or NULL; they belong to the node.  NULL: no backing files. */
	void (*backing_name)(struct blk *b, const char **file, const char **fmt);
	/* Drops everything allocated here, so that all reads come from backing. */
	int (*make_empty)(struct blk *b, struct err *e);
	/* The same for a part of the disk, while other threads read the rest: bytes from @off to
	 * @end, multiples of what empty_unit says.  Stable when it returns; the space they
	 * took is then free.  The unit is 0 where only make_empty will do: no clusters may be
	 * dropped before all is read if some are counted wrongly. */
	uint64_t (*empty_unit)(struct blk *b);
	int (*empty_part)(struct blk *b, uint64_t off, uint64_t end, struct err *e);
};

/* NULL-terminated; raw last. */
extern const struct img_format *const img_formats[];
const struct img_format *img_format_find(const char *name);
/* True if some program knows a format of that name: a header may name it. */
bool img_format_exists(const char *name);

#endif
