/* SPDX-License-Identifier: MIT */
/*
 * The small texts of /proc, /sys and /etc, each by its own reader.  The first byte says which:
 * lists of numbers, choices, meminfo, os-release, limits, control groups, access lists, EFI
 * variables, and the cleaner of records.
 */
#include "host/access.h"
#include "host/cgroup.h"
#include "host/choice.h"
#include "host/cpulist.h"
#include "host/limits.h"
#include "host/memory.h"
#include "host/os_release.h"
#include "host/recorder/clean.h"
#include "host/security.h"
#include "host/sysattr.h"
#include "tests/lib/fuzz.h"

#include <errno.h>
#include <string.h>

static void is_text(const char *s)
{
	for (; *s; s++)
		must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void lists(const char *text, size_t len)
{
	struct cpulist l;
	struct err e = { 0 };
	int r = cpulist_parse(text, len, &l, &e);

	must(r == 0 || ((r == -EINVAL || r == -E2BIG) && e.code == r));
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		must(l.v[i].first <= l.v[i].last);
		/* ascending, and not even touching */
		must(i == 0 || l.v[i].first > l.v[i - 1].last + 1);
		must(cpulist_has(&l, l.v[i].first) && cpulist_has(&l, l.v[i].last));
	}
	must(r < 0 || (cpulist_within(&l, &l) && cpulist_count(&l) >= l.n));
}

static void choices(const char *text, size_t len)
{
	struct choice c;
	int r = choice_parse(text, len, &c, NULL);
	bool smt;
	char *line = strndup(text, len);

	must(r == 0 || r == -EINVAL);
	if (r == 0) {
		is_text(c.active);
		is_text(c.all);
		must(c.all[0] &&
		     (!c.active[0] || strchr(c.active, ' ') || choice_offers(&c, c.active)));
	}
	must(line && sysattr_flaw(line, &smt) <= FLAW_VULNERABLE);
	free(line);
}

static void memory(const char *text, size_t len)
{
	struct memory_node n = { 0 };
	struct memory_swaps s;
	struct memory m;

	must(memory_parse(text, len, &m, NULL) == 0 || !m.total);
	must(memory_node_parse(text, len, &n, NULL) == 0 || !n.total);
	must(memory_swaps_parse(text, len, &s) == 0 && s.n <= 16);
	for (size_t i = 0; i < s.n; i++)
		is_text(s.v[i].path);
}

static void release(const char *text, size_t len)
{
	struct os_release o;

	os_release_parse(text, len, &o);
	must(o.id[0] && os_release_like(&o, o.id));
	is_text(o.id);
	is_text(o.id_like);
	is_text(o.version_id);
	is_text(o.pretty_name);
}

static void limits(const char *text, size_t len)
{
	static const char passwd[] = "alice:x:1000:34::/:\n", group[] = "kvm:x:34:\n";
	struct limit_rows rows = { 0 };
	struct users u = { 0 };
	struct limit l;

	must(users_parse_passwd(passwd, sizeof(passwd) - 1, &u, NULL) == 0);
	must(users_parse_group(group, sizeof(group) - 1, &u, NULL) == 0);
	must(limits_parse(text, len, &rows, NULL) == 0);
	for (size_t i = 0; i < rows.n; i++) {
		must(strchr("sh-", rows.v[i].type) && rows.v[i].domain[0] && rows.v[i].item[0]);
		is_text(rows.v[i].domain);
	}
	limits_for(&rows, &u, "alice", "memlock", &l);
	must(!l.has_soft || !l.has_hard || l.soft <= l.hard);
	free(rows.v);
	users_free(&u);
}

static void lists_of_access(const char *text, size_t len)
{
	struct access_acl acl;
	struct words w;
	bool on;
	int r = access_acl_parse(text, len, &acl, NULL);

	must(r == 0 || r == -EINVAL || r == -ENOTSUP || r == -E2BIG);
	must(acl.n <= 64 && (r < 0 || acl.n * 8 + 4 == len));
	for (size_t i = 0; r == 0 && i < acl.n; i++)
		must(acl.v[i].perm <= 7);
	r = security_efi_bool(text, len, &on, NULL);
	must(r == -EINVAL || len == 5);
	must(cgroup_parse_known(text, len, &w, NULL) == 0);
	words_free(&w);
}

/* Cleaning what is clean changes nothing, and lines stay as many. */
static void cleaner(const char *text, size_t len)
{
	for (int how = CLEAN_SECRETS; how <= CLEAN_ROUTES; how++) {
		char *one = NULL, *two = NULL;
		size_t n, m;

		must(clean_text(text, len, (enum clean_how)how, &one, &n, NULL) == 0);
		must(strlen(one) <= n && n <= 2 * len + 1);
		must(clean_text(one, n, (enum clean_how)how, &two, &m, NULL) == 0);
		must(n == m && !memcmp(one, two, n));
		free(one);
		free(two);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(const char *, size_t) = {
		lists, choices, memory, release, limits, lists_of_access, cleaner,
	};
	const size_t n = sizeof(readers) / sizeof(readers[0]);

	if (len)
		readers[data[0] % n]((const char *)data + 1, len - 1);
	return 0;
}
