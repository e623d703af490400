/* SPDX-License-Identifier: MIT */
#include "emu/display/dump.h"

#include "base/bytes.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define W 301u
#define H 77u

struct screen {
	struct display_mode mode;
	unsigned moves; /* so often it changes its mode in the middle */
};

static uint8_t color(unsigned x, unsigned y, unsigned k)
{
	return (uint8_t)(x * 7 + y * 13 + k * 29 + (x * y >> 3));
}

static void mode(void *dev, struct display_mode *m)
{
	*m = ((struct screen *)dev)->mode;
}

static bool row(void *dev, const struct display_mode *m, unsigned y, uint8_t *rgb)
{
	struct screen *s = dev;

	if (y == H / 2 && s->moves) {
		s->moves--;
		return false;
	}
	for (unsigned x = 0; x < W; x++)
		for (unsigned k = 0; k < 3; k++)
			*rgb++ = color(x, y, k);
	return true;
}

static const struct display_ops ops = { mode, NULL, row };

static size_t get(const char *path, uint8_t *to, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(to, 1, max, f);
	fclose(f);
	return n;
}

static void make(struct display *d, struct screen *s, const char *path, enum dump_format f)
{
	const struct display_screen one = { "test", &ops, s };
	struct err e = { 0 };

	*d = (struct display){ 0 };
	*s = (struct screen){ { DISPLAY_PIXELS, W, H }, 1 };
	assert_int_equal(display_add(d, &one, &e), 0);
	assert_int_equal(display_dump(d, path, f, &e), 0);
}

static void ppm(void **state)
{
	static uint8_t d[W * H * 3 + 100];
	struct display display;
	struct screen s;
	size_t n;

	make(&display, &s, "dump.ppm", DUMP_PPM);
	n = get("dump.ppm", d, sizeof(d));
	assert_int_equal(n, 14 + W * H * 3);
	assert_memory_equal(d, "P6\n301 77\n255\n", 14);
	for (unsigned i = 0; i < W * H * 3; i++)
		assert_int_equal(d[14 + i], color(i / 3 % W, i / 3 / W, i % 3));
	unlink("dump.ppm");
}

/* Joins the parts named IDAT of @d. */
static size_t parts(const uint8_t *d, size_t n, uint8_t *to)
{
	size_t all = 0, at = 8;
	bool end = false;

	while (at < n && !end) {
		uint32_t len = load_be32(d + at);

		assert_true(at + 12 + len <= n);
		assert_int_equal(load_be32(d + at + 8 + len), crc32(0, d + at + 4, len + 4));
		if (!memcmp(d + at + 4, "IDAT", 4)) {
			memcpy(to + all, d + at + 8, len);
			all += len;
		}
		end = !memcmp(d + at + 4, "IEND", 4);
		at += 12 + len;
	}
	assert_true(end);
	assert_int_equal(at, n);
	return all;
}

static void png(void **state)
{
	static uint8_t d[2 * W * H * 3], packed[2 * W * H * 3], plain[H * (1 + W * 3)];
	uLongf len = sizeof(plain);
	struct display display;
	struct screen s;
	size_t n;

	make(&display, &s, "dump.png", DUMP_PNG);
	n = get("dump.png", d, sizeof(d));
	assert_memory_equal(d,
			    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2d\0\0\0\x4d\x08\x02\0\0\0",
			    29);
	n = parts(d, n, packed);
	assert_int_equal(uncompress(plain, &len, packed, n), Z_OK);
	assert_int_equal(len, sizeof(plain));
	for (unsigned y = 0; y < H; y++) {
		assert_int_equal(plain[y * (1 + W * 3)], 0);
		for (unsigned i = 0; i < W * 3; i++)
			assert_int_equal(plain[y * (1 + W * 3) + 1 + i],
					 color(i / 3, y, i % 3));
	}
	unlink("dump.png");
}

static void nothing(void **state)
{
	struct display d = { 0 };
	struct screen s = { { DISPLAY_BLANK, 0, 0 }, 0 };
	const struct display_screen one = { "test", &ops, &s };
	struct err e = { 0 };

	assert_int_equal(display_dump(&d, "none.ppm", DUMP_PPM, &e), -ENODEV);
	assert_int_equal(display_add(&d, &one, &e), 0);
	assert_int_equal(display_dump(&d, "none.ppm", DUMP_PPM, &e), -EAGAIN);
	assert_non_null(strstr(e.msg, "test"));
	s = (struct screen){ { DISPLAY_PIXELS, W, H }, 1000 };
	assert_int_equal(display_dump(&d, "none.ppm", DUMP_PPM, &e), -EAGAIN);
	assert_int_equal(access("none.ppm", F_OK), -1);
	assert_int_equal(display_dump(&d, "/nowhere/at/all", DUMP_PPM, &e), -ENOENT);
	for (unsigned i = 1; i < DISPLAY_SCREENS; i++)
		assert_int_equal(display_add(&d, &one, &e), 0);
	assert_int_equal(display_add(&d, &one, &e), -ENOSPC);
	display_remove(&d, &s);
	assert_int_equal(d.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ppm),
		cmocka_unit_test(png),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
