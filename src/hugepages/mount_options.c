/* SPDX-License-Identifier: MIT */
/* Options of hugetlbfs as fs/hugetlbfs/inode.c takes them. */
#include "base/mem.h"
#include "base/str.h"
#include "hugepages/mount.h"
#include "hugepages/pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_DEFAULT 0755

char *hugemount_options(const struct hugemount_opts *o, struct err *e)
{
	struct str s = STR_INIT;
	char page[HUGEPAGE_TEXT];

	if (o->page)
		str_addf(&s, ",pagesize=%s", hugepage_text(o->page, page));
	if (o->mode != MODE_DEFAULT)
		str_addf(&s, ",mode=%o", o->mode);
	if (o->uid)
		str_addf(&s, ",uid=%u", o->uid);
	if (o->gid)
		str_addf(&s, ",gid=%u", o->gid);
	if (o->rest && *o->rest)
		str_addf(&s, ",%s", o->rest);
	if (!s.len)
		str_add(&s, ",defaults");
	if (s.s)
		memmove(s.s, s.s + 1, s.len--);
	return str_take(&s, e);
}

static int number(const char *key, const char *s, unsigned base, uint32_t *out, struct err *e)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, (int)base);
	if (*s < '0' || *s > '9' || *end || errno || v > UINT32_MAX)
		return err_set(e, -EINVAL,
			       "%s=%.60s: hugetlbfs takes a number%s; a name is only "
			       "understood by some mount programs",
			       key, s, base == 8 ? " in octal" : "");
	*out = (uint32_t)v;
	return 0;
}

static int take(struct hugemount_opts *o, char *word, struct str *rest, struct err *e)
{
	char *eq = strchr(word, '=');
	const char *value = eq ? eq + 1 : "";
	static const char *const kernels[] = { "rw",       "relatime",    "noatime",  "nosuid",
					       "nodev",    "noexec",      "defaults", "nofail",
					       "seclabel", "strictatime", "ro",       "auto" };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		if (!strcmp(word, kernels[i]))
			return 0;
	if (!strncmp(word, "pagesize=", 9))
		return hugepage_parse(value, &o->page, e);
	if (!strncmp(word, "mode=", 5)) {
		r = number("mode", value, 8, &o->mode, e);
		o->mode &= 01777;
		return r;
	}
	if (!strncmp(word, "uid=", 4))
		return number("uid", value, 10, &o->uid, e);
	if (!strncmp(word, "gid=", 4))
		return number("gid", value, 10, &o->gid, e);
	str_addf(rest, "%s%s", rest->len ? "," : "", word);
	return 0;
}

int hugemount_options_parse(const char *text, struct hugemount_opts *o, struct err *e)
{
	AUTO_FREE char *copy = mem_strdup(text, e);
	struct str rest = STR_INIT;
	int r = copy ? 0 : -ENOMEM;

	*o = (struct hugemount_opts){ .mode = MODE_DEFAULT };
	for (char *p = copy; r == 0 && *p;) {
		size_t n = strcspn(p, ",");
		char *next = p + n + (p[n] == ',');

		p[n] = '\0';
		if (*p)
			r = take(o, p, &rest, e);
		p = next;
	}
	if (r == 0 && rest.len) {
		o->rest = str_take(&rest, e);
		r = o->rest ? 0 : -ENOMEM;
	}
	str_free(&rest);
	return r;
}

bool hugemount_options_same(const struct hugemount_opts *a, const struct hugemount_opts *b,
			    uint64_t default_page)
{
	const char *x = a->rest ? a->rest : "", *y = b->rest ? b->rest : "";

	return (a->page ? a->page : default_page) == (b->page ? b->page : default_page) &&
	       a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && !strcmp(x, y);
}

char *hugemount_fstab_line(const char *path, const struct hugemount_opts *o, struct err *e)
{
	AUTO_FREE char *opts = hugemount_options(o, e);
	struct str s = STR_INIT;

	if (!opts)
		return NULL;
	str_add(&s, "hugetlbfs ");
	/* fstab(5): what would part fields stands as a number */
	for (const char *p = path; *p; p++) {
		if (strchr(" \t\n\\", *p))
			str_addf(&s, "\\%03o", (unsigned char)*p);
		else
			str_addn(&s, p, 1);
	}
	str_addf(&s, " hugetlbfs %s 0 0", opts);
	return str_take(&s, e);
}
