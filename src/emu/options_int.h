/* SPDX-License-Identifier: MIT */
/* Between the files that make up the command line. */
#ifndef EMU_OPTIONS_INT_H
#define EMU_OPTIONS_INT_H

#include "base/optset.h"
#include "emu/options.h"

struct device_row;
struct str;

/* A -drive or -blockdev.  Its disk.bus is that of if=. */
struct drive {
	bool loose; /* if=none: a -device takes it */
	bool node;  /* -blockdev: may be there for another node only */
	bool taken;
	int index, bus, unit; /* as given; -1: not */
	struct config_disk disk;
};

struct netdev {
	char *id;
	bool taken;
	struct config_net net;
};

enum parse_vga { PARSE_VGA_DEFAULT, PARSE_VGA_NONE, PARSE_VGA_STD };

/* While the line is read. */
struct parse {
	struct machine_config *c;
	enum options_ask *ask;
	const char **about;
	const struct option_kind **kind;
	int64_t now;
	bool in_file;   /* -readconfig */
	bool mem_given; /* -m */
	enum parse_vga vga;
	bool nographic, nodefaults, serial_given, monitor_given;
	unsigned places; /* of monitors */
	unsigned serials;
	struct drive drives[CONFIG_DEVICES];
	unsigned n_drives;
	char *pflash[CONFIG_FLASHES]; /* -machine pflash0=, pflash1= */
	char *net_card, *net_kind;    /* -net nic; -net of another kind */
	struct netdev netdevs[CONFIG_DEVICES];
	unsigned n_netdevs;
};

/* Replaces *@to by a copy of @s. */
int options_string(char **to, const char *s, struct err *e) MUST_CHECK;
/* The value of @key, if given, becomes *@to. */
int options_take(struct optset *o, const char *key, char **to, struct err *e) MUST_CHECK;
/* -EINVAL naming what nobody asked for. */
int options_all_used(const struct optset *o, const char *option, struct err *e) MUST_CHECK;

/* Whether it is a UUID; @option is for the message. */
int options_uuid(const char *option, const char *v, struct err *e) MUST_CHECK;

/* The groups: one a room.  A new one goes into the list in options.c. */
extern const struct option_group options_machine, options_char, options_chardev, options_object,
	options_run, options_boot, options_disk, options_dev, options_actions, options_display,
	options_refused;

/* Does what -@name @value does; for configuration files. */
int options_one(struct parse *p, const char *name, const char *value, struct err *e) MUST_CHECK;
/*
 * -EINVAL or -ENOTSUP naming a key that @o does not have; *@p->ask is set where help is asked for.
 * Where @value has keys that change nothing (known.h), *@clean is what is left without them.
 */
int options_check(struct parse *p, const struct option_row *o, const char *value, char **clean,
		  struct err *e) MUST_CHECK;
/* Adds "key=value", with a comma before it where there is something. */
void options_append(struct str *s, const struct opt *o);

/* A chardev @id at a place such as "stdio" or "tcp:HOST:PORT", or the one that "chardev:NAME" names;
 * its name becomes *@to.  "mon:" in front: with a monitor. */
int options_place(struct parse *p, const char *id, const char *v, char **to, struct err *e)
	MUST_CHECK;
int options_monitor(struct parse *p, const char *chardev, bool qmp, bool pretty, struct err *e)
	MUST_CHECK;
/* What QEMU assumes where nothing was said. */
int options_char_defaults(struct parse *p, struct err *e) MUST_CHECK;
/* At the end, when all are known: -EINVAL naming what is not there. */
int options_chardev_known(const struct parse *p, const char *id, struct err *e) MUST_CHECK;
int options_chardevs_finish(struct parse *p, struct err *e) MUST_CHECK;
void options_chardevs_free(struct machine_config *c);

/* -EINVAL: no machine has so much memory, or so little. */
int options_memory_size(uint64_t n, struct err *e) MUST_CHECK;
/* options_object.c: what refers to objects, when all are known. */
int options_objects_finish(struct parse *p, struct err *e) MUST_CHECK;
void options_objects_free(struct machine_config *c);

/* options_net.c */
int options_net_finish(struct parse *p, struct err *e) MUST_CHECK;

option_fn options_readconfig, options_net, options_cpu;
option_fn options_drive, options_blockdev;
option_fn options_hda, options_hdb, options_hdc, options_hdd, options_cdrom, options_pflash;
/* werror=, rerror= */
int options_action(struct optset *o, const char *key, enum disk_action *out, struct err *e)
	MUST_CHECK;
/* A number up to 255; *@out stays where there is none. */
int options_small(struct optset *o, const char *key, int *out, struct err *e) MUST_CHECK;
/* detect-zeroes= */
int options_zeroes(struct optset *o, struct config_disk *d, struct err *e) MUST_CHECK;
int options_new_drive(struct parse *p, struct drive **out, struct err *e) MUST_CHECK;
/* What of @o nobody asked for are options of the image. */
int options_image(struct optset *o, struct config_disk *d, struct err *e) MUST_CHECK;
/* The parts of -device and of the end that are about disks. */
int options_device_disk(struct parse *p, const struct device_row *row, struct optset *o,
			struct err *e) MUST_CHECK;
int options_device_scsi(struct parse *p, const char *id, const struct config_pci *pci,
			struct err *e) MUST_CHECK;
/* Graphics cards: that of a -device, and the one that a machine has by itself. */
int options_device_video(struct parse *p, const struct device_row *row, struct optset *o,
			 struct err *e) MUST_CHECK;
int options_display_finish(struct parse *p, struct err *e) MUST_CHECK;
int options_disks_finish(struct parse *p, struct err *e) MUST_CHECK;
void options_free_disk(struct config_disk *d);
void options_free_net(struct config_net *n);
void options_free_device(struct config_device *d);
/* Where on the PCI bus: addr=, and disable-legacy=, disable-modern= of virtio devices. */
int options_pci(struct optset *o, const struct device_row *row, struct config_pci *to,
		struct err *e) MUST_CHECK;
/* options_boot.c */
/* bootindex=, as config_disk and config_net have it. */
int options_bootindex(struct optset *o, unsigned *to, struct err *e) MUST_CHECK;
void options_boot_free(struct machine_config *c);
/* Whether each bus= is one of this machine's. */
int options_buses_finish(const struct parse *p, struct err *e) MUST_CHECK;
/* What -device and -drive left open. */
int options_finish(struct parse *p, struct err *e) MUST_CHECK;
void options_parse_free(struct parse *p);

#endif
