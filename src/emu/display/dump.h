/* SPDX-License-Identifier: MIT */
/* A screen as a file: PPM (P6), or PNG (ISO 15948, 24 bits a pixel). */
#ifndef EMU_DISPLAY_DUMP_H
#define EMU_DISPLAY_DUMP_H

#include "emu/display/display.h"

enum dump_format { DUMP_PPM, DUMP_PNG };

/* @file is made or replaced, and away again where this fails.  -ENODEV: there is no screen, -EAGAIN:
 * it shows nothing, or another thing all the time. */
int display_dump(const struct display *d, const char *file, enum dump_format format,
		 struct err *e) MUST_CHECK;

#endif
