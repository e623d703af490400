/* SPDX-License-Identifier: MIT */
/*
 * QEMU's options that are not supported, each with the reason.  One that becomes supported
 * moves to the group of its room.
 */
#include "emu/options_int.h"

#define FIRMWARE   "this is not supported yet"
#define SOUND      "there are no sound devices"
#define MIGRATION  "machines cannot be moved to another host"
#define SHARED_DIR "directories of the host are not shared; use a network or a disk"
#define USB        "there is no USB"
#define XEN        "vemu does not run under Xen"

#define NO(n, a, why)                                     \
	{                                                 \
		.name = (n), .arg = (a), .refused = (why) \
	}

static const struct option_row rows[] = {
	/* the firmware's */
	NO("L", "PATH", FIRMWARE),
	NO("option-rom", "FILE", FIRMWARE),
	NO("acpitable", "OPTS", "the tables are vemu's own"),
	NO("dtb", "FILE", "a PC has no device tree"),
	NO("no-fd-bootchk", NULL, "there are no floppy disks"),
	NO("win2k-hack", NULL, "disks do not have the fault that it works around"),
	/* disks */
	NO("fda", "FILE", "there are no floppy disks"),
	NO("fdb", "FILE", "there are no floppy disks"),
	NO("mtdblock", "FILE", "a PC has no such flash memory"),
	NO("sd", "FILE", "a PC has no SD card slot"),
	NO("iscsi", "OPTS", "disks are files and devices of the host; log in there"),
	NO("fsdev", "OPTS", SHARED_DIR),
	NO("virtfs", "OPTS", SHARED_DIR),
	/* network, characters */
	NO("parallel", "WHERE", "there is no parallel port"),
	NO("tpmdev", "OPTS", "there is no TPM"),
	/* displays, sound, USB */
	NO("vnc", "WHERE", "there is no display yet"),
	NO("spice", "OPTS", "there is no SPICE"),
	NO("full-screen", NULL, "there is no window"),
	NO("portrait", NULL, "there is no window"),
	NO("rotate", "DEGREES", "there is no window"),
	NO("k", "LAYOUT", "keys are sent as they are on a US keyboard"),
	NO("audio", "OPTS", SOUND),
	NO("audiodev", "OPTS", SOUND),
	NO("audio-help", NULL, SOUND),
	NO("usb", NULL, USB),
	NO("usbdevice", "NAME", USB),
	/* the machine */
	NO("numa", "OPTS", "the guest's memory is one node"),
	NO("set", "OPTS", "give the key with the option itself"),
	NO("icount", "OPTS", "instructions are not counted"),
	NO("singlestep", NULL, "use -accel soft,step=on"),
	NO("xen-attach", NULL, XEN),
	NO("xen-domid", "ID", XEN),
	NO("xen-domid-restrict", NULL, XEN),
	/* states */
	NO("loadvm", "TAG", "saved states are not supported yet"),
	NO("incoming", "WHERE", MIGRATION),
	NO("only-migratable", NULL, MIGRATION),
	NO("dump-vmstate", "FILE", MIGRATION),
	/* how it runs */
	NO("dfilter", "RANGES", "there is no log of the guest's instructions yet"),
	NO("trace", "OPTS", "there are no trace points"),
	NO("plugin", "OPTS", "there are no plugins"),
	NO("enable-sync-profile", NULL, "locks are not measured"),
	NO("async-teardown", NULL, "the end is not put off"),
	NO("preconfig", NULL, "the machine is what the command line says"),
	NO("compat", "OPTS", "nothing is deprecated"),
	NO("seed", "NUMBER", "random numbers are the host's"),
	NO("add-fd", "OPTS", "give the file's name"),
	{ .name = NULL },
};

const struct option_group options_refused = { "refused", rows };
