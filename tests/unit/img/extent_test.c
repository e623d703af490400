/* SPDX-License-Identifier: MIT */
#include "tests/lib/memblk.h"
#include "tests/unit/unit.h"

enum { UNIT = 1024 };

/* A node whose map is a string, a letter for each UNIT: '.' nothing of its own, 'd' data,
 * 'z' zero, 'r' data that the file may know to be zero, 'o' a place without data. */
struct mapped {
	struct blk blk;
	const char *map;
};

static int mapped_pread(struct blk *b, void *buf, size_t len, uint64_t off, struct err *e)
{
	return err_set(e, -EIO, "not to be read");
}

static int mapped_extent(struct blk *b, uint64_t off, uint64_t max, struct blk_extent *out,
			 struct err *e)
{
	const char *map = ((struct mapped *)b)->map;
	uint64_t i = off / UNIT, n = i;

	while (map[n] == map[i])
		n++;
	out->len = n * UNIT - off; /* may well be more than asked */
	out->file = b->child;
	out->host_off = off;
	switch (map[i]) {
	case 'd':
		out->flags = BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET;
		break;
	case 'r':
		out->flags =
			BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET | BLK_EXT_RECURSE;
		break;
	case 'z':
		out->flags = BLK_EXT_ZERO | BLK_EXT_ALLOCATED;
		break;
	case 'o':
		out->flags = BLK_EXT_OFFSET;
		break;
	case '!':
		return err_set(e, -EUCLEAN, "bad map");
	}
	return 0;
}

static int mapped_close(struct blk *b, struct err *e)
{
	blk_fini(b);
	free(b);
	return 0;
}

static const struct blk_ops mapped_ops = {
	.name = "mapped",
	.parallel = true,
	.pread = mapped_pread,
	.extent = mapped_extent,
	.close = mapped_close,
};

static struct blk *mapped_new(const char *map, struct blk *backing)
{
	struct mapped *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(blk_init(&m->blk, &mapped_ops, "m.img", 0, NULL), 0);
	m->map = map;
	m->blk.size = strlen(map) * UNIT;
	m->blk.backing = backing;
	return &m->blk;
}

/* The whole map from the top, as "<letter><depth>*<units> ..." */
static void story(struct blk *b, const struct blk *base, char *out)
{
	uint64_t off = 0;

	while (off < b->size) {
		struct blk_extent x;
		unsigned depth;
		char kind = '.';

		assert_int_equal(blk_extent_above(b, base, off, b->size - off, &x, &depth,
						  NULL),
				 0);
		if (x.flags & BLK_EXT_DATA)
			kind = x.flags & BLK_EXT_ZERO ? 'Z' : 'd';
		else if (x.flags & BLK_EXT_ZERO)
			kind = x.flags & BLK_EXT_ALLOCATED ? 'z' : '0';
		out += sprintf(out, "%c%u*%u ", kind, depth, (unsigned)(x.len / UNIT));
		off += x.len;
	}
}

static void one_node(void **state)
{
	struct blk *b = mapped_new("dd..zo", NULL);
	struct blk_extent x;

	assert_int_equal(blk_extent(b, 0, 100, &x, NULL), 0);
	assert_int_equal(x.len, 100);
	assert_int_equal(blk_extent(b, 0, 100 * UNIT, &x, NULL), 0);
	assert_int_equal(x.len, 2 * UNIT);
	assert_int_equal(x.flags, BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET);
	assert_int_equal(blk_extent(b, 2 * UNIT + 1, UINT64_MAX, &x, NULL), 0);
	assert_int_equal(x.len, 2 * UNIT - 1);
	assert_int_equal(x.flags, BLK_EXT_ZERO);
	assert_int_equal(blk_extent(b, 5 * UNIT, UNIT, &x, NULL), 0);
	/* the place kept is shown, but it holds nothing */
	assert_int_equal(x.flags, BLK_EXT_ZERO | BLK_EXT_OFFSET);
	assert_int_equal(blk_extent(b, 6 * UNIT, 1, &x, NULL), -EINVAL);
	assert_int_equal(blk_extent(b, 0, 0, &x, NULL), -EINVAL);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void a_node_without_a_map_is_all_data(void **state)
{
	struct blk *b = memblk_new(NULL, 5000);
	struct blk_extent x;

	assert_int_equal(blk_extent(b, 1000, 100000, &x, NULL), 0);
	assert_int_equal(x.len, 4000);
	assert_int_equal(x.flags, BLK_EXT_DATA | BLK_EXT_ALLOCATED | BLK_EXT_OFFSET);
	assert_ptr_equal(x.file, b);
	assert_int_equal(x.host_off, 1000);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void through_a_chain(void **state)
{
	struct blk *base = mapped_new("ddddzzzz....", NULL);
	struct blk *mid = mapped_new("..dd..zz..o.", base);
	struct blk *top = mapped_new("d.......d...", mid);
	char text[256];

	story(top, NULL, text);
	assert_string_equal(text, "d0*1 d2*1 d1*2 z2*2 z1*2 d0*1 02*1 02*1 02*1 ");
	story(top, base, text);
	assert_string_equal(text, "d0*1 .2*1 d1*2 .2*2 z1*2 d0*1 .2*1 .2*1 .2*1 ");
	story(top, mid, text);
	assert_string_equal(text, "d0*1 .1*7 d0*1 .1*3 ");
	assert_int_equal(blk_close(top, NULL), 0);
}

/* Past the end of a short image in the middle there are zeroes, not what lies below. */
static void a_short_image_in_the_chain(void **state)
{
	struct blk *base = mapped_new("dddddddd", NULL);
	struct blk *mid = mapped_new("d..", base);
	struct blk *top = mapped_new("......d.", mid);
	char text[256];

	story(top, NULL, text);
	assert_string_equal(text, "d1*1 d2*2 00*3 d0*1 00*1 ");
	story(top, base, text);
	assert_string_equal(text, "d1*1 .2*2 00*3 d0*1 00*1 ");
	/* ... but what a base has is not looked at */
	story(top, mid, text);
	assert_string_equal(text, ".1*6 d0*1 .1*1 ");
	assert_int_equal(blk_close(top, NULL), 0);
}

static void the_file_knows_more(void **state)
{
	struct blk *b = mapped_new("rrrrrrdd", NULL);
	struct blk_extent x;
	char text[256];

	b->child = mapped_new("dzzd.", NULL);
	story(b, NULL, text);
	assert_string_equal(text, "d0*1 Z0*2 d0*1 Z0*1 Z0*1 d0*2 ");
	assert_int_equal(blk_extent(b, 0, UNIT, &x, NULL), 0);
	assert_false(x.flags & BLK_EXT_RECURSE);
	assert_int_equal(blk_close(b, NULL), 0);
}

static void failures_come_through(void **state)
{
	struct blk *b = mapped_new("r", mapped_new("!", NULL));
	struct blk_extent x = { .len = 77 };

	b->child = mapped_new("!", NULL);
	assert_int_equal(blk_extent(b, 0, 1, &x, NULL), -EUCLEAN);
	assert_int_equal(x.len, 77);
	((struct mapped *)b)->map = ".";
	assert_int_equal(blk_extent_above(b, NULL, 0, 1, &x, NULL, NULL), -EUCLEAN);
	assert_int_equal(x.len, 77);
	assert_int_equal(blk_close(b, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_node),
		cmocka_unit_test(a_node_without_a_map_is_all_data),
		cmocka_unit_test(through_a_chain),
		cmocka_unit_test(a_short_image_in_the_chain),
		cmocka_unit_test(the_file_knows_more),
		cmocka_unit_test(failures_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
