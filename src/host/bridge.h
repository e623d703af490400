/* SPDX-License-Identifier: MIT */
/* Bridges of the kernel, and the programs that put a guest's tap device into one. */
#ifndef HOST_BRIDGE_H
#define HOST_BRIDGE_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

struct bridge_port {
	char name[16];
};

struct bridge_dev {
	char name[16];
	bool up;            /* administratively (IFF_UP) */
	char operstate[16]; /* "up", "down", "unknown" */
	bool stp;
	struct bridge_port *ports;
	size_t n_ports;
};

struct bridges {
	struct bridge_dev *v;
	size_t n;
};

/* /sys/class/net/X/bridge; none is an empty list. */
int bridges_read(const struct host *h, struct bridges *out, struct err *e) MUST_CHECK;
void bridges_free(struct bridges *b);
const struct bridge_dev *bridges_find(const struct bridges *b, const char *name);
/* Is there a network device of this name, whatever it is? */
bool bridge_name_taken(const struct host *h, const char *name);

struct bridge_helper {
	char path[64];
	struct host_stat st;
	bool suid; /* set-user-ID and owned by root: works for a plain user */
};

/* The qemu-bridge-helper that the distribution's QEMU runs; -ENOENT if there is none. */
int bridge_helper_find(const struct host *h, struct bridge_helper *out, struct err *e)
	MUST_CHECK;

#endif
