/* SPDX-License-Identifier: MIT */
/* Between gdb.c (packets), gdb_run.c (going on, stops) and gdb_look.c (registers, memory). */
#ifndef EMU_GDB_GDB_INT_H
#define EMU_GDB_GDB_INT_H

#include "base/str.h"
#include "emu/chardev/chardev.h"
#include "emu/cpu/x86/state.h"
#include "emu/gdb/gdb.h"
#include "emu/machine.h"

#define GDB_PACKET 3072u

struct gdb {
	struct machine *m;
	struct chardev *c;
	struct x86_debugger dbg;
	bool there;    /* GDB is connected and has spoken */
	bool no_ack;   /* QStartNoAckMode */
	bool wide;     /* the description that GDB has */
	bool waiting;  /* it waits for a stop */
	unsigned look; /* vCPU that g, m and so on are of */
	unsigned next; /* of qsThreadInfo */
	enum { GDB_IDLE, GDB_BODY, GDB_SUM1, GDB_SUM2 } state;
	uint8_t sum, want;
	char in[GDB_PACKET + 1];
	size_t n;
	bool too_long;
};

/* One packet "$...#xx" with @s, which may hold anything: escaped. */
void gdb_send(struct gdb *g, const char *s, size_t n);
void gdb_say(struct gdb *g, const char *s);

/* A hexadecimal number at *@p; false: there is none. */
bool gdb_hex(const char **p, uint64_t *out);
/* @n bytes as hexadecimal digits, added to @s. */
void gdb_add_hex(struct str *s, const uint8_t *p, size_t n);
/* Up to @max bytes of digits at @p; how many, or -1 where they are none. */
int gdb_bytes(const char *p, uint8_t *out, size_t max);

/* gdb_look.c: each takes what stands behind the letter. */
void gdb_all_registers(struct gdb *g);
void gdb_set_all(struct gdb *g, const char *p);
void gdb_register(struct gdb *g, const char *p);
void gdb_set_register(struct gdb *g, const char *p);
void gdb_read(struct gdb *g, const char *p);
/* @binary: X. @n: bytes at @p. */
void gdb_write(struct gdb *g, const char *p, size_t n, bool binary);
void gdb_point(struct gdb *g, const char *p, bool insert);

/* gdb_run.c */
void gdb_status(struct gdb *g);
void gdb_resume(struct gdb *g, const char *p, bool step);
void gdb_vcont(struct gdb *g, const char *p);
void gdb_interrupt(struct gdb *g);
/* Leaves the machine as if nobody had been there, running. */
void gdb_detach(struct gdb *g);
void gdb_event(void *gdb, const char *name, const char *detail);

#endif
