/* SPDX-License-Identifier: MIT */
/* Kernels whose modules are installed below the root, and the one that runs. */
#ifndef HOST_KERNELS_H
#define HOST_KERNELS_H

#include "host/host.h"
#include "host/tri.h"

struct kernels {
	char running[66];           /* "" on an image */
	struct host_list installed; /* folders of /lib/modules, oldest version first */
	enum tri running_installed; /* its modules can still be loaded */
};

int kernels_read(const struct host *h, struct kernels *out, struct err *e) MUST_CHECK;
void kernels_free(struct kernels *k);
/* The newest of the running one's flavour ("-lts"), or of all; NULL: none. */
const char *kernels_newest(const struct kernels *k);
/* "6.12.1" of "6.12.1-3-lts": as numbers; -EINVAL if it begins otherwise. */
int kernels_version(const char *release, unsigned v[3], struct err *e) MUST_CHECK;

#endif
