/* SPDX-License-Identifier: MIT */
/*
 * Values of a profile's keys, each from one line of text.  What a reader is given as @field
 * is the member of struct profile that its name says.  The characters that words may have
 * are few: they go into files that shells read and onto command lines of tools.
 */
#ifndef TUNE_PROFILE_VALUE_H
#define TUNE_PROFILE_VALUE_H

#include "tune/profile.h"

/* -EINVAL names the value and what it should be. */
typedef int value_read(void *field, const char *text, struct err *e);

value_read value_wish;       /* enum wish */
value_read value_kvm_module; /* char * */
value_read value_regions;    /* uint64_t, 0 for "keep" */
value_read value_page;       /* uint64_t, 0 for "default" */
value_read value_count;      /* uint64_t, 0 for "auto" */
value_read value_path;       /* char *, NULL for "none" */
value_read value_account;    /* char *, NULL for "auto" */
value_read value_thp;        /* char *, NULL for "keep" */
value_read value_thp_shared; /* char *, NULL for "keep" */
value_read value_swappiness; /* int64_t, -1 for "keep" */
value_read value_governor;   /* char *, NULL for "keep" */
value_read value_memlock;    /* uint64_t */

/* Lists, which are added to. */
value_read value_bridges, value_accounts, value_pci, value_cmdline, value_packages;
/* @field is &profile.guests; the count behind it is counted up. */
value_read value_guests;

int value_sysctl(struct profile *p, const char *name, const char *text, struct err *e)
	MUST_CHECK;

void names_free(struct names *n);
bool names_have(const struct names *n, const char *name);
int names_add(struct names *n, const char *name, size_t len, struct err *e) MUST_CHECK;

#endif
