/* SPDX-License-Identifier: MIT */
/* Disks that guests' images lie on. */
#include "host/choice.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Disks of memory and of files are of no interest here. */
static bool is_disk(const struct facts *f, const char *name)
{
	static const char *const others[] = { "loop", "ram", "zram", "fd", "sr", "nbd" };
	char path[96];
	uint64_t sectors;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		size_t n = strlen(others[i]);

		if (!strncmp(name, others[i], n) && name[n] >= '0' && name[n] <= '9')
			return false;
	}
	snprintf(path, sizeof(path), "/sys/block/%.32s/size", name);
	return attr_u64(f, path, &sectors) && sectors;
}

static uint64_t queue(const struct facts *f, const char *name, const char *attr)
{
	char path[96];
	uint64_t v = 0;

	snprintf(path, sizeof(path), "/sys/block/%.32s/queue/%s", name, attr);
	return attr_u64(f, path, &v) ? v : 0;
}

/* A disk whose layers sort requests themselves gains nothing from a scheduler. */
static bool sorts_itself(const char *name)
{
	return !strncmp(name, "nvme", 4) || !strncmp(name, "vd", 2) ||
	       !strncmp(name, "dm-", 3) || !strncmp(name, "md", 2);
}

static void add_disk(struct facts *f, struct finding *out, const char *name)
{
	/* virtual disks say that they spin, whatever is below */
	bool virtual = !strncmp(name, "vd", 2) || !strncmp(name, "xvd", 3);
	const char *kind = virtual                        ? "virtual"
			   : queue(f, name, "rotational") ? "spins"
							  : "solid state";
	struct choice sched = { "", "" };
	char path[96], size[BYTES_TEXT];
	uint64_t sectors = 0;

	snprintf(path, sizeof(path), "/sys/block/%.32s/queue/scheduler", name);
	if (choice_read(f->h, path, &sched, NULL) < 0)
		snprintf(sched.active, sizeof(sched.active), "none");
	snprintf(path, sizeof(path), "/sys/block/%.32s/size", name);
	if (!attr_u64(f, path, &sectors) || sectors > UINT64_MAX / 512)
		sectors = 0;
	found_item(out, sorts_itself(name) && !strcmp(sched.active, "bfq") ? V_WARN : V_INFO,
		   name, "%s, %s, sectors of %llu on blocks of %llu, scheduler %s",
		   bytes_text(sectors * 512, size), kind,
		   (unsigned long long)queue(f, name, "logical_block_size"),
		   (unsigned long long)queue(f, name, "physical_block_size"), sched.active);
}

static int storage_disks(struct facts *f, struct finding *out, struct err *e)
{
	struct host_list l;
	int r = host_list(f->h, "/sys/block", &l, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "the kernel shows no disks");
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++)
		if (is_disk(f, l.v[i]))
			add_disk(f, out, l.v[i]);
	host_list_free(&l);
	if (!out->n_items)
		return found(out, V_SKIP, "no disks");
	for (size_t i = 0; i < out->n_items; i++)
		if (out->items[i].verdict == V_WARN) {
			found(out, V_WARN, "%s: %s", out->items[i].name, out->items[i].text);
			return advise(
				out, NULL, R_NOW,
				"bfq sorts requests once more and bounds what a fast disk can do: "
				"echo none > /sys/block/%s/queue/scheduler",
				out->items[i].name);
		}
	return found(out, V_INFO, "%zu disk%s; %s: %.100s", out->n_items, plural(out->n_items),
		     out->items[0].name, out->items[0].text);
}

/* Partitions that do not begin where the disk's blocks do. */
static void check_parts(struct facts *f, struct finding *out, const char *disk, size_t *parts)
{
	struct host_list l;
	char dir[64], path[192];

	snprintf(dir, sizeof(dir), "/sys/block/%.32s", disk);
	if (host_list(f->h, dir, &l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		uint64_t off, start;

		if (strncmp(l.v[i], disk, strlen(disk)))
			continue;
		snprintf(path, sizeof(path), "%s/%.64s/start", dir, l.v[i]);
		if (!attr_u64(f, path, &start))
			continue;
		++*parts;
		snprintf(path, sizeof(path), "%s/%.64s/alignment_offset", dir, l.v[i]);
		if (attr_u64(f, path, &off) && off)
			found_item(out, V_WARN, l.v[i], "begins %llu bytes past a block",
				   (unsigned long long)off);
	}
	host_list_free(&l);
}

static int storage_alignment(struct facts *f, struct finding *out, struct err *e)
{
	struct host_list l;
	size_t parts = 0;
	int r = host_list(f->h, "/sys/block", &l, e);

	if (r == -ENOENT)
		return found(out, V_SKIP, "the kernel shows no disks");
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++)
		if (is_disk(f, l.v[i]))
			check_parts(f, out, l.v[i], &parts);
	host_list_free(&l);
	if (!parts)
		return found(out, V_SKIP, "no partitions");
	if (!out->n_items)
		return found(out, V_OK, "%zu partition%s", parts, plural(parts));
	found(out, V_WARN, "%s: %s", out->items[0].name, out->items[0].text);
	return advise(
		out, NULL, R_NONE,
		"Each write of a guest touches two blocks of the disk. Only making the "
		"partition anew mends that (at a multiple of 1 MiB); put images elsewhere "
		"meanwhile.");
}

static const struct check checks[] = {
	{
		.id = "storage.disks",
		.title = "Disks",
		.why = "Scheduler and block size decide what guests' disks can do; images whose "
		       "blocks suit the disk's are written without reading first.",
		.how = "/sys/block/*/queue.",
		.mend = "none or mq-deadline for solid state disks.",
		.run = storage_disks,
		.kernel = true,
	},
	{
		.id = "storage.alignment",
		.title = "Partitions begin on blocks",
		.why = "A partition that begins inside a block makes each write a read and two writes.",
		.how = "alignment_offset of each partition in /sys/block.",
		.mend = "Make the partition anew.",
		.run = storage_alignment,
		.kernel = true,
	},
	{ 0 },
};

const struct check_group checks_storage = { "storage", "Storage", checks };
