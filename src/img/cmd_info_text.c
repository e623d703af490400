/* SPDX-License-Identifier: MIT */
/* info as text, column for column as qemu-img prints it. */
#include "base/size.h"
#include "img/cmd_info.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void print_snapshot(const struct img_snapshot *s)
{
	char size[SIZE_TEXT], date[32] = "", clock[32], icount[32] = "";
	time_t when = (time_t)s->date_sec;
	uint64_t ms = s->vm_clock_nsec / 1000000;
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(clock, sizeof(clock), "%02d:%02d:%02d.%03d", (int)(ms / 3600000),
		 (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
	if (s->icount != UINT64_MAX)
		snprintf(icount, sizeof(icount), "%lld", (long long)s->icount);
	printf("%-9s %-16s %8s%20s%13s%11s\n", s->id, s->name,
	       size_human(s->vm_state_size, size), date, clock, icount);
}

void info_print_snapshots(const struct img_snapshot *v, size_t n)
{
	printf("Snapshot list:\n");
	printf("%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE", "VM CLOCK",
	       "ICOUNT");
	for (size_t i = 0; i < n; i++)
		print_snapshot(&v[i]);
}

static const char *yes(bool b)
{
	return b ? "true" : "false";
}

static void print_bitmaps(const struct img_info *i)
{
	printf("    bitmaps:\n");
	for (size_t k = 0; k < i->bitmaps_n; k++) {
		const struct img_bitmap *b = &i->bitmaps[k];
		unsigned n = 0;

		printf("        [%zu]:\n            flags:\n", k);
		if (b->in_use)
			printf("                [%u]: in-use\n", n++);
		if (b->automatic)
			printf("                [%u]: auto\n", n);
		printf("            name: %s\n", b->name);
		printf("            granularity: %llu\n", (unsigned long long)b->granularity);
	}
}

/* The order is that of the members in qemu-img's JSON. */
static void print_qcow2(const struct img_info *i)
{
	printf("Format specific information:\n");
	printf("    compat: %s\n", i->compat == 2 ? "0.10" : "1.1");
	printf("    compression type: %s\n", i->zstd ? "zstd" : "zlib");
	if (i->compat > 2)
		printf("    lazy refcounts: %s\n", yes(i->lazy_refcounts));
	if (i->bitmaps_n)
		print_bitmaps(i);
	printf("    refcount bits: %u\n", i->refcount_bits);
	if (i->data_file) {
		printf("    data file: %s\n", i->data_file);
		printf("    data file raw: %s\n", yes(i->data_file_raw));
	}
	if (i->compat > 2) {
		printf("    corrupt: %s\n", yes(i->corrupt));
		printf("    extended l2: %s\n", yes(i->extended_l2));
	}
}

static void print_backing(const struct img_info *i)
{
	printf("backing file: %s", i->backing_filename);
	if (!i->full_backing_filename)
		printf(" (cannot determine actual path)");
	else if (strcmp(i->backing_filename, i->full_backing_filename))
		printf(" (actual path: %s)", i->full_backing_filename);
	printf("\n");
	if (i->backing_format)
		printf("backing file format: %s\n", i->backing_format);
}

void info_print(const char *filename, const struct img_info *i)
{
	char size[SIZE_TEXT], disk[SIZE_TEXT];

	printf("image: %s\n", filename);
	printf("file format: %s\n", i->format);
	printf("virtual size: %s (%llu bytes)\n", size_human(i->virtual_size, size),
	       (unsigned long long)i->virtual_size);
	printf("disk size: %s\n", size_human(i->actual_size, disk));
	if (i->encrypted)
		printf("encrypted: yes\n");
	if (i->cluster_size)
		printf("cluster_size: %llu\n", (unsigned long long)i->cluster_size);
	if (i->dirty)
		printf("cleanly shut down: no\n");
	if (i->backing_filename)
		print_backing(i);
	if (i->snapshots_n)
		info_print_snapshots(i->snapshots, i->snapshots_n);
	if (i->is_qcow2)
		print_qcow2(i);
}
