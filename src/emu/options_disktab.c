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
	{ "cache.writeback", "on|off", "off: each write is on the disk before the next" },
	{ "cache.direct", "on|off", "on: past the host's page cache" },
	{ "cache.no-flush", "on|off", "on: a flush of the guest's does nothing" },
	{ "readonly", "on|off", "the guest cannot write" },
	{ "read-only", "on|off", "the same" },
	{ "auto-read-only", "on|off", "where the image cannot be written, it is read only" },
	{ "force-share", "on|off", "others may write to the image meanwhile" },
	{ "driver", "name", "the same as format" },
	{ "node-name", "name", "the same as id" },
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

static const struct device_key node_keys[] = {
	{ "driver", "name", "file, raw, qcow2 and what else vimg reads" },
	{ "node-name", "name", "for -device and other nodes" },
	{ "read-only", "on|off", "the guest cannot write" },
	{ "auto-read-only", "on|off", "where the image cannot be written, it is read only" },
	{ "force-share", "on|off", "others may write to the image meanwhile" },
	{ "discard", "name", "unmap: what the guest discards is given back" },
	{ "detect-zeroes", "name", "off, on or unmap; on the node that a disk is made of" },
	{ "cache.direct", "on|off", "on: past the host's page cache" },
	{ "cache.no-flush", "on|off", "on: a flush of the guest's does nothing" },
	{ NULL, NULL, NULL },
};
static const struct device_key file_node_keys[] = {
	{ "filename", "name", "the file" },
	{ "locking", "on|off|auto", "whether it is locked against others" },
	{ NULL, NULL, NULL },
};
static const struct device_key raw_node_keys[] = {
	{ "file", "name", "the node below" },
	{ NULL, NULL, NULL },
};
static const struct device_key qcow2_node_keys[] = {
	{ "file", "name", "the node below" },
	{ "backing", "name", "the node of the backing image; nothing: none" },
	{ "data-file", "name", "the node of the data file" },
	{ "lazy-refcounts", "on|off", "reference counts are written late" },
	{ "pass-discard-request", "on|off", "what the guest discards reaches the file" },
	{ "pass-discard-snapshot", "on|off", "what a snapshot gives back does" },
	{ "pass-discard-other", "on|off", "what else is given back does" },
	{ "overlap-check", "name", "what writes must not hit: none, constant, cached, all" },
	{ "cache-size", "size", "of both caches together" },
	{ "l2-cache-size", "size", "of the cache of L2 tables" },
	{ "l2-cache-entry-size", "size", "of its pieces" },
	{ "refcount-cache-size", "size", "of the cache of reference counts" },
	{ "cache-clean-interval", "seconds", "after which unused tables are given up" },
	{ NULL, NULL, NULL },
};
static const struct option_kind node_kinds[] = {
	{ "file", "a file of the host's", file_node_keys },
	{ "host_device", "a block device of the host's", file_node_keys },
	{ "raw", "its bytes as they are", raw_node_keys },
	{ "qcow2", "an image in that format", qcow2_node_keys },
	{ NULL, NULL, NULL },
};

static const struct option_row rows[] = {
	{ .name = "drive",
	  .arg = "OPTS",
	  .fn = options_drive,
	  .keys = drive_keys,
	  .open = true },
	/* also JSON, so its keys are its own business */
	{ .name = "blockdev",
	  .arg = "OPTS",
	  .fn = options_blockdev,
	  .first = "driver",
	  .keys = node_keys,
	  .kinds = node_kinds,
	  .own = true },
	{ .name = "hda", .arg = "FILE", .fn = options_hda },
	{ .name = "hdb", .arg = "FILE", .fn = options_hdb },
	{ .name = "hdc", .arg = "FILE", .fn = options_hdc },
	{ .name = "hdd", .arg = "FILE", .fn = options_hdd },
	{ .name = "cdrom", .arg = "FILE", .fn = options_cdrom },
	{ .name = NULL },
};

const struct option_group options_disk = { "disks", rows };
