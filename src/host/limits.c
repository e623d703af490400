/* SPDX-License-Identifier: MIT */
#include "host/limits.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What pam_limits takes for "no limit". */
static bool is_unlimited(struct span v)
{
	return span_is(v, "unlimited") || span_is(v, "infinity") || span_is(v, "-1");
}

static bool parse_row(struct span line, struct limit_row *row)
{
	struct span domain, type, item, value, more;
	unsigned long long v = 0;

	if (!span_word(&line, &domain) || !span_word(&line, &type) ||
	    !span_word(&line, &item) || !span_word(&line, &value) || span_word(&line, &more))
		return false;
	if (domain.len >= sizeof(row->domain) || item.len >= sizeof(row->item))
		return false;
	row->type = span_is(type, "soft")   ? 's'
		    : span_is(type, "hard") ? 'h'
		    : span_is(type, "-")    ? '-'
					    : 0;
	if (!row->type)
		return false;
	span_copy(domain, row->domain, sizeof(row->domain));
	span_copy(item, row->item, sizeof(row->item));
	if (is_unlimited(value)) {
		row->value = LIMIT_UNLIMITED;
		return true;
	}
	/* priorities may be negative and are none of ours; memlock is in KiB */
	if (!span_u64(value, INT64_MAX, &v))
		return !strcmp(row->item, "priority") || !strcmp(row->item, "nice");
	if (!strcmp(row->item, "memlock") && __builtin_mul_overflow(v, 1024ull, &v))
		return false;
	row->value = v;
	return true;
}

int limits_parse(const char *text, size_t len, struct limit_rows *out, struct err *e)
{
	struct span rest = { text, len }, line, before;

	while (span_line(&rest, &line)) {
		struct limit_row row = { 0 };
		struct span cut = line;
		int r;

		if (span_cut(&cut, '#', &before))
			line = before;
		line = span_trim(line);
		if (!line.len)
			continue;
		if (!parse_row(line, &row)) {
			out->bad_lines++;
			continue;
		}
		r = mem_grow((void **)&out->v, out->n + 1, sizeof(row), e);
		if (r < 0)
			return r;
		out->v[out->n++] = row;
	}
	return 0;
}

static int add_file(const struct host *h, const char *path, struct limit_rows *out,
		    struct err *e)
{
	struct err mine = { 0 };
	char *text;
	size_t len;
	int r = host_read(h, path, &text, &len, &mine);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	r = limits_parse(text, len, out, e);
	free(text);
	return r;
}

int limits_read(const struct host *h, struct limit_rows *out, struct err *e)
{
	AUTO_LIST struct host_list l = { 0 };
	int r;

	memset(out, 0, sizeof(*out));
	r = add_file(h, "/etc/security/limits.conf", out, e);
	if (r == 0 && host_list(h, "/etc/security/limits.d", &l, NULL) < 0)
		l.n = 0;
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		size_t n = strlen(l.v[i]);
		char *path;

		if (n < 6 || strcmp(l.v[i] + n - 5, ".conf"))
			continue;
		path = str_printf(e, "/etc/security/limits.d/%s", l.v[i]);
		r = path ? add_file(h, path, out, e) : -ENOMEM;
		free(path);
	}
	if (r < 0) {
		free(out->v);
		memset(out, 0, sizeof(*out));
	}
	return r;
}

/* How near a domain is to the user: a nearer one beats others whatever their order. */
enum near { NEAR_NOT, NEAR_ALL, NEAR_GROUP, NEAR_USER };

/* "1000", "1000:", ":1000", "1000:2000". */
static bool in_range(const char *text, uint32_t id)
{
	struct span rest = { text, strlen(text) }, first;
	unsigned long long lo = 0, hi = UINT32_MAX;

	if (!span_cut(&rest, ':', &first))
		return false;
	if (!first.len && !rest.len)
		return false;
	/* ":max" means that one id alone, limits.conf(5) */
	if (!first.len)
		return span_u64(rest, UINT32_MAX, &hi) && hi == id;
	if (!span_u64(first, UINT32_MAX, &lo) || (rest.len && !span_u64(rest, UINT32_MAX, &hi)))
		return false;
	return id >= lo && id <= hi;
}

static bool group_in_range(const struct users *u, const struct user_row *row, const char *range)
{
	if (in_range(range, row->gid))
		return true;
	for (size_t i = 0; i < u->n_groups; i++)
		if (words_has(&u->groups[i].members, row->name) &&
		    in_range(range, u->groups[i].gid))
			return true;
	return false;
}

static enum near how_near(const struct limit_row *r, const struct users *u, const char *user)
{
	const struct user_row *row = users_name(u, user);
	const char *d = r->domain;

	if (!strcmp(d, user))
		return NEAR_USER;
	if (d[0] == '@') {
		if (strchr(d, ':'))
			return row && group_in_range(u, row, d + 1) ? NEAR_GROUP : NEAR_NOT;
		return users_is_member(u, user, d + 1) ? NEAR_GROUP : NEAR_NOT;
	}
	if (strchr(d, ':'))
		return row && in_range(d, row->uid) ? NEAR_USER : NEAR_NOT;
	/* root has to be named */
	if (!strcmp(d, "*"))
		return row && row->uid == 0 ? NEAR_NOT : NEAR_ALL;
	return NEAR_NOT;
}

void limits_for(const struct limit_rows *rows, const struct users *u, const char *user,
		const char *item, struct limit *out)
{
	enum near soft = NEAR_NOT, hard = NEAR_NOT;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < rows->n; i++) {
		const struct limit_row *r = &rows->v[i];
		enum near near = strcmp(r->item, item) ? NEAR_NOT : how_near(r, u, user);

		if (near == NEAR_NOT)
			continue;
		if (r->type != 'h' && near >= soft) {
			soft = near;
			out->has_soft = true;
			out->soft = r->value;
		}
		if (r->type != 's' && near >= hard) {
			hard = near;
			out->has_hard = true;
			out->hard = r->value;
		}
	}
	/* a soft limit cannot be above the hard one */
	if (out->has_soft && out->has_hard && out->soft > out->hard)
		out->soft = out->hard;
}

static bool has_pam_limits(const struct host *h)
{
	static const char *const dirs[] = { "/lib/security",
					    "/usr/lib/security",
					    "/lib64/security",
					    "/lib/x86_64-linux-gnu/security",
					    "/usr/lib/x86_64-linux-gnu/security",
					    "/usr/lib/aarch64-linux-gnu/security" };
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/pam_limits.so", dirs[i]);
		if (host_exists(h, path))
			return true;
	}
	return false;
}

/* "Max locked memory   8388608   8388608   bytes". */
static void read_process(const struct host *h, struct limits_info *out)
{
	static const char head[] = "Max locked memory";
	struct span rest, line, soft, hard;
	unsigned long long s, d;
	char *text;
	size_t len;

	if (!host_has_kernel(h) || host_read(h, "/proc/self/limits", &text, &len, NULL) < 0)
		return;
	rest = (struct span){ text, len };
	while (span_line(&rest, &line)) {
		if (line.len < sizeof(head) || memcmp(line.s, head, sizeof(head) - 1))
			continue;
		line.s += sizeof(head) - 1;
		line.len -= sizeof(head) - 1;
		if (!span_word(&line, &soft) || !span_word(&line, &hard))
			break;
		s = d = LIMIT_UNLIMITED;
		if ((span_is(soft, "unlimited") || span_u64(soft, UINT64_MAX, &s)) &&
		    (span_is(hard, "unlimited") || span_u64(hard, UINT64_MAX, &d))) {
			out->has_process = true;
			out->process_soft = s;
			out->process_hard = d;
		}
		break;
	}
	free(text);
}

static void read_rc(const struct host *h, struct limits_info *out)
{
	struct span rest, line, key;
	char *text;
	size_t len;

	if (host_read(h, "/etc/rc.conf", &text, &len, NULL) < 0)
		return;
	rest = (struct span){ text, len };
	while (span_line(&rest, &line)) {
		line = span_trim(line);
		if (!line.len || line.s[0] == '#' || !span_cut(&line, '=', &key) ||
		    !span_is(key, "rc_ulimit"))
			continue;
		line = span_trim(line);
		if (line.len >= 2 && (line.s[0] == '"' || line.s[0] == '\'') &&
		    line.s[line.len - 1] == line.s[0])
			line = (struct span){ line.s + 1, line.len - 2 };
		span_copy(line, out->rc_ulimit, sizeof(out->rc_ulimit));
	}
	free(text);
}

int limits_memlock(const struct host *h, const struct users *u, const char *user,
		   struct limits_info *out, struct err *e)
{
	struct limit_rows rows;
	int r;

	memset(out, 0, sizeof(*out));
	r = limits_read(h, &rows, e);
	if (r < 0)
		return r;
	limits_for(&rows, u, user, "memlock", &out->memlock);
	free(rows.v);
	out->pam = has_pam_limits(h);
	read_process(h, out);
	read_rc(h, out);
	return 0;
}
