/* SPDX-License-Identifier: MIT */
/*
 * GDB's remote serial protocol over a chardev: vCPUs are threads 1.., addresses are linear
 * ones of the vCPU that is looked at, breakpoints and watchpoints leave no trace in the guest.
 * All in the loop's thread; vCPUs are looked at only while the machine is stopped.
 */
#ifndef EMU_GDB_GDB_H
#define EMU_GDB_GDB_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct machine;
struct gdb;

/* @id: a chardev; NULL: none, what it says is thrown away (tests). */
int gdb_new(struct gdb **out, struct machine *m, const char *id, struct err *e) MUST_CHECK;
void gdb_free(struct gdb *g);
/* What came from GDB. */
void gdb_input(void *gdb, const uint8_t *p, size_t n);

#endif
