/* SPDX-License-Identifier: MIT */
/* Code page 437, which a PC's text is in. */
#ifndef EMU_DISPLAY_CP437_H
#define EMU_DISPLAY_CP437_H

#include <stdint.h>

/* What the card draws for it, control codes as well; as ASCII, where the terminal knows no more. */
uint16_t cp437_unicode(uint8_t c);
char cp437_ascii(uint8_t c);

#endif
