/* SPDX-License-Identifier: MIT */
/* What the host itself needs a PCI device for: storage that is mounted or swapped to, and the
 * way to the network. */
#ifndef TUNE_STEPS_PCI_USE_H
#define TUNE_STEPS_PCI_USE_H

#include "host/host.h"

#include <stdbool.h>

/* 1 with words in @why ("/ is on it", "the default route goes through eth0 on it"); 0: nothing
 * that can be seen. */
int pci_in_use(const struct host *h, const char *addr, char *why, size_t size, struct err *e)
	MUST_CHECK;

#endif
