/* SPDX-License-Identifier: MIT */
/*
 * What a VGA's registers and planes look like.  Text and the BIOS's modes come out as on other
 * emulators of this card: 9 dots a character, 640 dots where 320 are doubled.  Nothing blinks.
 */
#include "emu/dev/vga_int.h"

#include <string.h>

#define FONT_STEP 32u
#define FONT_SIZE 8192u

struct shape {
	bool text;
	unsigned cols;         /* characters, or bytes of a plane, in a row */
	unsigned dots;         /* of each */
	unsigned lines;        /* rows of dots */
	unsigned height;       /* of a character */
	unsigned twice;        /* shift: each row is shown 1 << twice times */
	unsigned split;        /* the last row before the memory's start is shown */
	uint32_t start, pitch; /* of the planes' memory: 4 bytes each */
};

static unsigned cr16(const struct vga *v, unsigned i)
{
	return (unsigned)v->cr[i] << 8 | v->cr[i + 1];
}

static unsigned shift_mode(const struct vga *v)
{
	return v->gr[GR_MODE] >> 5 & 3;
}

static struct shape shape_of(const struct vga *v)
{
	uint8_t over = v->cr[CR_OVERFLOW], row = v->cr[CR_ROW];
	struct shape s = { .text = !(v->gr[GR_MISC] & GR_GRAPHICS),
			   .cols = v->cr[CR_HDISP] + 1u,
			   .start = cr16(v, CR_START),
			   .pitch = v->cr[CR_OFFSET] * 2u };

	s.lines = (v->cr[CR_VDISP] | (over & 2u) << 7 | (over & 0x40u) << 3) + 1;
	s.split = v->cr[CR_COMPARE] | (over & 0x10u) << 4 | (row & 0x40u) << 3;
	s.height = (row & 31u) + 1;
	s.dots = s.text && !(v->sr[SR_CLOCK] & SR_EIGHT) ? 9 : 8;
	if (s.text)
		s.lines -= s.lines % s.height;
	else
		s.twice = row >> 7;
	if (v->sr[SR_CLOCK] & SR_HALF)
		s.dots *= 2;
	return s;
}

static const uint8_t *planes_at(const struct vga *v, uint32_t at)
{
	return v->dispi.vram + (at * 4 & (v->dispi.size - 1));
}

/* ---- colours ---- */

static uint32_t dac_color(const struct vga *v, unsigned i)
{
	const uint8_t *c = v->dac[i & v->dac_mask];
	uint32_t rgb = 0;

	for (unsigned k = 0; k < 3; k++) {
		uint8_t b = c[k];

		/* six bits wide, unless the BIOS said otherwise */
		if (!(v->dispi.reg[DISPI_ENABLE] & DISPI_DAC8))
			b = (uint8_t)((b & 63) << 2 | (b & 1 ? 3 : 0));
		rgb = rgb << 8 | b;
	}
	return rgb;
}

static uint32_t attribute_color(const struct vga *v, unsigned i)
{
	unsigned c = v->ar[i & 15 & v->ar[AR_PLANES]];

	if (v->ar[AR_MODE] & AR_P54)
		c = (c & 15) | (v->ar[AR_SELECT] & 15u) << 4;
	else
		c = (c & 63) | (v->ar[AR_SELECT] & 12u) << 4;
	return dac_color(v, c);
}

static uint8_t *put(uint8_t *rgb, uint32_t color)
{
	*rgb++ = (uint8_t)(color >> 16);
	*rgb++ = (uint8_t)(color >> 8);
	*rgb++ = (uint8_t)color;
	return rgb;
}

/* ---- text ---- */

static uint32_t font_at(const struct vga *v, uint8_t attr)
{
	unsigned s = v->sr[SR_FONT];
	unsigned n = attr & 8 ? (s >> 5 & 1) | (s >> 1 & 6) : (s >> 4 & 1) | (s << 1 & 6);

	return n * FONT_SIZE;
}

static bool has_cursor(const struct vga *v, unsigned line)
{
	uint8_t first = v->cr[CR_CURSOR];

	return !(first & 0x20) && line >= (first & 31u) && line <= (v->cr[CR_CURSOR_END] & 31u);
}

static uint8_t *cell(const struct vga *v, const struct shape *s, uint32_t at, unsigned line,
		     uint8_t *rgb)
{
	const uint8_t *p = planes_at(v, at);
	uint8_t ch = p[0], attr = p[1];
	unsigned back = attr >> 4 & (v->ar[AR_MODE] & AR_BLINK ? 7 : 15), dots = s->dots,
		 wide = 1;
	uint32_t fg = attribute_color(v, attr & 15), bg = attribute_color(v, back);
	unsigned bits = planes_at(v, font_at(v, attr) + ch * FONT_STEP + line)[2] << 1;

	/* the ninth is background, but lines go on */
	if (ch >= 0xc0 && ch <= 0xdf && (v->ar[AR_MODE] & AR_LINES))
		bits |= bits >> 1 & 1;
	if (at == cr16(v, CR_AT) && has_cursor(v, line))
		bits = 0x1ff;
	if (dots > 9) {
		dots /= 2;
		wide = 2;
	}
	for (unsigned i = 0; i < dots; i++)
		for (unsigned k = 0; k < wide; k++)
			rgb = put(rgb, bits >> (8 - i) & 1 ? fg : bg);
	return rgb;
}

static void text_row(const struct vga *v, const struct shape *s, unsigned y, uint8_t *rgb)
{
	uint32_t at = s->start + y / s->height * s->pitch;

	for (unsigned x = 0; x < s->cols; x++)
		rgb = cell(v, s, at + x, y % s->height, rgb);
}

/* ---- graphics ---- */

/* The row counter drives address bits where the mode register says so: pictures of CGA and Hercules
 * lie in two or four parts. */
static uint32_t row_address(const struct vga *v, const struct shape *s, unsigned y)
{
	unsigned mode = v->cr[CR_MODE], bit = mode & 0x40 ? 13 : 12, row;
	uint32_t at = s->start;

	if (y > s->split) {
		y -= s->split + 1;
		at = 0;
	}
	row = (y >> s->twice) % s->height;
	at += (y >> s->twice) / s->height * s->pitch;
	if (!(mode & 1))
		at = (at & ~(1u << bit)) | (row & 1) << bit;
	if (!(mode & 2))
		at = (at & ~(2u << bit)) | (row & 2) << bit;
	return at;
}

static uint8_t *eight(const struct vga *v, const uint8_t *p, unsigned wide, uint8_t *rgb)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned c = 0;

		for (unsigned plane = 0; plane < 4; plane++)
			c |= (unsigned)(p[plane] >> (7 - i) & 1) << plane;
		for (unsigned k = 0; k < wide; k++)
			rgb = put(rgb, attribute_color(v, c));
	}
	return rgb;
}

/* CGA's: pairs of bits, the upper planes' for the upper bits. */
static uint8_t *pairs(const struct vga *v, const uint8_t *p, unsigned wide, uint8_t *rgb)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned plane = i / 4, bit = 6 - i % 4 * 2;
		unsigned c = (p[plane] >> bit & 3u) | (p[plane + 2] >> bit & 3u) << 2;

		for (unsigned k = 0; k < wide; k++)
			rgb = put(rgb, attribute_color(v, c));
	}
	return rgb;
}

/* 256 colours: a byte each, two dots wide. */
static uint8_t *bytes(const struct vga *v, const uint8_t *p, unsigned wide, uint8_t *rgb)
{
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 2 * wide; k++)
			rgb = put(rgb, dac_color(v, p[i]));
	return rgb;
}

static void graphics_row(const struct vga *v, const struct shape *s, unsigned y, uint8_t *rgb)
{
	uint32_t at = row_address(v, s, y);
	unsigned mode = shift_mode(v), wide = s->dots / 8;

	for (unsigned x = 0; x < s->cols; x++) {
		const uint8_t *p = planes_at(v, at + x);

		rgb = mode == 0   ? eight(v, p, wide, rgb)
		      : mode == 1 ? pairs(v, p, wide, rgb)
				  : bytes(v, p, wide, rgb);
	}
}

/* ---- the screen ---- */

static void mode_now(const struct vga *v, struct display_mode *m)
{
	struct shape s;

	*m = (struct display_mode){ DISPLAY_BLANK, 0, 0 };
	if (dispi_on(&v->dispi)) {
		dispi_mode(&v->dispi, m);
		return;
	}
	if (v->env.bochs || !(v->ar_index & AR_SHOWN) || (v->sr[SR_CLOCK] & SR_OFF))
		return;
	s = shape_of(v);
	/* fewer lines than a character has */
	if (!s.lines)
		return;
	m->kind = s.text ? DISPLAY_TEXT : DISPLAY_PIXELS;
	m->width = s.cols * s.dots;
	m->height = s.lines;
}

static void get_mode(void *dev, struct display_mode *m)
{
	struct vga *v = dev;

	pthread_mutex_lock(&v->lock);
	mode_now(v, m);
	pthread_mutex_unlock(&v->lock);
}

static void copy_text(const struct vga *v, const struct shape *s, struct display_text *t)
{
	t->cols = s->cols < DISPLAY_COLS ? s->cols : DISPLAY_COLS;
	t->rows = s->lines / s->height;
	t->rows = t->rows < DISPLAY_ROWS ? t->rows : DISPLAY_ROWS;
	t->cursor = -1;
	for (unsigned i = 0; i < t->cols * t->rows; i++) {
		uint32_t at = s->start + i / t->cols * s->pitch + i % t->cols;
		const uint8_t *p = planes_at(v, at);

		t->cell[i] = (uint16_t)(p[1] << 8 | p[0]);
		if (v->ar[AR_MODE] & AR_BLINK)
			t->cell[i] &= 0x7fff;
		if (at == cr16(v, CR_AT) && !(v->cr[CR_CURSOR] & 0x20))
			t->cursor = (int)i;
	}
}

static bool get_text(void *dev, struct display_text *t)
{
	struct vga *v = dev;
	struct display_mode m;
	struct shape s;

	pthread_mutex_lock(&v->lock);
	mode_now(v, &m);
	if (m.kind == DISPLAY_TEXT) {
		s = shape_of(v);
		copy_text(v, &s, t);
	}
	pthread_mutex_unlock(&v->lock);
	return m.kind == DISPLAY_TEXT;
}

static void draw(const struct vga *v, unsigned y, uint8_t *rgb)
{
	uint32_t palette[256];
	struct shape s;

	if (!dispi_on(&v->dispi)) {
		s = shape_of(v);
		if (s.text)
			text_row(v, &s, y, rgb);
		else
			graphics_row(v, &s, y, rgb);
		return;
	}
	for (unsigned i = 0; i < 256; i++)
		palette[i] = v->dispi.reg[DISPI_BPP] == 4 ? attribute_color(v, i & 15)
							  : dac_color(v, i);
	dispi_row(&v->dispi, v->env.bochs ? NULL : palette, y, rgb);
}

static bool get_row(void *dev, const struct display_mode *was, unsigned y, uint8_t *rgb)
{
	struct vga *v = dev;
	struct display_mode m;
	bool same;

	pthread_mutex_lock(&v->lock);
	mode_now(v, &m);
	same = m.kind == was->kind && m.width == was->width && m.height == was->height &&
	       y < m.height;
	if (same)
		draw(v, y, rgb);
	pthread_mutex_unlock(&v->lock);
	return same;
}

const struct display_ops vga_display = { get_mode, get_text, get_row };
