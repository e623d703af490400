/* SPDX-License-Identifier: MIT */
/* Telnet's control sequences (RFC 854, 857, 858, 856) in what comes in and goes out. */
#ifndef EMU_CHARDEV_TELNET_H
#define EMU_CHARDEV_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in a sequence the input is.  Zero at the start of a connection. */
struct telnet {
	uint8_t state;
};

#define TELNET_IAC 0xffu

/* What is said first: we echo, each key is sent at once, bytes are of 8 bits. */
extern const uint8_t telnet_hello[12];

/* Takes what is not data out of @p; bytes left.  *@brk: a break was among it. */
size_t telnet_input(struct telnet *t, uint8_t *p, size_t n, bool *brk);

#endif
