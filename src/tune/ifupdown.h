/* SPDX-License-Identifier: MIT */
/* interfaces(5) of ifupdown and ifupdown-ng, as far as it takes to add a bridge. */
#ifndef TUNE_IFUPDOWN_H
#define TUNE_IFUPDOWN_H

#include <stdbool.h>
#include <stddef.h>

/* A stanza "iface NAME ..." is there. */
bool ifupdown_has(const char *text, size_t len, const char *name);
/* Files of @folder are read: a line "source FOLDER/..." or "source-directory FOLDER". */
bool ifupdown_sources(const char *text, size_t len, const char *folder);

#endif
