/* SPDX-License-Identifier: MIT */
#include "modules/modlist.h"

#include "tests/unit/unit.h"

#include <string.h>

static void names_of_files(void **state)
{
	static const struct {
		const char *path, *name; /* NULL: none */
	} table[] = {
		{ "kernel/arch/x86/kvm/kvm-intel.ko.xz", "kvm_intel" },
		{ "tun.ko", "tun" },
		{ "/a/b/vhost_net.ko.gz", "vhost_net" },
		{ "a-b_c.ko.zst", "a_b_c" },
		{ "", NULL },
		{ "kernel/", NULL },
		{ "kernel/.ko", NULL },
		{ "kernel/tun", NULL },
		{ "kernel/tun.o", NULL },
		{ "kernel/t n.ko", NULL },
		{ "kernel/t\033n.ko", NULL },
		{ "123456789012345678901234567890123456789012345678901234567.ko", NULL },
		{ "12345678901234567890123456789012345678901234567890123456.ko",
		  "12345678901234567890123456789012345678901234567890123456" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char name[MODULE_NAME_MAX + 1];
		int r = modlist_name(table[i].path, strlen(table[i].path), name);

		if (!table[i].name)
			assert_int_equal(r, -EINVAL);
		else if (r || strcmp(name, table[i].name))
			fail_msg("%s: %d, %s", table[i].path, r, name);
	}
}

static void a_list_with_needs(void **state)
{
	static const char text[] = "kernel/kvm-intel.ko.xz: kernel/kvm.ko.xz kernel/irq.ko\n"
				   "kernel/kvm.ko.xz:   kernel/irq.ko  \r\n"
				   "kernel/irq.ko:\n";
	const struct modlist_row *row;
	struct modlist l;

	assert_int_equal(modlist_parse(text, strlen(text), &l, NULL), 0);
	assert_int_equal(l.n, 3);
	row = modlist_find(&l, "kvm_intel");
	assert_non_null(row);
	assert_string_equal(row->path, "kernel/kvm-intel.ko.xz");
	assert_string_equal(row->deps, "kernel/kvm.ko.xz kernel/irq.ko");
	assert_string_equal(modlist_find(&l, "kvm")->deps, "kernel/irq.ko");
	assert_string_equal(modlist_find(&l, "irq")->deps, "");
	assert_null(modlist_find(&l, "kvm-intel"));
	assert_null(modlist_find(&l, "kv"));
	modlist_free(&l);
	assert_null(modlist_find(&l, "kvm"));
}

static void the_first_of_two_counts(void **state)
{
	static const char text[] = "updates/tun.ko: a.ko\nkernel/net/tun.ko: b.ko\n";
	struct modlist l;

	assert_int_equal(modlist_parse(text, strlen(text), &l, NULL), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(modlist_find(&l, "tun")->path, "updates/tun.ko");
	modlist_free(&l);
}

static void rubbish_is_passed_over(void **state)
{
	static const char text[] = "\n:\n: x.ko\nno module here\n\0kernel/hidden.ko:\n"
				   "kernel/tun.ko";
	struct modlist l;

	assert_int_equal(modlist_parse(text, sizeof(text) - 1, &l, NULL), 0);
	/* behind a zero byte is nothing */
	assert_int_equal(l.n, 1);
	assert_non_null(modlist_find(&l, "tun"));
	modlist_free(&l);
	assert_int_equal(modlist_parse(NULL, 0, &l, NULL), 0);
	assert_int_equal(l.n, 0);
	modlist_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_files),
		cmocka_unit_test(a_list_with_needs),
		cmocka_unit_test(the_first_of_two_counts),
		cmocka_unit_test(rubbish_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
