/* SPDX-License-Identifier: MIT */
#include "img/codec/codec.h"

#include "base/threads.h"
#include "tests/unit/img/samples.h"
#include "tests/unit/unit.h"

enum { CLUSTER = 16384 };

static void the_pool_gives_back_what_it_got(void **state)
{
	struct codec_pool *p = NULL;
	struct codec *a = NULL, *b = NULL, *c = NULL;

	assert_int_equal(codec_pool_new(CODEC_DEFLATE, CODEC_FAST, &p, NULL), 0);
	assert_int_equal(codec_pool_get(p, &a, NULL), 0);
	assert_int_equal(codec_pool_get(p, &b, NULL), 0);
	assert_ptr_not_equal(a, b);
	codec_pool_put(p, a);
	assert_int_equal(codec_pool_get(p, &c, NULL), 0);
	assert_ptr_equal(c, a);
	codec_pool_put(p, NULL);
	codec_pool_put(p, b);
	codec_pool_put(p, c);
	codec_pool_free(p);
	codec_pool_free(NULL);
	codec_free(NULL);
}

static void unknown_kinds_are_refused(void **state)
{
	struct codec *c = NULL;
	struct err e = { 0 };

	assert_int_equal(codec_new((enum codec_kind)77, CODEC_FAST, &c, &e), -ENOTSUP);
	assert_int_equal(e.code, -ENOTSUP);
	assert_null(c);
}

struct shared {
	struct codec_pool *pool;
	enum codec_kind kind;
};

/* Item @i must come out the same whichever thread's codec is at hand. */
static int round_trip(void *arg, uint64_t i, struct err *e)
{
	struct shared *s = arg;
	uint8_t *in = malloc(CLUSTER), *out = malloc(CLUSTER), *back = malloc(CLUSTER);
	struct codec *c = NULL;
	long n;
	int r = codec_pool_get(s->pool, &c, e);

	sample_fill(in, CLUSTER, i % 2 ? SAMPLE_TEXT : SAMPLE_RECORDS, i);
	if (r == 0) {
		n = codec_compress(c, out, CLUSTER - 1, in, CLUSTER, e);
		r = n < 0 ? (int)n : codec_expand(c, back, CLUSTER, out, (size_t)n, e);
	}
	if (r == 0 && memcmp(in, back, CLUSTER))
		r = err_set(e, -EUCLEAN, "item %u differs", (unsigned)i);
	codec_pool_put(s->pool, c);
	free(in);
	free(out);
	free(back);
	return r;
}

static void threads_share_a_pool(void **state)
{
	static const enum codec_kind kinds[] = { CODEC_DEFLATE, CODEC_ZSTD };

	for (unsigned k = 0; k < 2; k++) {
		for (int level = 0; level < 2; level++) {
			struct shared s = { .kind = kinds[k] };
			struct err e = { 0 };

			assert_int_equal(codec_pool_new(kinds[k], (enum codec_level)level,
							&s.pool, &e),
					 0);
			if (threads_each(4, 200, round_trip, &s, &e))
				fail_msg("%s", e.msg);
			codec_pool_free(s.pool);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pool_gives_back_what_it_got),
		cmocka_unit_test(unknown_kinds_are_refused),
		cmocka_unit_test(threads_share_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
