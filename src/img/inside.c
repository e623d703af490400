/* SPDX-License-Identifier: MIT */
/*
 * libblkid reads from a file descriptor, and what a guest sees is in no file.  So the places
 * where signatures are, at both ends of the disk and of each partition, are copied to a
 * sparse file in memory that is as long as the disk: a few hundred KiB each, zeroes not at
 * all.
 */
#include "img/inside.h"

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/zero.h"
#include "img/guard.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	/* The farthest signatures from an end: two labels of ZFS, the anchor of UDF. */
	END = 640 << 10,
	STEP = 64 << 10,
	SECTOR = 512,
	LOGICAL_MAX = 128,
};

static int copy_range(struct blk *b, int fd, uint64_t off, uint64_t len, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_aligned(4096, STEP, e);
	uint64_t end = off < b->size ? min_u64(b->size, off + len) : off;
	int r = buf ? 0 : -ENOMEM;

	for (size_t n; r == 0 && off < end; off += n) {
		n = (size_t)min_u64(STEP, end - off);
		r = blk_pread(b, buf, n, off, e);
		if (r < 0)
			return err_wrap(e, r, "reading '%s' at offset %llu", b->filename,
					(unsigned long long)off);
		if (!zero_is(buf, n))
			r = io_pwrite(fd, buf, n, off, e);
	}
	return r;
}

static int copy_ends(struct blk *b, int fd, uint64_t off, uint64_t len, struct err *e)
{
	int r = copy_range(b, fd, off, min_u64(len, END), e);

	if (r == 0 && len > END)
		r = copy_range(b, fd, off + max_u64(END, len - END), min_u64(END, len - END),
			       e);
	return r;
}

/* Logical partitions are a chain of tables, each of which names the next. */
static int copy_logical(struct blk *b, int fd, uint64_t start, struct err *e)
{
	uint64_t at = start;
	uint8_t s[SECTOR];
	int r = 0;

	for (int i = 0; r == 0 && i < LOGICAL_MAX; i++) {
		uint32_t next;

		if (at + SECTOR > b->size)
			return 0;
		r = blk_pread(b, s, sizeof(s), at, e);
		if (r == 0)
			r = io_pwrite(fd, s, sizeof(s), at, e);
		next = load_le32(s + 446 + 16 + 8);
		if (r < 0 || s[510] != 0x55 || s[511] != 0xaa || !next)
			return r;
		at = start + (uint64_t)next * SECTOR;
	}
	return r;
}

/* Whoever wrote the disk chose these bytes, and they go to a terminal. */
static int copy_text(const char *v, char **out, struct err *e)
{
	json_t *text = json_string(v); /* NULL: not UTF-8 */
	bool utf8 = text != NULL;

	json_decref(text);
	*out = mem_strdup(v, e);
	for (char *p = *out; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || (!utf8 && *p & 0x80))
			*p = '?';
	return *out ? 0 : -ENOMEM;
}

static int take(blkid_probe pr, const char *key, char **out, struct err *e)
{
	const char *v = NULL;

	if (blkid_probe_lookup_value(pr, key, &v, NULL) < 0 || !v || !v[0])
		return 0;
	return copy_text(v, out, e);
}

static int take_content(blkid_probe pr, struct inside_content *c, struct err *e)
{
	const char *usage = NULL;
	int r = take(pr, "TYPE", &c->type, e);

	if (r == 0)
		r = take(pr, "LABEL", &c->label, e);
	if (r == 0)
		r = take(pr, "UUID", &c->uuid, e);
	if (r < 0 || !c->type || blkid_probe_lookup_value(pr, "USAGE", &usage, NULL) < 0)
		return r;
	c->usage = mem_strdup(guard_usage_name(usage), e);
	return c->usage ? 0 : -ENOMEM;
}

/* Looks at [off, off + len) of the copy.  1: signatures of several kinds. */
static int look(int fd, uint64_t off, uint64_t len, struct inside_content *c,
		struct inside *whole, struct err *e)
{
	blkid_probe pr = blkid_new_probe();
	int r;

	if (!pr)
		return err_set(e, -ENOMEM, "out of memory");
	if (blkid_probe_set_device(pr, fd, (blkid_loff_t)off, (blkid_loff_t)len) != 0) {
		blkid_free_probe(pr);
		return 0; /* too small to hold anything */
	}
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
						      BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID);
	blkid_probe_enable_partitions(pr, whole != NULL);
	r = blkid_do_safeprobe(pr);
	if (r == -2) {
		r = 1;
	} else if (r == 0) {
		r = take_content(pr, c, e);
		if (r == 0 && whole)
			r = take(pr, "PTTYPE", &whole->table, e);
		if (r == 0 && whole)
			r = take(pr, "PTUUID", &whole->table_uuid, e);
	} else {
		r = 0;
	}
	blkid_free_probe(pr);
	return r;
}

static const char *meaning(const char *kind)
{
	static const struct {
		const char *kind, *means;
	} known[] = {
		{ "0x5", "extended" },
		{ "0xf", "extended" },
		{ "0x85", "extended" },
		{ "0x7", "NTFS or exFAT" },
		{ "0xb", "FAT" },
		{ "0xc", "FAT" },
		{ "0xe", "FAT" },
		{ "0x27", "Windows recovery" },
		{ "0x82", "Linux swap" },
		{ "0x83", "Linux" },
		{ "0x8e", "Linux LVM" },
		{ "0xa5", "FreeBSD" },
		{ "0xa6", "OpenBSD" },
		{ "0xa9", "NetBSD" },
		{ "0xee", "protective, of a GPT" },
		{ "0xef", "EFI system" },
		{ "0xfd", "Linux RAID" },
		{ "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system" },
		{ "21686148-6449-6e6f-744e-656564454649", "BIOS boot" },
		{ "9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PowerPC PReP boot" },
		{ "bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot" },
		{ "0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux" },
		{ "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root, x86-64" },
		{ "44479540-f297-41b2-9af7-d131d5f0458a", "Linux root, x86" },
		{ "b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root, arm64" },
		{ "69dad710-2ce4-4e3c-b16c-21a1d49abed3", "Linux root, arm" },
		{ "72ec70a6-cf74-40e6-bd49-4bda08e8f224", "Linux root, riscv64" },
		{ "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap" },
		{ "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home" },
		{ "e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM" },
		{ "a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID" },
		{ "ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS" },
		{ "e3c9e316-0b5c-4db8-817d-f92df00215ae", "Windows reserved" },
		{ "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Windows or Linux data" },
		{ "de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery" },
		{ "516e7cb6-6ecf-11d6-8ff8-00022d09712b", "FreeBSD UFS" },
		{ "516e7cba-6ecf-11d6-8ff8-00022d09712b", "FreeBSD ZFS" },
		{ "83bd6b9d-7f41-11dc-be0b-001560b84f0f", "FreeBSD boot" },
		{ "516e7cb5-6ecf-11d6-8ff8-00022d09712b", "FreeBSD swap" },
		{ "48465300-0000-11aa-aa11-00306543ecac", "Apple HFS+" },
		{ "7c3457ef-0000-11aa-aa11-00306543ecac", "Apple APFS" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].kind, kind))
			return known[i].means;
	return NULL;
}

enum { FLAG_ACTIVE = 0x80, GPT_LEGACY_BOOT = 1 << 2 };

static int take_part(blkid_partition from, bool gpt, struct inside_part *p, struct err *e)
{
	const char *kind = blkid_partition_get_type_string(from);
	const char *name = blkid_partition_get_name(from);
	unsigned long long flags = blkid_partition_get_flags(from);

	p->number = (unsigned)blkid_partition_get_partno(from);
	p->off = (uint64_t)blkid_partition_get_start(from) * SECTOR;
	p->size = (uint64_t)blkid_partition_get_size(from) * SECTOR;
	p->boot = flags & (gpt ? GPT_LEGACY_BOOT : FLAG_ACTIVE);
	p->kind = kind && kind[0]
			  ? mem_strdup(kind, e)
			  : str_printf(e, "0x%x", (unsigned)blkid_partition_get_type(from));
	if (!p->kind)
		return -ENOMEM;
	p->means = meaning(p->kind);
	return name && name[0] ? copy_text(name, &p->name, e) : 0;
}

/* The partitions in the table of the copy. */
static int take_parts(int fd, uint64_t size, struct inside *in, struct err *e)
{
	bool gpt = in->table && !strcmp(in->table, "gpt");
	blkid_probe pr = blkid_new_probe();
	blkid_partlist list = NULL;
	int n = 0, r = 0;

	if (!pr)
		return err_set(e, -ENOMEM, "out of memory");
	if (blkid_probe_set_device(pr, fd, 0, (blkid_loff_t)size) == 0)
		list = blkid_probe_get_partitions(pr);
	if (list)
		n = blkid_partlist_numof_partitions(list);
	if (n > INSIDE_PARTS_MAX)
		n = INSIDE_PARTS_MAX;
	if (n > 0) {
		in->parts = mem_zalloc((size_t)n, sizeof(*in->parts), e);
		r = in->parts ? 0 : -ENOMEM;
	}
	for (int i = 0; r == 0 && i < n; i++)
		r = take_part(blkid_partlist_get_partition(list, i), gpt,
			      &in->parts[in->parts_n++], e);
	blkid_free_probe(pr);
	return r;
}

static void free_parts(struct inside *in)
{
	for (size_t i = 0; i < in->parts_n; i++) {
		struct inside_part *p = &in->parts[i];

		free(p->kind);
		free(p->name);
		free(p->content.type);
		free(p->content.usage);
		free(p->content.label);
		free(p->content.uuid);
	}
	free(in->parts);
	in->parts = NULL;
	in->parts_n = 0;
}

static bool is_extended(const struct inside_part *p)
{
	return p->means && !strcmp(p->means, "extended");
}

/* All of the partitions, and the ends of each. */
static int copy_parts(struct blk *b, int fd, struct inside *in, struct err *e)
{
	bool again = false;
	int r = take_parts(fd, b->size, in, e);

	for (size_t i = 0; r == 0 && i < in->parts_n; i++)
		if (is_extended(&in->parts[i])) {
			r = copy_logical(b, fd, in->parts[i].off, e);
			again = true;
		}
	if (r == 0 && again) {
		free_parts(in);
		r = take_parts(fd, b->size, in, e);
	}
	for (size_t i = 0; r == 0 && i < in->parts_n; i++) {
		struct inside_part *p = &in->parts[i];

		if (is_extended(p) || p->off >= b->size)
			continue;
		r = copy_ends(b, fd, p->off, min_u64(p->size, b->size - p->off), e);
	}
	return r;
}

static int look_at_parts(struct blk *b, int fd, struct inside *in, struct err *e)
{
	int r = copy_parts(b, fd, in, e);

	for (size_t i = 0; r == 0 && i < in->parts_n; i++) {
		struct inside_part *p = &in->parts[i];

		if (is_extended(p) || p->off >= b->size)
			continue;
		r = look(fd, p->off, min_u64(p->size, b->size - p->off), &p->content, NULL, e);
		r = r < 0 ? r : 0;
	}
	return r;
}

int img_inside(struct blk *b, struct inside *out, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("disk", MFD_CLOEXEC);
	int r = 0;

	*out = (struct inside){ 0 };
	if (fd < 0)
		return err_set(e, -errno, "making a file in memory: %s", strerror(errno));
	/* no memory: a hole */
	r = io_truncate(fd, b->size, e);
	if (r == 0)
		r = copy_ends(b, fd, 0, b->size, e);
	if (r == 0)
		r = look(fd, 0, b->size, &out->content, out, e);
	if (r < 0)
		return r;
	out->several = r == 1;
	return out->table ? look_at_parts(b, fd, out, e) : 0;
}

void inside_free(struct inside *in)
{
	free_parts(in);
	free(in->table);
	free(in->table_uuid);
	free(in->content.type);
	free(in->content.usage);
	free(in->content.label);
	free(in->content.uuid);
}
