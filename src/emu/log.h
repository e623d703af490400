/* SPDX-License-Identifier: MIT */
/*
 * What -d asks to be told of: a line for each thing, to standard error or to -D's file.  Any
 * thread; what cannot be written is lost.
 */
#ifndef EMU_LOG_H
#define EMU_LOG_H

#include "base/err.h"

#include <stdbool.h>

struct log;

enum log_item {
	LOG_IN_ASM = 1 << 0, /* instructions as they are translated (soft) */
	LOG_INT = 1 << 1,    /* interrupts and exceptions (soft) */
	LOG_RESET = 1 << 2,  /* the processors' registers at a reset */
	LOG_UNIMP = 1 << 3,  /* what is asked for and is not there */
	LOG_GUEST = 1 << 4,  /* what no correct guest does */
};
/* These need an engine that sees each instruction. */
#define LOG_SOFT (LOG_IN_ASM | LOG_INT)

/* Item @i for people; NULL past the last. */
const char *log_name(unsigned i);
const char *log_help(unsigned i);
/* "int,unimp" to bits of enum log_item; "none" is 0.  -EINVAL names what there is not. */
int log_parse(const char *items, unsigned *bits, struct err *e) MUST_CHECK;

/* @file NULL: standard error; %d in it is the process's number. */
int log_new(struct log **out, const char *file, unsigned bits, struct err *e) MUST_CHECK;
void log_free(struct log *l);
void log_set(struct log *l, unsigned bits);
unsigned log_bits(const struct log *l);

/* @l may be NULL: nothing is wanted. */
static inline bool log_on(const struct log *l, unsigned items)
{
	return l && (log_bits(l) & items);
}

/* A line, at most 512 bytes, without its end. */
void log_line(struct log *l, const char *fmt, ...) PRINTF(2, 3);

#endif
