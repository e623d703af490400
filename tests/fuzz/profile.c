/* SPDX-License-Identifier: MIT */
/* Profiles: of any text either a fault with words, or values that can go into a shell's file
 * and onto a command line. */
#include "tune/profile.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static void harmless(const char *s)
{
	if (s)
		must(*s && !strpbrk(s, "\"'`$\\;&|<>(){}*?[]!~# \t\r\n") && *s != '-');
}

static void all_harmless(const struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		harmless(n->v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct profile *p = NULL;
	struct err e = { 0 };
	unsigned count;

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	int r = profile_parse("x.ini", text, &p, &e);
	must((r == 0) == (p != NULL));
	must(r == 0 || (e.code == r && !strncmp(e.msg, "x.ini:", 6)));
	if (p) {
		harmless(p->kvm_module);
		harmless(p->huge_mount);
		harmless(p->huge_group);
		harmless(p->thp);
		harmless(p->governor);
		all_harmless(&p->bridges);
		all_harmless(&p->users);
		all_harmless(&p->vfio);
		all_harmless(&p->cmdline);
		all_harmless(&p->pkg_any);
		all_harmless(&p->pkg_alpine);
		all_harmless(&p->pkg_debian);
		for (size_t i = 0; i < p->n_sysctls; i++) {
			harmless(p->sysctls[i].name);
			must(!strpbrk(p->sysctls[i].value, "\"'`$\\;\r\n"));
		}
		for (size_t i = 0; i < p->n_guests; i++)
			must(p->guests[i].count && p->guests[i].bytes);
		must(p->huge != WISH_YES || p->huge_count || p->n_guests);
		must(!(p->huge_page & (p->huge_page - 1)));
		profile_guest_bytes(p, &count);
		profile_free(p);
	}
	free(text);
	return 0;
}
