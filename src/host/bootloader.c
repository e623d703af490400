/* SPDX-License-Identifier: MIT */
#include "host/bootloader.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/bootloader_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bootloader_name(enum boot_kind kind)
{
	static const char *const names[] = {
		[BOOT_NONE] = "none",
		[BOOT_GRUB] = "GRUB",
		[BOOT_SYSLINUX] = "syslinux",
		[BOOT_EXTLINUX] = "extlinux",
		[BOOT_UBOOT_MENU] = "U-Boot",
		[BOOT_LIMINE] = "Limine",
		[BOOT_RPI] = "Raspberry Pi",
		[BOOT_SYSTEMD_BOOT] = "systemd-boot",
		[BOOT_PROXMOX] = "proxmox-boot-tool",
		[BOOT_DISKLESS] = "boot medium",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "none";
}

int bootloader_add(struct bootloader *b, const char *path, enum boot_syntax syntax, bool edit,
		   struct err *e)
{
	struct boot_place *p;
	int r = mem_grow((void **)&b->places, b->n + 1, sizeof(*p), e);

	if (r < 0)
		return r;
	p = &b->places[b->n];
	memset(p, 0, sizeof(*p));
	p->path = mem_strdup(path, e);
	if (!p->path)
		return -ENOMEM;
	p->syntax = syntax;
	p->edit = edit;
	b->n++;
	return 0;
}

static int read_place(const struct host *h, struct boot_place *p, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err mine = { 0 };
	size_t len;
	int r = host_read(h, p->path, &text, &len, e);

	if (r < 0)
		return r;
	r = boot_cmdline(p->syntax, text, len, &p->cmdline, &mine);
	if (r == -ENOMEM)
		return err_set(e, r, "%s: out of memory", p->path);
	if (r == -ENODATA) { /* a grub.d file about something else, an entry of a shell */
		p->edit = p->edit && p->syntax != BOOT_TEXT_ENTRY;
		p->cmdline = mem_strdup("", e);
		return p->cmdline ? 0 : -ENOMEM;
	}
	if (r < 0)
		snprintf(p->fault, sizeof(p->fault), "%.190s", mine.msg);
	return 0;
}

/* What a boot gets: of shell files all together, else of the first that says it. */
static int whole_cmdline(const struct host *h, struct bootloader *b, struct err *e)
{
	AUTO_FREE struct boot_source *src = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!b->places[i].cmdline && (b->places[i].edit || i == 0))
			return 0;
	if (!b->n || b->places[0].syntax != BOOT_TEXT_GRUB) {
		for (size_t i = 0; i < b->n && !b->cmdline; i++)
			if (b->places[i].edit && b->places[i].cmdline) {
				b->cmdline = mem_strdup(b->places[i].cmdline, e);
				return b->cmdline ? 0 : -ENOMEM;
			}
		return 0;
	}
	src = mem_zalloc(b->n, sizeof(*src), e);
	if (!src)
		return -ENOMEM;
	for (; r == 0 && n < b->n && b->places[n].syntax == BOOT_TEXT_GRUB; n++)
		r = host_read(h, b->places[n].path, &src[n].text, &src[n].len, e);
	if (r == 0 && boot_cmdline_of_all(BOOT_TEXT_GRUB, src, n, &b->cmdline, NULL) < 0)
		b->cmdline = NULL;
	for (size_t i = 0; i < n; i++)
		free(src[i].text);
	return r;
}

int bootloader_read(const struct host *h, struct bootloader *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	r = bootloader_find(h, out, e);
	for (size_t i = 0; r == 0 && i < out->n; i++) {
		r = read_place(h, &out->places[i], e);
		out->writable = out->writable || out->places[i].edit;
	}
	if (r == 0)
		r = whole_cmdline(h, out, e);
	if (r < 0) {
		bootloader_free(out);
		return r;
	}
	out->name = bootloader_name(out->kind);
	return 0;
}

void bootloader_free(struct bootloader *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->places[i].path);
		free(b->places[i].cmdline);
	}
	free(b->places);
	free(b->cmdline);
	memset(b, 0, sizeof(*b));
}
