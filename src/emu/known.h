/* SPDX-License-Identifier: MIT */
/*
 * What QEMU 7.2 has and vemu lacks: keys of options and devices, forms of options, devices,
 * processor features, each with the reason.  A value that says what is so anyway may be given.
 * docs/emulator/keys.md is made of these tables and of those of the options.
 */
#ifndef EMU_KNOWN_H
#define EMU_KNOWN_H

#include "base/err.h"
#include "base/optset.h"

#include <stdbool.h>

struct known_row {
	/*
	 * Whose: an option ("-machine"), one of its forms ("-netdev tap"), what a key names
	 * ("-netdev type="), or devices: "-device NAME", "-device PCI", "-device virtio",
	 * "-device disk".
	 */
	const char *of;
	const char *names; /* words; one that ends with '*' stands for all that begin so */
	const char *same;  /* values that may be given, with '|' between; NULL: none */
	const char *why;   /* a sentence's second half */
};

/* Row @i of all tables; NULL past the last. */
const struct known_row *known_row(unsigned i);
/* NULL: QEMU does not have it either, or vemu has it. */
const struct known_row *known_find(const char *of, const char *name);

/*
 * Whether @key of @of may be there.  1: with this value, which changes nothing; 0: this is
 * not in the tables; -ENOTSUP naming the key and why.
 */
int known_key(const char *of, const char *key, const char *value, struct err *e) MUST_CHECK;
/* The same for what a key names: -ENOTSUP, or 0 where the tables do not have it. */
int known_name(const char *of, const char *name, struct err *e) MUST_CHECK;
/* A key of the device @name on @bus; @disk: it has a drive. */
int known_device_key(const char *name, const char *bus, bool disk, const struct opt *key,
		     struct err *e) MUST_CHECK;

/* The tables. */
extern const struct known_row known_options[], known_devices[], known_properties[], known_cpu[];

#endif
