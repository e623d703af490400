/* SPDX-License-Identifier: MIT */
/* Between the files that make up a chardev. */
#ifndef EMU_CHARDEV_INT_H
#define EMU_CHARDEV_INT_H

#include "emu/chardev/chardev.h"
#include "emu/chardev/fds.h"
#include "emu/chardev/telnet.h"
#include "emu/loop.h"

#include <pthread.h>
#include <termios.h>

#define CHARDEV_BUFFER 65536u
#define CHARDEV_FRONTS 4u
#define CHARDEV_HELD   512u

/* A user of a mux, and what was typed for it that it has not taken. */
struct chardev_front {
	struct chardev_user u;
	bool used;
	uint8_t held[CHARDEV_HELD];
	size_t n;
};

struct chardev {
	const struct config_chardev *config;
	const struct chardev_env *env;
	struct chardev_fds fds;
	struct loop_fd in, out, listener, tick;
	struct loop_job flush, more;
	struct chardev_front front[CHARDEV_FRONTS];
	unsigned focus; /* which has the keys */
	bool escaped;   /* the escape key was pressed */
	struct telnet telnet;
	bool ended; /* nothing more comes in */
	struct termios saved;
	bool raw;
	pthread_mutex_t lock; /* what follows */
	bool open;            /* the other side is there */
	bool mute;            /* nothing more goes out */
	bool was_full;
	size_t head, n, ring_head, ring_n;
	uint8_t *ring;
	uint8_t buf[CHARDEV_BUFFER];
};

/* mux.c: what came in, with our keys taken out, and to whom it goes. */
size_t mux_room(struct chardev *c);
void mux_input(struct chardev *c, const uint8_t *p, size_t n);
/* Hands on what its user takes now. */
void mux_deliver(struct chardev *c);

#endif
