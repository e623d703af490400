/* SPDX-License-Identifier: MIT */
#include "modules/persist.h"

#include "tests/unit/modules/tree.h"

struct add {
	const char *old, *module, *fresh; /* NULL: nothing to do */
};

static void check(enum persist_form form, const struct add *a)
{
	char *fresh;
	int r = persist_add(a->old, form, a->module, &fresh, NULL);

	assert_int_equal(r, a->fresh != NULL);
	if (!a->fresh) {
		assert_null(fresh);
		return;
	}
	assert_string_equal(fresh, a->fresh);
	/* and then there is nothing more to do */
	assert_true(persist_has(fresh, form, a->module));
	{
		char *again;

		assert_int_equal(persist_add(fresh, form, a->module, &again, NULL), 0);
	}
	free(fresh);
}

static void lists_of_lines(void **state)
{
	static const struct add table[] = {
		{ NULL, "tun", "tun\n" },
		{ "", "tun", "tun\n" },
		{ "loop\n", "tun", "loop\ntun\n" },
		/* without an end of line, and one that is only nearly it */
		{ "loop", "tun", "loop\ntun\n" },
		{ "tunnel4\nip_tun\n", "tun", "tunnel4\nip_tun\ntun\n" },
		{ "#tun\n; tun\n", "tun", "#tun\n; tun\ntun\n" },
		{ "tun\n", "tun", NULL },
		{ "  tun\t# for guests\n", "tun", NULL },
		{ "vhost-net experimental=1\n", "vhost_net", NULL },
		{ "a\r\nb\r\n", "tun", "a\r\nb\r\ntun\r\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(PERSIST_LINES, &table[i]);
}

static void the_file_of_openrc(void **state)
{
	static const struct add table[] = {
		{ NULL, "tun", "modules=\"${modules} tun\"\n" },
		{ "# none\n", "tun", "# none\nmodules=\"${modules} tun\"\n" },
		{ "modules=\"loop\"\n", "tun", "modules=\"loop tun\"\n" },
		{ "modules=\"\"\n", "tun", "modules=\"tun\"\n" },
		{ "modules='a b'\n", "tun", "modules='a b tun'\n" },
		{ "modules=\"a tun b\"\n", "tun", NULL },
		{ "#modules=\"tun\"\n", "tun",
		  "#modules=\"tun\"\nmodules=\"${modules} tun\"\n" },
		/* the last one counts, and what a shell would make of this one is its affair */
		{ "modules=\"a\"\nmodules=\"b\"\n", "tun",
		  "modules=\"a\"\nmodules=\"b tun\"\n" },
		{ "modules=\"`x`\"\n", "tun", "modules=\"`x`\"\nmodules=\"${modules} tun\"\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(PERSIST_CONFD, &table[i]);
}

static void bad_names(void **state)
{
	char *fresh;

	assert_int_equal(persist_add("", PERSIST_LINES, "a b", &fresh, NULL), -EINVAL);
	assert_int_equal(persist_add("", PERSIST_CONFD, "a\";reboot;\"", &fresh, NULL),
			 -EINVAL);
}

/* What would be added stood inside of somebody's quotes. */
static void a_list_that_is_broken(void **state)
{
	struct err e = { 0 };
	char *fresh;

	assert_int_equal(persist_add("args=\"a\n", PERSIST_CONFD, "tun", &fresh, &e), -EUCLEAN);
	assert_null(fresh);
}

static void places(void **state)
{
	static const struct {
		const char *release, *path;
	} table[] = {
		{ "ID=alpine\n", "/etc/modules" },
		{ "ID=debian\n", "/etc/modules" },
		{ "ID=raspbian\nID_LIKE=debian\n", "/etc/modules" },
		{ "ID=gentoo\n", "/etc/conf.d/modules" },
		{ "ID=fedora\n", "/etc/modules-load.d/hostkit.conf" },
	};
	struct world *w = *state;

	tree_dir(&w->t, "/etc");
	world_open(w);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct persist_place p;

		tree_file(&w->t, "/etc/os-release", table[i].release);
		assert_int_equal(persist_place(w->h, &p, NULL), 0);
		assert_string_equal(p.path, table[i].path);
	}
}

static void where_it_is_listed(void **state)
{
	struct world *w = *state;
	char path[96] = "";

	tree_file(&w->t, "/etc/modules", "loop\n");
	tree_file(&w->t, "/usr/lib/modules-load.d/libvirt.conf", "tun\n");
	world_open(w);
	assert_int_equal(persist_find(w->h, "loop", path, sizeof(path), NULL), 1);
	assert_string_equal(path, "/etc/modules");
	assert_int_equal(persist_find(w->h, "tun", path, sizeof(path), NULL), 1);
	assert_string_equal(path, "/usr/lib/modules-load.d/libvirt.conf");
	assert_int_equal(persist_find(w->h, "vhost_net", path, sizeof(path), NULL), 0);
}

static void options_of_our_own(void **state)
{
	static const struct {
		const char *old, *name, *value, *fresh;
	} table[] = {
		{ NULL, "nested", "1",
		  "# Options of kvm_amd, by hostkit.\noptions kvm_amd nested=1\n" },
		{ "options kvm_amd nested=1\n", "nested", "1", NULL },
		{ "options kvm-amd nested=0 avic=1\n", "nested", "1",
		  "options kvm_amd avic=1 nested=1\n" },
		/* of two lines one is made, where the first stood; what is not ours stays */
		{ "# mine\noptions kvm_amd avic=0\noptions kvm nx=1\noptions kvm_amd avic=1\n",
		  "nested", "1",
		  "# mine\noptions kvm_amd avic=1 nested=1\noptions kvm nx=1\n" },
		{ "options kvm_amd \\\n  avic=1\n# end", "nested", "0",
		  "options kvm_amd avic=1 nested=0\n# end" },
		{ "options kvm nx=1", "nested", "1",
		  "options kvm nx=1\noptions kvm_amd nested=1\n" },
		{ "options kvm_amd_x a=1\n", "nested", "1",
		  "options kvm_amd_x a=1\noptions kvm_amd nested=1\n" },
		/* a line that goes on behind the end would swallow ours */
		{ "options kvm a=1 \\\n", "nested", "1",
		  "options kvm a=1 \\\n\noptions kvm_amd nested=1\n" },
		{ "options kvm a=1 \\", "nested", "1",
		  "options kvm a=1 \\\n\noptions kvm_amd nested=1\n" },
		{ "", "dyndbg", "+p -f",
		  "# Options of kvm_amd, by hostkit.\n"
		  "options kvm_amd dyndbg=\"+p -f\"\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct persist_option o = { table[i].name, table[i].value };
		char *fresh, *again;
		int r = persist_options(table[i].old, "kvm-amd", &o, 1, &fresh, NULL);

		assert_int_equal(r, table[i].fresh != NULL);
		if (!table[i].fresh)
			continue;
		assert_string_equal(fresh, table[i].fresh);
		assert_int_equal(persist_options(fresh, "kvm_amd", &o, 1, &again, NULL), 0);
		free(fresh);
	}
}

static void options_that_cannot_be_written(void **state)
{
	static const struct persist_option bad[] = {
		{ "", "1" },   { "a b", "1" }, { "a=b", "1" }, { "a", "1\ninstall x y" },
		{ "a", "\"" }, { "a", "\\" },  { "a", "" },
	};
	char *fresh;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(persist_options(NULL, "kvm", &bad[i], 1, &fresh, NULL),
				 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_lines),
		cmocka_unit_test(the_file_of_openrc),
		cmocka_unit_test(bad_names),
		cmocka_unit_test(a_list_that_is_broken),
		world_test(places),
		world_test(where_it_is_listed),
		cmocka_unit_test(options_of_our_own),
		cmocka_unit_test(options_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
