/* SPDX-License-Identifier: MIT */
#include "host/cmdline.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void words_and_their_parts(void **state)
{
	const char *text = " root=/dev/a  quiet x=\"a b\" \"y=c d\" =z -- rest";
	struct span s = { text, strlen(text) };
	struct cmdline_word w;

	assert_true(cmdline_next(&s, &w));
	assert_true(span_is(w.name, "root") && span_is(w.value, "/dev/a") && w.has_value);
	assert_true(cmdline_next(&s, &w));
	assert_true(span_is(w.name, "quiet") && !w.has_value && !w.value.len);
	assert_true(cmdline_next(&s, &w));
	assert_true(span_is(w.raw, "x=\"a b\"") && span_is(w.value, "a b"));
	assert_true(cmdline_next(&s, &w));
	assert_true(span_is(w.name, "y") && span_is(w.value, "c d"));
	assert_true(cmdline_next(&s, &w));
	assert_true(span_is(w.name, "=z") && !w.has_value);
	/* the rest is init's */
	assert_false(cmdline_next(&s, &w));
}

static void asking(void **state)
{
	const char *text = "iommu=soft intel-iommu=on quiet iommu=pt kvm_intel.nested=1 "
			   "long=0123456789 -- iommu=off psi=1";
	char buf[8];

	assert_true(cmdline_has(text, "iommu=soft"));
	assert_true(cmdline_has(text, "iommu=pt"));
	assert_true(cmdline_has(text, "intel_iommu=on"));
	assert_false(cmdline_has(text, "iommu"));
	assert_false(cmdline_has(text, "psi=1"));
	assert_true(cmdline_effective(text, "iommu=pt"));
	assert_false(cmdline_effective(text, "iommu=soft"));
	assert_true(cmdline_effective(text, "quiet"));
	assert_int_equal(cmdline_get(text, "iommu", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "pt");
	assert_int_equal(cmdline_get(text, "quiet", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(cmdline_get(text, "quie", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(cmdline_get(text, "long", buf, sizeof(buf)), -ERANGE);
	assert_int_equal(cmdline_param(text, "kvm-intel", "nested", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "1");
	assert_int_equal(cmdline_param(text, "kvm", "nested", buf, sizeof(buf)), -ENOENT);
}

/* What an edit makes of a text. */
#define makes(call, want)                        \
	do {                                     \
		char *out_ = NULL;               \
		assert_int_equal((call), 0);     \
		assert_non_null(out_);           \
		assert_string_equal(out_, want); \
		free(out_);                      \
	} while (0)

static void adding(void **state)
{
	makes(cmdline_add("", "psi=1", &out_, NULL), "psi=1");
	makes(cmdline_add("a  b", "psi=1", &out_, NULL), "a  b psi=1");
	makes(cmdline_add("a b\n", "psi=1", &out_, NULL), "a b psi=1\n");
	makes(cmdline_add("a -- b", "psi=1", &out_, NULL), "a psi=1 -- b");
	makes(cmdline_add("-- b", "psi=1", &out_, NULL), "psi=1 -- b");
	makes(cmdline_add("psi=1 a", "psi=1", &out_, NULL), "psi=1 a");
	makes(cmdline_add("console=tty0", "console=ttyS0,115200", &out_, NULL),
	      "console=tty0 console=ttyS0,115200");
}

static void setting(void **state)
{
	makes(cmdline_set("a iommu=soft b", "iommu=pt", &out_, NULL), "a iommu=pt b");
	makes(cmdline_set("iommu=a x iommu=b", "iommu=a", &out_, NULL), "iommu=a x iommu=a");
	makes(cmdline_set("x=\"q r\"  y", "y=2", &out_, NULL), "x=\"q r\"  y=2");
	makes(cmdline_set("intel-iommu=on", "intel_iommu=on", &out_, NULL), "intel-iommu=on");
	makes(cmdline_set("a", "b=\"c d\"", &out_, NULL), "a b=\"c d\"");
}

static void removing(void **state)
{
	makes(cmdline_remove("a b c", "b", &out_, NULL), "a c");
	makes(cmdline_remove("b a b=1 b", "b", &out_, NULL), "a");
	makes(cmdline_remove("a b=1 b=2 c", "b=1", &out_, NULL), "a b=2 c");
	makes(cmdline_remove("a=\"b b\"  b", "b", &out_, NULL), "a=\"b b\"");
	makes(cmdline_remove("b", "b", &out_, NULL), "");
	makes(cmdline_remove("b\n", "b", &out_, NULL), "\n");
	makes(cmdline_remove("a -- b", "b", &out_, NULL), "a -- b");
}

static void what_is_no_word(void **state)
{
	static const char *const bad[] = { "",   " ",  "a b",   " a",
					   "a ", "--", "a=\"b", "a=\"b\nc\"" };
	struct err e = { 0 };
	char *out = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(cmdline_add("x", bad[i], &out, &e), -EINVAL);
		assert_int_equal(cmdline_set("x", bad[i], &out, &e), -EINVAL);
		assert_int_equal(cmdline_remove("x", bad[i], &out, &e), -EINVAL);
		assert_false(cmdline_has("x", bad[i]));
	}
	/* a new word would become part of the open one */
	assert_int_equal(cmdline_add("a=\"b", "c", &out, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "not closed"));
	assert_null(out);
}

static void pools(void **state)
{
	struct cmdline_pools p;

	assert_int_equal(cmdline_pools("hugepages=8 hugepagesz=1G hugepages=4 x "
				       "hugepagesz=2M hugepages=0:2,1:3 hugepagesz=1G "
				       "hugepages=9",
				       &p, NULL),
			 0);
	assert_int_equal(p.n, 3);
	assert_true(p.v[0].size == 0 && p.v[0].count == 8 && !p.v[0].per_node);
	assert_true(p.v[1].size == 1ull << 30 && p.v[1].count == 4);
	assert_true(p.v[2].size == 2u << 20 && p.v[2].count == 5 && p.v[2].per_node);
	assert_string_equal(p.v[2].text, "0:2,1:3");
	assert_int_equal(p.default_size, 0);

	assert_int_equal(cmdline_pools("hugepages=8 default_hugepagesz=1G", &p, NULL), 0);
	assert_true(p.n == 1 && p.v[0].size == 1ull << 30 && p.default_size == 1ull << 30);
	assert_int_equal(cmdline_pools("default_hugepagesz=1G hugepages=8", &p, NULL), 0);
	assert_true(p.n == 1 && p.v[0].size == 1ull << 30 && p.v[0].count == 8);
	assert_int_equal(cmdline_pools("hugepages=1 hugepages=2", &p, NULL), 0);
	assert_true(p.n == 1 && p.v[0].count == 1);
}

static void pools_the_kernel_refuses(void **state)
{
	struct cmdline_pools p;

	assert_int_equal(cmdline_pools("hugepagesz=3M hugepages=4 hugepagesz=2M hugepages=x "
				       "hugepagesz=1G hugepages=1:2,3",
				       &p, NULL),
			 0);
	assert_int_equal(p.n, 3);
	assert_true(p.v[0].bad && p.v[1].bad && p.v[2].bad);
	assert_int_equal(cmdline_pools("hugepagesz=1K hugepages=1 hugepagesz=2K hugepages=1 "
				       "hugepagesz=4K hugepages=1 hugepagesz=8K hugepages=1 "
				       "hugepagesz=16K hugepages=1 hugepagesz=32K hugepages=1 "
				       "hugepagesz=64K hugepages=1 hugepagesz=1M hugepages=1 "
				       "hugepagesz=2M hugepages=1",
				       &p, NULL),
			 -E2BIG);
}

static void setting_pools(void **state)
{
	const uint64_t G = 1ull << 30, M2 = 2u << 20;

	makes(cmdline_set_pool("quiet", G, "4", &out_, NULL),
	      "quiet hugepagesz=1G hugepages=4");
	makes(cmdline_set_pool("a -- b", M2, "4", &out_, NULL),
	      "a hugepagesz=2M hugepages=4 -- b");
	makes(cmdline_set_pool("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=8 x", G, "5",
			       &out_, NULL),
	      "hugepagesz=1G hugepages=5 hugepagesz=2M hugepages=8 x");
	makes(cmdline_set_pool("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=8 x", G, NULL,
			       &out_, NULL),
	      "hugepagesz=2M hugepages=8 x");
	makes(cmdline_set_pool("hugepagesz=1G x", G, "0:1,1:2", &out_, NULL),
	      "hugepagesz=1G hugepages=0:1,1:2 x");
	makes(cmdline_set_pool("quiet", 0, "64", &out_, NULL), "hugepages=64 quiet");
	makes(cmdline_set_pool("hugepages=3 hugepagesz=1G hugepages=4", 0, "64", &out_, NULL),
	      "hugepages=64 hugepagesz=1G hugepages=4");
	makes(cmdline_set_pool("hugepages=3 hugepagesz=1G hugepages=4", 0, NULL, &out_, NULL),
	      "hugepagesz=1G hugepages=4");
	makes(cmdline_set_pool("default_hugepagesz=1G hugepages=3", G, "4", &out_, NULL),
	      "default_hugepagesz=1G hugepages=4");
	makes(cmdline_set_pool("hugepages=2 default_hugepagesz=1G", 0, "4", &out_, NULL),
	      "hugepages=4 default_hugepagesz=1G");
	makes(cmdline_set_pool("default_hugepagesz=1G hugepages=3 a", G, NULL, &out_, NULL),
	      "default_hugepagesz=1G a");
}

static void pools_that_make_no_sense(void **state)
{
	struct err e = { 0 };
	char *out = NULL;

	assert_int_equal(cmdline_set_pool("a", 3u << 20, "4", &out, &e), -EINVAL);
	assert_int_equal(cmdline_set_pool("a", 2u << 20, "4 b", &out, &e), -EINVAL);
	assert_int_equal(cmdline_set_pool("a", 2u << 20, "", &out, &e), -EINVAL);
	assert_int_equal(cmdline_set_pool("a", 2u << 20, "-1", &out, &e), -EINVAL);
	assert_int_equal(cmdline_set_pool("hugepagesz=2M\"", 2u << 20, "4", &out, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "not closed"));
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_their_parts),
		cmocka_unit_test(asking),
		cmocka_unit_test(adding),
		cmocka_unit_test(setting),
		cmocka_unit_test(removing),
		cmocka_unit_test(what_is_no_word),
		cmocka_unit_test(pools),
		cmocka_unit_test(pools_the_kernel_refuses),
		cmocka_unit_test(setting_pools),
		cmocka_unit_test(pools_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
