/* SPDX-License-Identifier: MIT */
/*
 * sysctl.d(5) and /etc/sysctl.conf: what the kernel's variables will be after a boot.
 */
#ifndef HOST_SYSCTL_CONF_H
#define HOST_SYSCTL_CONF_H

#include "base/err.h"
#include "host/host.h"

#include <stdbool.h>
#include <stddef.h>

struct sysctl_line {
	char *key;   /* with slashes: "vm/nr_hugepages", "net/ipv4/conf/eth0.1/rp_filter" */
	char *value; /* blanks at its ends cut */
	const char *file;
	unsigned line;
	bool ignore_errors; /* "-key = value" */
	bool exclude;       /* "-key" alone: not by wildcards of others */
	bool final;         /* the last for its key: what boot leaves */
};

struct sysctl_fault {
	const char *file;
	unsigned line;
	char text[96];
};

struct sysctl_conf {
	char **files;
	size_t n_files;
	struct sysctl_line *v; /* in the order they are applied */
	size_t n;
	struct sysctl_fault *faults; /* lines passed over */
	size_t n_faults;
};

int sysctl_conf_parse(struct sysctl_conf *c, const char *file, const char *text, size_t len,
		      struct err *e) MUST_CHECK;
/* The folders in their order, /etc/sysctl.conf last. */
int sysctl_conf_read(const struct host *h, struct sysctl_conf *out, struct err *e) MUST_CHECK;
void sysctl_conf_free(struct sysctl_conf *c);
/* What sets @key ("vm.nr_hugepages" or with slashes) at boot, wildcards included; or NULL. */
const struct sysctl_line *sysctl_conf_find(const struct sysctl_conf *c, const char *key);
/* The value as sysctl(8) writes it and the kernel prints it: runs of blanks count as one. */
bool sysctl_same_value(const char *a, const char *b);
/* "vm.nr_hugepages" as "vm/nr_hugepages": if the first separator is a dot, dots and slashes
 * change places.  free() it. */
char *sysctl_path(const char *key, struct err *e) MUST_CHECK;

#endif
