/* SPDX-License-Identifier: MIT */
/* The table of the options of disks. */
#include "emu/options_int.h"

static const struct device_key drive_keys[] = {
	{ "file", "name", "the image" },
	{ "format", "name", "raw or qcow2; found out if not given" },
	{ "if", "name", "ide, virtio, scsi, pflash, or none where a -device takes it" },
	{ "id", "name", "for -device" },
	{ "index", "num", "which place of its interface" },
	{ "bus", "num", "or which bus" },
	{ "unit", "num", "and which place on it" },
	{ "media", "name", "disk or cdrom" },
	{ "cache", "name", "writeback, none, writethrough, directsync or unsafe" },
	{ "readonly", "on|off", "the guest cannot write" },
	{ "snapshot", "on|off", "writes are forgotten at the end" },
	{ "discard", "name", "unmap: what the guest discards is given back" },
	{ "detect-zeroes", "name",
	  "off, or on: zeroes that are written take no room; unmap: and give room back" },
	{ "serial", "text", "what the guest reads as the serial number" },
	{ "aio", "name", "threads" },
	{ "werror", "name",
	  "what to do when writing fails: report, ignore, stop, enospc, auto" },
	{ "rerror", "name", "what to do when reading fails: report, ignore, stop, auto" },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "drive",
	  .arg = "OPTS",
	  .fn = options_drive,
	  .keys = drive_keys,
	  .open = true },
	/* also JSON, so its keys are its own business */
	{ .name = "blockdev", .arg = "OPTS", .fn = options_blockdev },
	{ .name = "hda", .arg = "FILE", .fn = options_hda },
	{ .name = "hdb", .arg = "FILE", .fn = options_hdb },
	{ .name = "hdc", .arg = "FILE", .fn = options_hdc },
	{ .name = "hdd", .arg = "FILE", .fn = options_hdd },
	{ .name = "cdrom", .arg = "FILE", .fn = options_cdrom },
	{ .name = NULL },
};

const struct option_group options_disk = { "disks", rows };
