/* SPDX-License-Identifier: MIT */
/*
 * What a machine shows: devices offer screens, front ends and screendump look at them.
 *
 * A screen is asked, it does not tell: whoever shows it asks as often as somebody looks.  The guest
 * may change its mode between any two questions; sizes are bounded by what a device has memory for.
 * Operations are called from the loop's thread and take the device's own lock.
 */
#ifndef EMU_DISPLAY_DISPLAY_H
#define EMU_DISPLAY_DISPLAY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define DISPLAY_SCREENS 4
/* The part of a text screen that is shown; and the widest row of pixels. */
#define DISPLAY_COLS    160u
#define DISPLAY_ROWS    100u
#define DISPLAY_WIDTH   16384u

enum display_kind { DISPLAY_BLANK, DISPLAY_TEXT, DISPLAY_PIXELS };

struct display_mode {
	enum display_kind kind;
	unsigned width, height; /* pixels, of text as well; 0 where nothing is shown */
};

/* Cells from left to right and down: a character of code page 437, and in the upper byte its
 * colours as the VGA has them (background and foreground, four bits each). */
struct display_text {
	unsigned cols, rows;
	int cursor; /* the cell, or -1 */
	uint16_t cell[DISPLAY_COLS * DISPLAY_ROWS];
};

struct display_ops {
	void (*mode)(void *dev, struct display_mode *m);
	/* False where there is no text now; may be NULL. */
	bool (*text)(void *dev, struct display_text *t);
	/* Row @y of @m: red, green and blue of each pixel.  False: the mode is another now. */
	bool (*row)(void *dev, const struct display_mode *m, unsigned y, uint8_t *rgb);
};

struct display_screen {
	const char *name;
	const struct display_ops *ops;
	void *dev;
};

struct display {
	struct display_screen screen[DISPLAY_SCREENS];
	unsigned n;
};

/* While the machine is made; -ENOSPC: there are too many. */
int display_add(struct display *d, const struct display_screen *s, struct err *e) MUST_CHECK;
/* Away with the device's screens. */
void display_remove(struct display *d, const void *dev);

#endif
