/* SPDX-License-Identifier: MIT */
/*
 * Where bytes of a serial port or a monitor go to and come from: standard input and output, a
 * file, a pseudo terminal, a socket, nothing.
 *
 * Writing never blocks: bytes wait in a buffer that the loop's thread empties as fast as the
 * other side takes them.  A buffer that is full takes nothing, which a device shows its guest.
 */
#ifndef EMU_CHARDEV_H
#define EMU_CHARDEV_H

#include "base/err.h"
#include "base/optset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct chardev;

/* Who uses one.  All are called in the loop's thread, with no lock of the chardev held. */
struct chardev_user {
	/* How many bytes input() takes now; 0: call chardev_more() when that changes. */
	size_t (*room)(void *arg);
	void (*input)(void *arg, const uint8_t *p, size_t n);
	void (*drained)(void *arg);         /* there is room to write again; may be NULL */
	void (*connected)(void *arg, bool); /* the other side came or went; may be NULL */
	void (*brk)(void *arg);             /* a break was asked for; may be NULL */
	void *arg;
};

/*
 * @spec is what -serial and -monitor take ("stdio", "null", "file:PATH", "pty",
 * "unix:PATH,server=on,wait=off", "tcp:HOST:PORT,...").  @id is for messages.
 */
int chardev_open(struct loop *l, const char *id, const char *spec, struct chardev **out,
		 struct err *e) MUST_CHECK;
/* What is buffered is written first, for a second at most. */
void chardev_close(struct chardev *c);

/* The user, NULL takes it away.  Before the loop runs, or in its thread. */
void chardev_use(struct chardev *c, const struct chardev_user *u);
/*
 * Lets a second user share it: what both write goes out, what comes in goes to one of them.
 * Keys after C-a: x calls @quit, c switches, b sends a break, h shows the keys, C-a is itself.
 */
void chardev_share(struct chardev *c, const struct chardev_user *second,
		   void (*quit)(void *arg), void *arg);
/* How many of @n bytes were taken.  Any thread. */
size_t chardev_write(struct chardev *c, const void *p, size_t n);
/* The user takes input again.  Any thread. */
void chardev_more(struct chardev *c);
/* For `info chardev`: "stdio", "pty:/dev/pts/3". */
const char *chardev_about(const struct chardev *c);

#endif
