/* SPDX-License-Identifier: MIT */
#include "host/boot_text.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void reading(void **state)
{
	static const struct {
		enum boot_syntax syntax;
		const char *text, *want; /* NULL: refused with @code */
		int code;
	} t[] = {
		{ BOOT_TEXT_LINE, " a  b\tc\nnext\n", "a b c", 0 },
		{ BOOT_TEXT_LINE, "", "", 0 },
		{ BOOT_TEXT_WORDS, "root=/dev/a\n ro quiet\n\n", "root=/dev/a ro quiet", 0 },
		{ BOOT_TEXT_WORDS, "# c\nro\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\n",
		  "quiet splash", 0 },
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX_DEFAULT='quiet'\nGRUB_CMDLINE_LINUX=\"a=1\" # c\n",
		  "a=1 quiet", 0 },
		{ BOOT_TEXT_GRUB, "#GRUB_CMDLINE_LINUX=\"a\"\n", NULL, -ENODATA },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\n", "", 0 },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=one\nGRUB_CMDLINE_LINUX=two;X=1\n", "two",
		  0 },
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX=\"a\"\nexport GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} b "
		  "$GRUB_CMDLINE_LINUX\"\n",
		  "a b a", 0 },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"x=\\\"a b\\\" \\\n  c\\$\"\n",
		  "x=\"a b\" c$", 0 },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX='a\\b'\n", "a\\b", 0 },
		{ BOOT_TEXT_GRUB,
		  "Y='GRUB_CMDLINE_LINUX=no'\necho \"\nGRUB_CMDLINE_LINUX=no\"\n", NULL,
		  -ENODATA },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"$OTHER\"\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX_X\"\n", NULL,
		  -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"`cat x`\"\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"$(cat x)\"\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"a\"'b'\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=a\\ b\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX+=\" a\"\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"a\" command\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"a\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "if true\nthen\nGRUB_CMDLINE_LINUX=a\nfi\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "if x; then GRUB_CMDLINE_LINUX=a; fi\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "[ x ] && GRUB_CMDLINE_LINUX=a\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "case x in\nx) GRUB_CMDLINE_LINUX=a;;\nesac\n", NULL,
		  -ENOTSUP },
		{ BOOT_TEXT_GRUB, "f() {\nGRUB_CMDLINE_LINUX=a\n}\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "cat <<E\nGRUB_CMDLINE_LINUX=a\nE\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_GRUB, "if x; then\n Y=1\nfi\nGRUB_CMDLINE_LINUX=a\n", "a", 0 },
		{ BOOT_TEXT_SYSLINUX,
		  "overwrite=1\nroot=UUID=1\ndefault_kernel_opts=\"quiet rootfstype=ext4\"\n",
		  "quiet rootfstype=ext4", 0 },
		{ BOOT_TEXT_UBOOT, "U_BOOT_PARAMETERS=\"ro\"\n", "ro", 0 },
		{ BOOT_TEXT_EXTLINUX,
		  "DEFAULT two\nLABEL one\n LINUX /a\n APPEND one=1\nlabel two\n linux /b\n"
		  "\tappend  two=1  x \n",
		  "two=1 x", 0 },
		{ BOOT_TEXT_EXTLINUX,
		  "default menu.c32\nlabel memtest\nkernel /memtest\nappend no\nlabel a\n"
		  "kernel /a\nappend yes\n",
		  "yes", 0 },
		{ BOOT_TEXT_EXTLINUX, "label a\nlinux /a\n#append x\n", NULL, -ENODATA },
		{ BOOT_TEXT_EXTLINUX, "label a\nappend x\nappend y\n", NULL, -ENOTSUP },
		{ BOOT_TEXT_LIMINE,
		  "timeout: 3\n/Tools\nprotocol: efi\ncmdline: no\n/Alpine\n    protocol: linux\n"
		  "    kernel_path: boot():/vmlinuz\n    kernel_cmdline: root=a quiet\n",
		  "root=a quiet", 0 },
		{ BOOT_TEXT_LIMINE, ":Alpine\nPROTOCOL=linux\nCMDLINE=root=a\n", "root=a", 0 },
		{ BOOT_TEXT_ENTRY, "title x\nlinux /a\noptions root=a ro\n", "root=a ro", 0 },
		{ BOOT_TEXT_ENTRY, "title x\nefi /shell.efi\n", NULL, -ENODATA },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *words = NULL;
		struct err e = { 0 };
		int r = boot_cmdline(t[i].syntax, t[i].text, strlen(t[i].text), &words, &e);

		if (r != t[i].code)
			print_error("%s -> %d %s\n", t[i].text, r, e.msg);
		assert_int_equal(r, t[i].code);
		if (t[i].want)
			assert_string_equal(words, t[i].want);
		else
			assert_true(e.msg[0] && !words);
	}
}

static void several_files(void **state)
{
	char a[] = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"x\"\n";
	char b[] = "GRUB_TIMEOUT=1\n";
	char c[] = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crash=1\"\n";
	const struct boot_source src[] = { { a, strlen(a) },
					   { b, strlen(b) },
					   { c, strlen(c) } };
	AUTO_FREE char *words = NULL;

	assert_int_equal(boot_cmdline_of_all(BOOT_TEXT_GRUB, src, 3, &words, NULL), 0);
	assert_string_equal(words, "x quiet crash=1");
}

static const struct boot_edit iommu[] = { { BOOT_SET, "intel_iommu=on", 0 },
					  { BOOT_SET, "iommu=pt", 0 } };

/* Each of these with the two words of @iommu. */
static void setting(void **state)
{
	static const struct {
		enum boot_syntax syntax;
		const char *text, *want; /* NULL: nothing to do */
	} t[] = {
		{ BOOT_TEXT_LINE, "console=tty1 root=a\n",
		  "console=tty1 root=a intel_iommu=on iommu=pt\n" },
		{ BOOT_TEXT_LINE, "a\r\nb", "a intel_iommu=on iommu=pt\r\nb" },
		{ BOOT_TEXT_LINE, "", "intel_iommu=on iommu=pt" },
		{ BOOT_TEXT_WORDS, "a\n", "a intel_iommu=on iommu=pt\n" },
		{ BOOT_TEXT_WORDS, "iommu=pt a intel-iommu=on\n", NULL },
		{ BOOT_TEXT_GRUB, "",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=on iommu=pt\"\n" },
		{ BOOT_TEXT_GRUB,
		  "# c\nX=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"  # mine\nY='2'",
		  "# c\nX=1\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt\"  # mine\n"
		  "Y='2'" },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=''\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT='intel_iommu=on iommu=pt'\n" },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt\"\n" },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\r\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=on iommu=pt\"\r\n" },
		/* in the place of what was there */
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=off  quiet\"\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=on  quiet iommu=pt\"\n" },
		/* said by the other variable */
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"\"\n",
		  NULL },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"intel_iommu=off\"\n",
		  "GRUB_CMDLINE_LINUX=\"intel_iommu=off\"\n"
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=on iommu=pt\"\n" },
		/* quotes, variables and continued lines stay */
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"x=\\\"a b\\\" $MORE \\\n  quiet \\\n\"\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"x=\\\"a b\\\" $MORE \\\n  quiet intel_iommu=on "
		  "iommu=pt \\\n\"\n" },
		/* the last assignment counts */
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\n"
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT b\"\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"a\"\n"
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT b intel_iommu=on "
		  "iommu=pt\"\n" },
		{ BOOT_TEXT_SYSLINUX, "root=a\ndefault_kernel_opts=\"quiet\"\nmodules=x\n",
		  "root=a\ndefault_kernel_opts=\"quiet intel_iommu=on iommu=pt\"\nmodules=x\n" },
		{ BOOT_TEXT_UBOOT, "#U_BOOT_PARAMETERS=\"ro\"",
		  "#U_BOOT_PARAMETERS=\"ro\"\nU_BOOT_PARAMETERS=\"intel_iommu=on iommu=pt\"\n" },
		{ BOOT_TEXT_EXTLINUX,
		  "label a\n\tlinux /a\n\tAPPEND\troot=a\nlabel b\n  linux /b\n  append\n"
		  "label memtest\n  kernel /m\n  append x\n",
		  "label a\n\tlinux /a\n\tAPPEND\troot=a intel_iommu=on iommu=pt\nlabel b\n"
		  "  linux /b\n  append intel_iommu=on iommu=pt\n"
		  "label memtest\n  kernel /m\n  append x\n" },
		{ BOOT_TEXT_LIMINE, "/A\n  cmdline: root=a\r\n/B\n  cmdline:\n",
		  "/A\n  cmdline: root=a intel_iommu=on iommu=pt\r\n/B\n"
		  "  cmdline: intel_iommu=on iommu=pt\n" },
		{ BOOT_TEXT_LIMINE, "/A\n  cmdline:   \n",
		  "/A\n  cmdline:   intel_iommu=on iommu=pt\n" },
		{ BOOT_TEXT_ENTRY, "title a\noptions root=a",
		  "title a\noptions root=a intel_iommu=on iommu=pt" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *out = NULL, *again = NULL;
		struct err e = { 0 };
		size_t len;
		int r = boot_edit(t[i].syntax, t[i].text, strlen(t[i].text), iommu, 2, &out,
				  &len, &e);

		if (r != (t[i].want != NULL))
			print_error("%s -> %d %s\n", t[i].text, r, e.msg);
		assert_int_equal(r, t[i].want != NULL);
		if (!t[i].want)
			continue;
		assert_string_equal(out, t[i].want);
		assert_int_equal(boot_edit(t[i].syntax, out, len, iommu, 2, &again, &len, &e),
				 0);
		assert_null(again);
	}
}

static void other_verbs(void **state)
{
	static const struct {
		struct boot_edit edit;
		const char *text, *want;
	} t[] = {
		{ { BOOT_ADD, "console=ttyS0", 0 },
		  "V=\"console=tty0\"",
		  "V=\"console=tty0 console=ttyS0\"" },
		{ { BOOT_ADD, "console=tty0", 0 }, "V=\"console=tty0 console=ttyS0\"", NULL },
		{ { BOOT_DROP, "quiet", 0 }, "V='a quiet b'", "V='a b'" },
		{ { BOOT_DROP, "iommu=soft", 0 }, "V=\"iommu=pt\"", NULL },
		{ { BOOT_DROP, "x", 0 }, "V=x", "V=\"\"" },
		{ { BOOT_POOL, "4", 1u << 30 },
		  "V=\"a\"",
		  "V=\"a hugepagesz=1G hugepages=4\"" },
		{ { BOOT_POOL, NULL, 1u << 30 },
		  "V=\"a hugepagesz=1G hugepages=4 b\"",
		  "V=\"a b\"" },
	};
	char text[128], want[128];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		AUTO_FREE char *out = NULL;
		size_t len;

		snprintf(text, sizeof(text), "default_kernel_opts%s\n", t[i].text + 1);
		snprintf(want, sizeof(want), "default_kernel_opts%s\n",
			 t[i].want ? t[i].want + 1 : "");
		assert_int_equal(boot_edit(BOOT_TEXT_SYSLINUX, text, strlen(text), &t[i].edit,
					   1, &out, &len, NULL),
				 t[i].want != NULL);
		if (t[i].want)
			assert_string_equal(out, want);
	}
}

/* A word goes wherever it is; a variable that is not there is not made for it. */
static void dropping_everywhere(void **state)
{
	static const char text[] = "GRUB_CMDLINE_LINUX=\"quiet a\"\n"
				   "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n";
	const struct boot_edit drop = { BOOT_DROP, "quiet", 0 };
	AUTO_FREE char *out = NULL;
	char *none;
	size_t len;

	assert_int_equal(boot_edit(BOOT_TEXT_GRUB, text, strlen(text), &drop, 1, &out, &len,
				   NULL),
			 1);
	assert_string_equal(out, "GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"\"\n");
	assert_int_equal(boot_edit(BOOT_TEXT_GRUB, "X=1\n", 4, &drop, 1, &none, &len, NULL), 0);
	assert_null(none);
}

static void refusing(void **state)
{
	static const struct {
		enum boot_syntax syntax;
		const char *text, *word;
		int code;
	} t[] = {
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\"$(x)\"\n", "a", -ENOTSUP },
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\"qui\\\net\"\n", "a", -ENOTSUP },
		{ BOOT_TEXT_GRUB, "if x; then GRUB_CMDLINE_LINUX_DEFAULT=a; fi\n", "a",
		  -ENOTSUP },
		{ BOOT_TEXT_LINE, "x=\"a b\n", "a", -ENOTSUP },
		/* what would be without effect */
		{ BOOT_TEXT_GRUB, "GRUB_CMDLINE_LINUX=\"a --\"\n", "a=1", -ENOTSUP },
		{ BOOT_TEXT_GRUB,
		  "GRUB_CMDLINE_LINUX_DEFAULT=a=2\n"
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"a=1 $GRUB_CMDLINE_LINUX_DEFAULT\"\n",
		  "a=1", -ENOTSUP },
		/* no place for a new line */
		{ BOOT_TEXT_GRUB, "f() {\n", "a", -ENOTSUP },
		{ BOOT_TEXT_GRUB, "X=1 \\", "a", -ENOTSUP },
		{ BOOT_TEXT_GRUB, "", "x=\"a b\"", -EINVAL },
		{ BOOT_TEXT_GRUB, "", "$x", -EINVAL },
		{ BOOT_TEXT_LINE, "", "a\nb", -EINVAL },
		{ BOOT_TEXT_LINE, "", "a b", -EINVAL },
		{ BOOT_TEXT_LINE, "", NULL, -EINVAL },
		{ BOOT_TEXT_EXTLINUX, "label a\nlinux /a\n", "a", -ENODATA },
		{ BOOT_TEXT_ENTRY, "options a\noptions b\n", "a", -ENOTSUP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct boot_edit edit = { BOOT_SET, t[i].word, 0 };
		struct err e = { 0 };
		size_t len;
		char *out;

		assert_int_equal(boot_edit(t[i].syntax, t[i].text, strlen(t[i].text), &edit, 1,
					   &out, &len, &e),
				 t[i].code);
		assert_true(e.msg[0] && !out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(several_files),
		cmocka_unit_test(setting),
		cmocka_unit_test(other_verbs),
		cmocka_unit_test(dropping_everywhere),
		cmocka_unit_test(refusing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
