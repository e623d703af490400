/* SPDX-License-Identifier: MIT */
#include "emu/dev/edid.h"

#include "base/bytes.h"

#include <string.h>

#define DPI   100u
#define HZ    60u
#define NAME  "hostkit\n    " /* 13 bytes, padded with blanks */
#define MAKER ('H' - '@') << 10 | ('K' - '@') << 5 | ('T' - '@')

/* Lengths in pixels to tenths of a millimetre. */
static unsigned tenths(unsigned pixels)
{
	return pixels * 254 / DPI;
}

/* 3.10.2: the preferred mode, with blanks that any clock of 655 MHz can make. */
static void timing(uint8_t *t, unsigned x, unsigned y)
{
	unsigned xblank = x * 35 / 100 & ~7u, yblank = 35, front = x * 25 / 100 & ~7u;
	unsigned clock = (x + xblank) * (y + yblank) / 1000 * HZ / 10;
	unsigned mm_x = tenths(x) / 10, mm_y = tenths(y) / 10;

	store_le16(t, (uint16_t)(clock > 0xffff ? 0xffff : clock));
	t[2] = (uint8_t)x;
	t[3] = (uint8_t)xblank;
	t[4] = (uint8_t)(x >> 8 << 4 | xblank >> 8);
	t[5] = (uint8_t)y;
	t[6] = (uint8_t)yblank;
	t[7] = (uint8_t)(y >> 8 << 4);
	t[8] = (uint8_t)front;
	t[9] = (uint8_t)(xblank - front > 8 ? 8 : 1);
	t[10] = 1 << 4 | 1;
	t[11] = (uint8_t)(front >> 8 << 6);
	t[12] = (uint8_t)mm_x;
	t[13] = (uint8_t)mm_y;
	t[14] = (uint8_t)(mm_x >> 8 << 4 | mm_y >> 8);
	t[17] = 0x18; /* separate syncs */
}

void edid_make(uint8_t d[EDID_SIZE], unsigned xres, unsigned yres)
{
	/* 3.4: sRGB's primaries */
	static const uint8_t colors[10] = { 0xee, 0x91, 0xa3, 0x54, 0x4c,
					    0x99, 0x26, 0x0f, 0x50, 0x54 };
	uint8_t sum = 0;

	memset(d, 0, EDID_SIZE);
	memset(d + 1, 0xff, 6);
	store_be16(d + 8, MAKER);
	d[16] = 42; /* week and year of make */
	d[17] = 30;
	d[18] = 1;
	d[19] = 4;
	d[20] = 0xa5; /* digital, 8 bits a colour */
	d[21] = (uint8_t)(tenths(xres) / 100);
	d[22] = (uint8_t)(tenths(yres) / 100);
	d[23] = 120;  /* gamma 2.2 */
	d[24] = 0x06; /* sRGB; the first timing is the preferred one */
	memcpy(d + 25, colors, sizeof(colors));
	d[35] = 0x21; /* 640x480 and 800x600 at 60 Hz, */
	d[36] = 0x08; /* 1024x768 */
	memset(d + 38, 1, 16);
	timing(d + 54, xres, yres);
	d[75] = 0xfc;
	memcpy(d + 77, NAME "    ", 13);
	d[93] = 0x10; /* nothing more */
	d[111] = 0x10;
	for (unsigned i = 0; i < EDID_SIZE - 1; i++)
		sum = (uint8_t)(sum + d[i]);
	d[EDID_SIZE - 1] = (uint8_t)-sum;
}
