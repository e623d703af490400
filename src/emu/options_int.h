/* SPDX-License-Identifier: MIT */
/* Between the files that make up the command line. */
#ifndef EMU_OPTIONS_INT_H
#define EMU_OPTIONS_INT_H

#include "base/optset.h"
#include "emu/options.h"

struct drive {
	char *id;
	bool virtio; /* if=virtio: a disk of its own; if=none: a -device takes it */
	bool taken;
	struct config_disk disk;
};

struct netdev {
	char *id;
	bool taken;
	struct config_net net;
};

/* While the line is read. */
struct parse {
	struct machine_config *c;
	enum options_ask *ask;
	const char **about;
	int64_t now;
	bool nographic, serial_given, monitor_given;
	unsigned serials;
	struct drive drives[CONFIG_DEVICES];
	unsigned n_drives;
	struct netdev netdevs[CONFIG_DEVICES];
	unsigned n_netdevs;
};

/* Replaces *@to by a copy of @s. */
int options_string(char **to, const char *s, struct err *e) MUST_CHECK;
/* -EINVAL naming what nobody asked for. */
int options_all_used(const struct optset *o, const char *option, struct err *e) MUST_CHECK;

typedef int option_fn(struct parse *p, const char *value, struct err *e);
option_fn options_drive, options_device, options_netdev, options_nic, options_hda,
	options_cdrom;
/* What -device and -drive left open. */
int options_finish(struct parse *p, struct err *e) MUST_CHECK;
void options_parse_free(struct parse *p);

#endif
