/* SPDX-License-Identifier: MIT */
/*
 * Keys of a PC's keyboard by the names that QEMU's sendkey has, and what a PS/2 keyboard sends for
 * them (scan code set 2), for i8042_key().
 */
#ifndef EMU_DISPLAY_KEYS_H
#define EMU_DISPLAY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_BYTES 8

struct key {
	const char *name;
	uint8_t code;  /* of set 2 */
	bool extended; /* e0 in front */
};

/* A name of @n characters, or NULL. */
const struct key *keys_find(const char *name, size_t n);
/* NULL past the last. */
const struct key *keys_at(unsigned i);
/* What is sent when it is pressed, or let go; how many bytes. */
unsigned keys_bytes(const struct key *k, bool down, uint8_t out[KEYS_BYTES]);
/* The key of an American keyboard for a character of ASCII; *@shift: with that.  NULL: none. */
const struct key *keys_ascii(unsigned char c, bool *shift);

#endif
