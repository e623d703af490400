/* SPDX-License-Identifier: MIT */
#include "host/users.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 7 };

/* Splits at colons into exactly @n fields; false if there are fewer or more. */
static bool fields(struct span line, struct span *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *colon = line.len ? memchr(line.s, ':', line.len) : NULL;
		size_t len = colon ? (size_t)(colon - line.s) : line.len;

		if (!colon != (i == n - 1))
			return false;
		f[i] = (struct span){ line.s, len };
		line.s += len + (colon ? 1 : 0);
		line.len -= len + (colon ? 1 : 0);
	}
	return true;
}

/* Lines that say nothing: empty, comments, NIS ("+", "-name"). */
static bool says_nothing(struct span line)
{
	line = span_trim(line);
	return !line.len || line.s[0] == '#' || line.s[0] == '+' || line.s[0] == '-';
}

static char *dup_span(struct span s, struct err *e)
{
	char *out = mem_zalloc(s.len + 1, 1, e);

	if (out && s.len)
		memcpy(out, s.s, s.len);
	return out;
}

static void free_user(struct user_row *u)
{
	free(u->name);
	free(u->home);
	free(u->shell);
}

static int add_user(struct users *out, const struct span *f, uint32_t uid, uint32_t gid,
		    struct err *e)
{
	struct user_row u = { .uid = uid, .gid = gid };
	int r = mem_grow((void **)&out->users, out->n_users + 1, sizeof(u), e);

	if (r < 0)
		return r;
	u.name = dup_span(f[0], e);
	u.home = dup_span(f[5], e);
	u.shell = dup_span(f[6], e);
	if (!u.name || !u.home || !u.shell) {
		free_user(&u);
		return -ENOMEM;
	}
	out->users[out->n_users++] = u;
	return 0;
}

int users_parse_passwd(const char *text, size_t len, struct users *out, struct err *e)
{
	struct span rest = { text, len }, line, f[MAX_FIELDS];

	while (span_line(&rest, &line)) {
		unsigned long long uid, gid;
		int r;

		if (says_nothing(line))
			continue;
		if (memchr(line.s, '\0', line.len) || !fields(line, f, 7) || !f[0].len ||
		    !span_u64(f[2], UINT32_MAX, &uid) || !span_u64(f[3], UINT32_MAX, &gid)) {
			out->bad_lines++;
			continue;
		}
		r = add_user(out, f, (uint32_t)uid, (uint32_t)gid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_group(struct users *out, const struct span *f, uint32_t gid, struct err *e)
{
	struct group_row g = { .gid = gid };
	struct span rest = f[3], one;
	int r = mem_grow((void **)&out->groups, out->n_groups + 1, sizeof(g), e);

	if (r < 0)
		return r;
	g.name = dup_span(f[0], e);
	r = g.name ? 0 : -ENOMEM;
	while (r == 0 && rest.len) {
		if (!span_cut(&rest, ',', &one)) {
			one = span_trim(rest);
			rest.len = 0;
		}
		r = words_add(&g.members, one, e);
	}
	if (r < 0) {
		free(g.name);
		words_free(&g.members);
		return r;
	}
	out->groups[out->n_groups++] = g;
	return 0;
}

int users_parse_group(const char *text, size_t len, struct users *out, struct err *e)
{
	struct span rest = { text, len }, line, f[4];

	while (span_line(&rest, &line)) {
		unsigned long long gid;
		int r;

		if (says_nothing(line))
			continue;
		if (memchr(line.s, '\0', line.len) || !fields(line, f, 4) || !f[0].len ||
		    !span_u64(f[2], UINT32_MAX, &gid)) {
			out->bad_lines++;
			continue;
		}
		r = add_group(out, f, (uint32_t)gid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_one(const struct host *h, const char *path, struct users *out,
		    int (*parse)(const char *, size_t, struct users *, struct err *),
		    struct err *e)
{
	struct err mine = { 0 };
	char *text;
	size_t len;
	int r = host_read(h, path, &text, &len, &mine);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	r = parse(text, len, out, e);
	free(text);
	return r;
}

int users_read(const struct host *h, struct users *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	r = read_one(h, "/etc/passwd", out, users_parse_passwd, e);
	if (r == 0)
		r = read_one(h, "/etc/group", out, users_parse_group, e);
	if (r < 0) {
		users_free(out);
		return r;
	}
	out->has_shadow = host_exists(h, "/etc/shadow");
	out->has_gshadow = host_exists(h, "/etc/gshadow");
	return 0;
}

void users_free(struct users *u)
{
	for (size_t i = 0; i < u->n_users; i++)
		free_user(&u->users[i]);
	for (size_t i = 0; i < u->n_groups; i++) {
		free(u->groups[i].name);
		words_free(&u->groups[i].members);
	}
	free(u->users);
	free(u->groups);
	memset(u, 0, sizeof(*u));
}

const struct user_row *users_name(const struct users *u, const char *name)
{
	for (size_t i = 0; i < u->n_users; i++)
		if (!strcmp(u->users[i].name, name))
			return &u->users[i];
	return NULL;
}

const struct user_row *users_uid(const struct users *u, uint32_t uid)
{
	for (size_t i = 0; i < u->n_users; i++)
		if (u->users[i].uid == uid)
			return &u->users[i];
	return NULL;
}

const struct group_row *users_group(const struct users *u, const char *name)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (!strcmp(u->groups[i].name, name))
			return &u->groups[i];
	return NULL;
}

const struct group_row *users_gid(const struct users *u, uint32_t gid)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i].gid == gid)
			return &u->groups[i];
	return NULL;
}

/* Two groups may share a number, and one name may stand in two lines: all of them count. */
bool users_in_gid(const struct users *u, const char *user, uint32_t gid)
{
	const struct user_row *row = users_name(u, user);

	if (row && row->gid == gid)
		return true;
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i].gid == gid && words_has(&u->groups[i].members, user))
			return true;
	return false;
}

bool users_is_member(const struct users *u, const char *user, const char *group)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (!strcmp(u->groups[i].name, group) &&
		    users_in_gid(u, user, u->groups[i].gid))
			return true;
	return false;
}
