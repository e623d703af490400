/* SPDX-License-Identifier: MIT */
#include "emu/display/keys.h"

#include "base/mem.h"

#include <string.h>

#define RELEASED 0xf0
#define EXTENDED 0xe0
#define PAUSE    0x77 /* with EXTENDED: what only the key of that name sends */

static const struct key keys[] = {
	{ "a", 0x1c, false },
	{ "b", 0x32, false },
	{ "c", 0x21, false },
	{ "d", 0x23, false },
	{ "e", 0x24, false },
	{ "f", 0x2b, false },
	{ "g", 0x34, false },
	{ "h", 0x33, false },
	{ "i", 0x43, false },
	{ "j", 0x3b, false },
	{ "k", 0x42, false },
	{ "l", 0x4b, false },
	{ "m", 0x3a, false },
	{ "n", 0x31, false },
	{ "o", 0x44, false },
	{ "p", 0x4d, false },
	{ "q", 0x15, false },
	{ "r", 0x2d, false },
	{ "s", 0x1b, false },
	{ "t", 0x2c, false },
	{ "u", 0x3c, false },
	{ "v", 0x2a, false },
	{ "w", 0x1d, false },
	{ "x", 0x22, false },
	{ "y", 0x35, false },
	{ "z", 0x1a, false },
	{ "0", 0x45, false },
	{ "1", 0x16, false },
	{ "2", 0x1e, false },
	{ "3", 0x26, false },
	{ "4", 0x25, false },
	{ "5", 0x2e, false },
	{ "6", 0x36, false },
	{ "7", 0x3d, false },
	{ "8", 0x3e, false },
	{ "9", 0x46, false },
	{ "minus", 0x4e, false },
	{ "equal", 0x55, false },
	{ "bracket_left", 0x54, false },
	{ "bracket_right", 0x5b, false },
	{ "semicolon", 0x4c, false },
	{ "apostrophe", 0x52, false },
	{ "grave_accent", 0x0e, false },
	{ "backslash", 0x5d, false },
	{ "comma", 0x41, false },
	{ "dot", 0x49, false },
	{ "slash", 0x4a, false },
	{ "less", 0x61, false },
	{ "spc", 0x29, false },
	{ "ret", 0x5a, false },
	{ "tab", 0x0d, false },
	{ "backspace", 0x66, false },
	{ "esc", 0x76, false },
	{ "shift", 0x12, false },
	{ "shift_r", 0x59, false },
	{ "ctrl", 0x14, false },
	{ "ctrl_r", 0x14, true },
	{ "alt", 0x11, false },
	{ "alt_r", 0x11, true },
	{ "meta_l", 0x1f, true },
	{ "meta_r", 0x27, true },
	{ "menu", 0x2f, true },
	{ "compose", 0x2f, true },
	{ "caps_lock", 0x58, false },
	{ "num_lock", 0x77, false },
	{ "scroll_lock", 0x7e, false },
	{ "f1", 0x05, false },
	{ "f2", 0x06, false },
	{ "f3", 0x04, false },
	{ "f4", 0x0c, false },
	{ "f5", 0x03, false },
	{ "f6", 0x0b, false },
	{ "f7", 0x83, false },
	{ "f8", 0x0a, false },
	{ "f9", 0x01, false },
	{ "f10", 0x09, false },
	{ "f11", 0x78, false },
	{ "f12", 0x07, false },
	{ "up", 0x75, true },
	{ "down", 0x72, true },
	{ "left", 0x6b, true },
	{ "right", 0x74, true },
	{ "home", 0x6c, true },
	{ "end", 0x69, true },
	{ "pgup", 0x7d, true },
	{ "pgdn", 0x7a, true },
	{ "insert", 0x70, true },
	{ "delete", 0x71, true },
	{ "print", 0x7c, true },
	{ "sysrq", 0x84, false },
	{ "pause", PAUSE, true },
	{ "kp_0", 0x70, false },
	{ "kp_1", 0x69, false },
	{ "kp_2", 0x72, false },
	{ "kp_3", 0x7a, false },
	{ "kp_4", 0x6b, false },
	{ "kp_5", 0x73, false },
	{ "kp_6", 0x74, false },
	{ "kp_7", 0x6c, false },
	{ "kp_8", 0x75, false },
	{ "kp_9", 0x7d, false },
	{ "kp_add", 0x79, false },
	{ "kp_subtract", 0x7b, false },
	{ "kp_multiply", 0x7c, false },
	{ "kp_divide", 0x4a, true },
	{ "kp_decimal", 0x71, false },
	{ "kp_enter", 0x5a, true },
};

const struct key *keys_at(unsigned i)
{
	return i < ARRAY_SIZE(keys) ? &keys[i] : NULL;
}

const struct key *keys_find(const char *name, size_t n)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == n && !memcmp(keys[i].name, name, n))
			return &keys[i];
	return NULL;
}

unsigned keys_bytes(const struct key *k, bool down, uint8_t out[KEYS_BYTES])
{
	static const uint8_t pause[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };
	unsigned n = 0;

	/* it is let go as soon as it is pressed */
	if (k->extended && k->code == PAUSE) {
		memcpy(out, pause, sizeof(pause));
		return down ? sizeof(pause) : 0;
	}
	if (k->extended)
		out[n++] = EXTENDED;
	if (!down)
		out[n++] = RELEASED;
	out[n++] = k->code;
	return n;
}

const struct key *keys_ascii(unsigned char c, bool *shift)
{
	static const struct {
		char plain, shifted;
		const char *name;
	} signs[] = {
		{ ' ', 0, "spc" },
		{ '\r', 0, "ret" },
		{ '\n', 0, "ret" },
		{ '\t', 0, "tab" },
		{ '\b', 0, "backspace" },
		{ 0x7f, 0, "backspace" },
		{ 0x1b, 0, "esc" },
		{ '1', '!', "1" },
		{ '2', '@', "2" },
		{ '3', '#', "3" },
		{ '4', '$', "4" },
		{ '5', '%', "5" },
		{ '6', '^', "6" },
		{ '7', '&', "7" },
		{ '8', '*', "8" },
		{ '9', '(', "9" },
		{ '0', ')', "0" },
		{ '-', '_', "minus" },
		{ '=', '+', "equal" },
		{ '[', '{', "bracket_left" },
		{ ']', '}', "bracket_right" },
		{ ';', ':', "semicolon" },
		{ '\'', '"', "apostrophe" },
		{ '`', '~', "grave_accent" },
		{ '\\', '|', "backslash" },
		{ ',', '<', "comma" },
		{ '.', '>', "dot" },
		{ '/', '?', "slash" },
	};
	char letter = (char)(c | 0x20);

	*shift = false;
	if (letter >= 'a' && letter <= 'z' && c >= 'A') {
		*shift = c < 'a';
		return keys_find(&letter, 1);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(signs); i++) {
		if (c != (unsigned char)signs[i].plain &&
		    (!c || c != (unsigned char)signs[i].shifted))
			continue;
		*shift = c != (unsigned char)signs[i].plain;
		return keys_find(signs[i].name, strlen(signs[i].name));
	}
	return NULL;
}
