/* SPDX-License-Identifier: MIT */
#include "modules/params.h"

#include "modules/modinfo.h"
#include "tests/unit/modules/tree.h"

static struct param of_type(const char *type)
{
	struct param p = { .name = (char *)"p", .type_text = (char *)(uintptr_t)type };

	p.type = param_type_parse(type, &p.array);
	return p;
}

/* As kernel/params.c takes them; what it takes beside is refused here, for it means less
 * than it looks like ("2" of a bool). */
static void values_against_types(void **state)
{
	static const struct {
		const char *type, *value;
		int r;
	} table[] = {
		{ "bool", "1", 0 },
		{ "bool", "Y", 0 },
		{ "bool", "off", 0 },
		{ "bool", NULL, 0 },
		{ "bool", "2", -EINVAL },
		{ "bool", "", -EINVAL },
		{ "bool", "maybe", -EINVAL },
		{ "invbool", "y", 0 },
		{ "invbool", NULL, -EINVAL },
		{ "bint", "y", 0 },
		{ "bint", NULL, 0 },
		/* what keeps kvm_amd from loading */
		{ "int", "Y", -EINVAL },
		{ "int", "1", 0 },
		{ "int", "-2147483648", 0 },
		{ "int", "-2147483649", -ERANGE },
		{ "int", "2147483647", 0 },
		{ "int", "2147483648", -ERANGE },
		{ "int", "0x7fffffff", 0 },
		{ "int", "010", 0 },
		{ "int", "08", -EINVAL },
		{ "int", "1 ", -EINVAL },
		{ "int", "", -EINVAL },
		{ "int", "-", -EINVAL },
		{ "int", NULL, -EINVAL },
		{ "uint", "-1", -ERANGE },
		{ "uint", "-0", 0 },
		{ "uint", "4294967295", 0 },
		{ "uint", "4294967296", -ERANGE },
		{ "ushort", "65535", 0 },
		{ "ushort", "65536", -ERANGE },
		{ "short", "-32768", 0 },
		{ "short", "-32769", -ERANGE },
		{ "byte", "255", 0 },
		{ "byte", "256", -ERANGE },
		{ "long", "-9223372036854775808", 0 },
		{ "long", "-9223372036854775809", -ERANGE },
		{ "long", "9223372036854775808", -ERANGE },
		{ "ulong", "18446744073709551615", 0 },
		{ "ulong", "18446744073709551616", -ERANGE },
		{ "ullong", "0xffffffffffffffff", 0 },
		{ "hexint", "0xdeadbeef", 0 },
		{ "charp", "any text", 0 },
		{ "charp", "", 0 },
		{ "array of int", "1,2,-3", 0 },
		{ "array of int", "1,,3", -EINVAL },
		{ "array of int", "1,x", -EINVAL },
		{ "array of bool", "y,n,1", 0 },
		{ "", "any", 0 },
		{ "copybreak", "any", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct param p = of_type(table[i].type);
		struct err e = { 0 };
		int r = param_check(&p, table[i].value, &e);

		if (r != table[i].r || e.code != r)
			fail_msg("%s %s: %d %s", table[i].type,
				 table[i].value ? table[i].value : "(none)", r, e.msg);
	}
}

static void values_that_are_the_same(void **state)
{
	static const struct {
		const char *type, *a, *b;
		bool same;
	} table[] = {
		{ "bool", "1", "Y", true },
		{ "bool", "on", "y", true },
		{ "bool", "0", "N", true },
		{ "bool", "0", "Y", false },
		{ "bool", NULL, "Y", true },
		{ "bool", NULL, NULL, true },
		{ "bool", "2", "2", false },
		{ "int", "16", "0x10", true },
		{ "int", "16", "020", true },
		{ "int", "-1", "1", false },
		{ "int", "-0", "0", true },
		{ "int", "1", "Y", false },
		{ "int", NULL, "1", false },
		{ "charp", "a", "a", true },
		{ "charp", "1", "01", false },
		{ "array of int", "1,2", "0x1,2", true },
		{ "array of int", "1,2", "1", false },
		{ "array of int", "1", "1,2", false },
		{ "", "x", "x", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct param p = of_type(table[i].type);

		if (param_same(&p, table[i].a, table[i].b) != table[i].same ||
		    param_same(&p, table[i].b, table[i].a) != table[i].same)
			fail_msg("%s: %s, %s", table[i].type, table[i].a, table[i].b);
	}
}

static void declared_and_live(void **state)
{
	struct world *w = *state;
	AUTO_PARAMS struct params p = { 0 };
	const struct param *v;

	world_record(&w->t);
	tree_file(&w->t, "/sys/module/halt/parameters/force", "Y\n");
	tree_file(&w->t, "/sys/module/halt/parameters/secret", "x\n");
	assert_int_equal(chmod(tree_path(&w->t, "/sys/module/halt/parameters/secret"), 0200),
			 0);
	world_open(w);
	assert_int_equal(params_get(w->m, "halt", &p, NULL), 0);
	assert_true(p.complete);
	assert_int_equal(p.n, 4);
	v = params_find(&p, "force");
	assert_non_null(v);
	assert_int_equal(v->type, PARAM_BOOL);
	assert_string_equal(v->value, "Y");
	assert_string_equal(v->about, "Do it");
	v = params_find(&p, "nr");
	assert_int_equal(v->type, PARAM_INT);
	assert_null(v->value);
	assert_false(v->in_sysfs);
	v = params_find(&p, "list");
	assert_true(v->array && v->type == PARAM_BYTE);
	v = params_find(&p, "secret");
	assert_true(v->in_sysfs && !v->value && v->type == PARAM_OTHER);
	assert_null(params_find(&p, "x"));
}

static void unknown_names_are_found(void **state)
{
	struct world *w = *state;
	AUTO_PARAMS struct params p = { 0 }, none = { 0 };
	struct err e = { 0 };

	world_record(&w->t);
	world_open(w);
	assert_int_equal(params_get(w->m, "halt", &p, NULL), 0);
	assert_int_equal(params_check(&p, "halt", "force", "1", &e), 0);
	assert_int_equal(params_check(&p, "halt", "force", "7", &e), -EINVAL);
	assert_int_equal(params_check(&p, "halt", "forse", "1", &e), -EINVAL);
	assert_true(strstr(e.msg, "force, list, nr") != NULL);
	/* its file is not there, so nobody can say */
	assert_int_equal(params_get(w->m, "tun", &none, NULL), 0);
	assert_false(none.complete);
	assert_int_equal(params_check(&none, "tun", "anything", "1", &e), 0);
	assert_int_equal(params_get(w->m, "nonesuch", &none, &e), -ENOENT);
}

/* libkmod must not be led out of the root, nor wait for ever. */
static void files_that_are_no_modules(void **state)
{
	struct world *w = *state;
	AUTO_MODULE struct module mod = { 0 };
	struct modinfo info;
	struct err e = { 0 };

	world_lists(&w->t);
	tree_file(&w->t, MODDIR "/kernel/drivers/net/tun.ko", "\177ELF\2\1\1 rubbish");
	tree_parents(&w->t, MODDIR "/kernel/drivers/vhost/vhost.ko");
	assert_int_equal(mkfifo(tree_path(&w->t, MODDIR "/kernel/drivers/vhost/vhost.ko"),
				0600),
			 0);
	tree_link(&w->t, MODDIR "/kernel/virt/lib/irqbypass.ko", "/etc/passwd");
	world_open(w);
	assert_int_equal(module_get(w->m, "tun", &mod, NULL), 0);
	assert_true(modinfo_read(w->m, &mod, &info, &e) < 0);
	module_free(&mod);
	assert_int_equal(module_get(w->m, "vhost", &mod, NULL), 0);
	assert_int_equal(modinfo_read(w->m, &mod, &info, &e), -EUCLEAN);
	module_free(&mod);
	assert_int_equal(module_get(w->m, "irqbypass", &mod, NULL), 0);
	assert_int_equal(modinfo_read(w->m, &mod, &info, &e), -ENOENT);
}

static void strings_of_builtin_modules(void **state)
{
	static const char text[] =
		"a.b=c\0kvm-x.parm=n:=.=\0nodot=1\0kvm_x.=v\0.x=y\0kvm_x.last=";
	struct modinfo info;

	assert_int_equal(modinfo_parse_builtin(text, sizeof(text) - 1, "kvm_x", &info, NULL),
			 0);
	assert_int_equal(info.n, 3);
	assert_string_equal(info.v[0].key, "parm");
	assert_string_equal(info.v[0].value, "n:=.=");
	assert_string_equal(info.v[1].key, "");
	assert_string_equal(info.v[2].key, "last");
	assert_string_equal(info.v[2].value, "");
	modinfo_free(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_against_types),
		cmocka_unit_test(values_that_are_the_same),
		world_test(declared_and_live),
		world_test(unknown_names_are_found),
		world_test(files_that_are_no_modules),
		cmocka_unit_test(strings_of_builtin_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
