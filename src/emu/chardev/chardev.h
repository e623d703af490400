/* SPDX-License-Identifier: MIT */
/*
 * Where bytes of a serial port, a console or a monitor go to and come from: standard input and
 * output, a file, a pseudo terminal, a socket, memory, nothing.  A machine has a table of them,
 * each with a name (-chardev ...,id=NAME).
 *
 * Writing never blocks: bytes wait in a buffer that the loop's thread empties as fast as the
 * other side takes them.  A buffer that is full takes nothing, which a device shows its guest.
 *
 * One user each; where mux=on several: what all write goes out, what comes in goes to the one
 * that has the keys.
 */
#ifndef EMU_CHARDEV_H
#define EMU_CHARDEV_H

#include "base/err.h"
#include "emu/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct chardev;
struct chardevs;

/* Who uses one.  All are called in the loop's thread, with no lock of the chardev held. */
struct chardev_user {
	/* How many bytes input() takes now; 0: call chardev_more() when that changes. */
	size_t (*room)(void *arg);
	void (*input)(void *arg, const uint8_t *p, size_t n);
	void (*drained)(void *arg);         /* there is room to write again; may be NULL */
	void (*connected)(void *arg, bool); /* the other side came or went; may be NULL */
	void (*focus)(void *arg);           /* it has the keys from now on; may be NULL */
	void (*brk)(void *arg);             /* a break was asked for; may be NULL */
	void *arg;
};

/* What the table needs of its surroundings.  What keys after the escape key of a mux do. */
struct chardev_env {
	struct loop *loop;
	void (*quit)(void *arg);   /* x; may be NULL, as the others */
	void (*commit)(void *arg); /* s */
	void (*tell)(void *arg,
		     const char *line); /* something a person wants to know at once */
	void *arg;
	uint8_t escape; /* 0: C-a */
};

/* Opens all.  -EINVAL and others name the chardev. */
int chardevs_new(struct chardevs **out, const struct chardev_env *env,
		 const struct config_chardev *c, unsigned n, struct err *e) MUST_CHECK;
/* What is buffered is written first, for a second at most.  Nobody uses any of them. */
void chardevs_free(struct chardevs *s);
/* NULL: there is none of that name; past the last. */
struct chardev *chardevs_find(const struct chardevs *s, const char *id);
struct chardev *chardevs_at(const struct chardevs *s, unsigned i);

/* -EBUSY: it has a user and is no mux, or too many.  -EINVAL, saying so: @c is NULL.  @id is for
 * that message.  Before the loop runs, or in its thread. */
int chardev_use(struct chardev *c, const char *id, const struct chardev_user *u, struct err *e)
	MUST_CHECK;
/* Takes the user with this @arg away, if it is one.  @c may be NULL.  As chardev_use(). */
void chardev_leave(struct chardev *c, const void *arg);
/* How many of @n bytes were taken.  Any thread. */
size_t chardev_write(struct chardev *c, const void *p, size_t n);
/* The user takes input again.  Any thread. */
void chardev_more(struct chardev *c);

/* For people: "stdio", "pty:/dev/pts/3". */
const char *chardev_about(const struct chardev *c);
const char *chardev_id(const struct chardev *c);
/* The other side is there; of the loop's thread. */
bool chardev_open(const struct chardev *c);
bool chardev_used(const struct chardev *c);
/* Programs of other machines can reach it. */
bool chardev_public(const struct chardev *c);

/* Memory (ringbuf): takes the oldest bytes out; -EINVAL: @c is none. */
int chardev_ring_take(struct chardev *c, void *to, size_t max, size_t *n, struct err *e)
	MUST_CHECK;

#endif
