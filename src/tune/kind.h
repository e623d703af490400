/* SPDX-License-Identifier: MIT */
/*
 * Kinds of change.  A value is text without zero bytes; NULL stands for "absent".
 * Values are compared as text unless a kind says otherwise, so each kind has one way to
 * write a thing.
 *
 *	kind     target                 value
 *	file     /path                  the whole content
 *	attr     /path                  "0640 0:36": mode, numeric owner and group
 *	node     /dev/vhost-net         the same of a device's node, which a boot forgets
 *	link     /path                  where the symbolic link points
 *	dir      /path                  "dir"
 *	sysctl   vm.swappiness          text of /proc/sys/vm/swappiness
 *	sysfs    /sys/path              text of the attribute; "[word]" is the active one
 *	module   vhost_net              "loaded"
 *	mount    /dev/hugepages         "hugetlbfs pagesize=2M,mode=1770,gid=36"
 *	account  group:kvm              "34"          live hosts, by the distribution's
 *	         user:qemu              "36:36:/:/sbin/nologin"    own tools
 *	         member:kvm:alice       "yes"
 *	driver   0000:03:00.0           "vfio-pci": the driver a PCI device is bound to
 *	package  qemu-system-x86_64     "installed"
 *	regen    bootloader             "made": runs what makes generated files anew, at the
 *	         initramfs              end of an apply and of a revert alike
 *
 * On an image (host_kind() == HOST_IMAGE) only file, attr, link, dir and package exist;
 * there accounts are changes to the files passwd, group, shadow and gshadow.
 */
#ifndef TUNE_KIND_H
#define TUNE_KIND_H

#include "tune/plan.h"

struct change_kind {
	const char *name;
	bool live;     /* needs the running host */
	bool fleeting; /* lasts until the next boot */
	bool trigger;  /* runs after all others, forwards and backwards */
	bool path;     /* its target is a path, so the folders on the way have to be there */
	/* Comes with what it is about (a mode with its file, a setting with its module): absent in
	 * a plan means that an earlier change brings it, with a value of its own. */
	bool follows;
	/* The value as it is now; *value NULL if absent.  free() it. */
	int (*current)(const struct host *h, const char *target, char **value, struct err *e);
	/* Makes c->value so and reads it back: what did not take is an error. */
	int (*apply)(struct host *h, const struct change *c, struct err *e);
	/* Makes c->old_val so.  Called only while the current value is c->value.
	 * -EBUSY: it is in use now and stays (a module under a running guest). */
	int (*revert)(struct host *h, const struct change *c, struct err *e);
	/* NULL: strcmp. */
	bool (*equal)(const char *want, const char *have);
	/* Whether @have (may be NULL) is a state in between, as an apply or revert leaves it that was cut
	 * short or came to less than was asked.  NULL: there is none. */
	bool (*partial)(const struct change *c, const char *have);
	/* What a revert needs to know of the old one beside its value, as text in *@meta; NULL
	 * in it: nothing.  The entry may be NULL. */
	int (*meta)(const struct host *h, const char *target, char **meta, struct err *e);
};

/* A value that a journal can hold. */
#define KIND_VALUE_MAX (1u << 20)

extern const struct change_kind kind_file, kind_attr, kind_node, kind_link, kind_dir,
	kind_sysctl, kind_sysfs, kind_module, kind_mount, kind_account, kind_driver,
	kind_package, kind_regen;

/* All of them, by name for the journal; ends with NULL. */
extern const struct change_kind *const tune_kinds[];
const struct change_kind *kind_find(const char *name);
/* Both NULL, or both there and the same to the kind. */
bool kind_same(const struct change_kind *k, const char *a, const char *b);

#endif
