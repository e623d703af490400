/* SPDX-License-Identifier: MIT */
/*
 * What loads drivers at boot without being told their names.  Coldplug asks modprobe for the
 * modalias of all that the kernel found, the processor's among it: so kvm_intel and kvm_amd come
 * in.  That a device manager is installed does not say that it does so; something has to start
 * it.  tun and vhost_net have no modalias: their nodes are made ahead where somebody follows
 * modules.devname, and the first use loads them.
 */
#ifndef HOST_COLDPLUG_H
#define HOST_COLDPLUG_H

#include "host/distro.h"

struct coldplug {
	const char
		*by; /* "udev", "hwdrivers", "mdevd"; NULL: nothing that is known.  Constant */
	const char *nodes; /* what makes static nodes: "systemd", "OpenRC"; NULL.  Constant */
};

/* @d as distro_read() found it. */
void coldplug_read(const struct host *h, const struct distro *d, struct coldplug *out);

/* Features of x86 processors by their numbers in a modalias: word and bit of the kernel's
 * cpufeatures.h. */
#define COLDPLUG_VMX 0x85
#define COLDPLUG_SVM 0xc2

/* Pure: whether a processor's modalias has @feature in its list. */
bool coldplug_has_feature(const char *modalias, unsigned feature);
/* The running kernel names @feature in the modalias of its processors; unknown: it gives none. */
enum tri coldplug_feature(const struct host *h, unsigned feature);
/* Pure: modules.devname, of @len bytes, has a node for @module ('-' is '_'). */
bool coldplug_has_node(const char *text, size_t len, const char *module);
/* The same of the kernel @release of @h. */
bool coldplug_node(const struct host *h, const char *release, const char *module);

#endif
