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

/* "lazy-refcounts" is "lazy refcounts:" here. */
static void print_key(const struct detail *d, unsigned depth, unsigned at)
{
	printf("%*s", (int)depth * 4, "");
	if (!d->key)
		printf("[%u]", at);
	for (const char *c = d->key ? d->key : ""; *c; c++)
		putchar(*c == '-' ? ' ' : *c);
	printf(":");
}

static void print_details(const struct detail *d, unsigned depth)
{
	for (unsigned at = 0; d; d = d->next, at++) {
		print_key(d, depth, at);
		switch (d->kind) {
		case DETAIL_TEXT:
			printf(" %s\n", d->text);
			break;
		case DETAIL_NUMBER:
			printf(" %llu\n", (unsigned long long)d->number);
			break;
		case DETAIL_BOOL:
			printf(" %s\n", d->number ? "true" : "false");
			break;
		case DETAIL_GROUP:
		case DETAIL_LIST:
			printf("\n");
			print_details(d->first, depth + 1);
			break;
		}
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
	printf("disk size: %s\n",
	       i->actual_size == UINT64_MAX ? "unavailable" : size_human(i->actual_size, disk));
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
	if (i->specific) {
		printf("Format specific information:\n");
		print_details(i->specific->first, 1);
	}
}
