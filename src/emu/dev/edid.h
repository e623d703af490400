/* SPDX-License-Identifier: MIT */
/* What a monitor tells of itself: 128 bytes of VESA's EDID 1.4. */
#ifndef EMU_DEV_EDID_H
#define EMU_DEV_EDID_H

#include <stdint.h>

#define EDID_SIZE 128u
/* What one of its detailed timings can say. */
#define EDID_MAX  4088u

/* A monitor that prefers @xres by @yres at 60 Hz; both 8 to EDID_MAX. */
void edid_make(uint8_t d[EDID_SIZE], unsigned xres, unsigned yres);

#endif
