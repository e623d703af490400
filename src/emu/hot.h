/* SPDX-License-Identifier: MIT */
/*
 * What comes to a machine and goes from it while it runs: devices of the PCI bus, and what is behind
 * them.  All texts are as on the command line.  The loop's thread but where said; vCPUs are outside
 * guest code while the bus changes.
 */
#ifndef EMU_HOT_H
#define EMU_HOT_H

#include "base/err.h"
#include "emu/config.h"

struct machine;
struct net;

/* A device, by its number in its list of the configuration. */
enum hot_kind { HOT_DISK, HOT_NET, HOT_PLAIN };
struct hot_ref {
	enum hot_kind kind;
	unsigned n;
};

/* For struct machine. */
struct hot {
	struct {
		struct config_net c; /* id NULL: free */
		struct net *net;
	} net[CONFIG_DEVICES]; /* that no card has */
	uint32_t ejected;      /* slots, under the machine's lock */
	uint32_t asked;        /* slots whose device shall go, */
	int64_t asked_at[32];  /* and when the guest was asked last, in ns */
};

/* The images and networks of the configuration that no device uses. */
int hot_begin(struct machine *m, struct err *e) MUST_CHECK;
void hot_end(struct machine *m);

/* "virtio-blk-pci,drive=d,id=x".  -ENOTSUP: that device cannot come, or nothing can. */
int hot_device_add(struct machine *m, const char *text, struct err *e) MUST_CHECK;
/* Asks the guest to let go of it; it is gone when event DEVICE_DELETED tells so, at a reset at the
 * latest.  -EBUSY: it was asked less than a second ago.  @id may have "/machine/peripheral/" in
 * front. */
int hot_device_del(struct machine *m, const char *id, struct err *e) MUST_CHECK;

int hot_netdev_add(struct machine *m, const char *text, struct err *e) MUST_CHECK;
int hot_netdev_del(struct machine *m, const char *id, struct err *e) MUST_CHECK;
/* -drive with if=none */
int hot_drive_add(struct machine *m, const char *text, struct err *e) MUST_CHECK;
/* -blockdev, as JSON */
int hot_blockdev_add(struct machine *m, const char *json, struct err *e) MUST_CHECK;
/* @node: made by -blockdev and its kin; else by -drive and its kin.  -EBUSY: a device has it. */
int hot_image_del(struct machine *m, const char *id, bool node, struct err *e) MUST_CHECK;
/* -object rng-random and rng-builtin */
int hot_object_add(struct machine *m, const char *text, struct err *e) MUST_CHECK;
int hot_object_del(struct machine *m, const char *id, struct err *e) MUST_CHECK;

/* From a device's register: the guest has let go of what is in @slot.  A vCPU's thread, which does not
 * go on before it is gone. */
void hot_ejected(struct machine *m, unsigned slot);
/* For machine.c, while no vCPU runs: does it; and all that was asked for, at a reset. */
void hot_eject(struct machine *m);
void hot_reset(struct machine *m);

#endif
