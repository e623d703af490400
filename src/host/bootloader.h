/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel's command line of the next boot is kept, how its text is changed
 * without disturbing a byte around it, and what has to be run afterwards.
 *
 * A place is one file of one loader.  The pure part works on its text; bootloader_read()
 * finds the loader below a root and reads all of its places.
 */
#ifndef HOST_BOOTLOADER_H
#define HOST_BOOTLOADER_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

enum boot_kind {
	BOOT_NONE,
	BOOT_GRUB,            /* /etc/default/grub, GRUB_CMDLINE_LINUX_DEFAULT and _LINUX */
	BOOT_UPDATE_EXTLINUX, /* /etc/update-extlinux.conf, default_kernel_opts */
	BOOT_EXTLINUX,        /* /boot/extlinux/extlinux.conf: append lines (u-boot) */
	BOOT_LIMINE,          /* limine.conf: cmdline or kernel_cmdline */
	BOOT_RPI,             /* cmdline.txt: its first line */
	BOOT_KERNEL_CMDLINE,  /* /etc/kernel/cmdline of systemd-boot */
	BOOT_LOADER_ENTRIES, /* loader/entries/NAME.conf: options lines, no /etc/kernel/cmdline */
	BOOT_PROXMOX,        /* /etc/kernel/cmdline or GRUB, by proxmox-boot-tool */
	BOOT_DISKLESS,       /* Alpine running from memory: the loader is on its medium */
};

/* One change of the words. */
enum boot_verb {
	BOOT_SET,  /* "key=value" or "word": the last of that key gets it, others of the key go,
		   * without one it is added at the end */
	BOOT_ADD,  /* added at the end unless the very word is there; others of its key stay */
	BOOT_DROP, /* "key": all words with it go; "key=value": that very word */
};

struct boot_edit {
	enum boot_verb verb;
	/* Words are single, or a pair that stays together ("hugepagesz=1G hugepages=4"): then
	 * the pair with the same first word is meant. */
	const char *word;
};

/* What makes the loader's own files anew. */
struct boot_regen {
	const char *id; /* "update-grub"; "none": nothing is needed */
	const char *argv[6];
};

struct boot_place {
	char *path;
	char *cmdline; /* as the kernel would get it from this place alone, or NULL: the place
			* cannot be read as plain words, @fault says why */
	char fault[160];
};

struct bootloader {
	enum boot_kind kind;
	const char *name; /* "grub", "update-extlinux" */
	const struct boot_regen *regen;
	struct boot_place *places; /* [edit] is the one to change */
	size_t n;
	size_t edit;
	bool writable;  /* false: BOOT_NONE, BOOT_DISKLESS, or nothing to edit */
	char note[160]; /* what the administrator has to do beside that, or "" */
	char *cmdline;  /* words of all places together; NULL if one has a fault */
};

/* Never fails for want of a loader: then BOOT_NONE. */
int bootloader_read(const struct host *h, struct bootloader *out, struct err *e) MUST_CHECK;
void bootloader_free(struct bootloader *b);
const char *bootloader_name(enum boot_kind kind);

/*
 * The words that text of @kind holds, by single blanks; free() it.  -ENODATA: the text has no
 * command line; -ENOTSUP: it is made by shell constructs that only a shell can follow.
 */
int boot_cmdline(enum boot_kind kind, const char *text, size_t len, char **words, struct err *e)
	MUST_CHECK;
/*
 * Makes @edits in order.  1 with *@out new, free() it; 0 and NULL when they hold already.  In
 * files with several entries (extlinux, limine) all Linux entries are changed but those
 * that a comment or name marks as memory tests.  -ENOTSUP as above, nothing is guessed;
 * -EINVAL: a word that this file cannot hold (quote, newline).
 */
int boot_edit(enum boot_kind kind, const char *text, size_t len, const struct boot_edit *edits,
	      size_t n, char **out, size_t *out_len, struct err *e) MUST_CHECK;
/* The same on bare words ("ro quiet"), for files without any syntax; what every loader
 * uses inside. */
int boot_edit_words(const char *words, size_t len, const struct boot_edit *edits, size_t n,
		    char **out, size_t *out_len, struct err *e) MUST_CHECK;

#endif
