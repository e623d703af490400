/* SPDX-License-Identifier: MIT */
#include "tune/accounts.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/lines.h"

#include <stdlib.h>
#include <string.h>

#define SYSTEM_FIRST 100u
#define SYSTEM_LAST  999u

#define GROUP_FIELDS  4
#define PASSWD_FIELDS 7

void accounts_free(struct account_files *f)
{
	free(f->passwd);
	free(f->group);
	free(f->shadow);
	free(f->gshadow);
	*f = (struct account_files){ 0 };
}

static int check(const char *text, const char *what, struct err *e)
{
	if (strpbrk(text, ":,\n\r") || strlen(text) > 256)
		return err_set(e, -EINVAL, "'%.64s' cannot be a %s", text, what);
	return 0;
}

/* A row of @fields fields, the third of which is an id: readers pass over others. */
static bool well_formed(const char *row, size_t len, unsigned fields)
{
	unsigned colons = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		if (row[i] == ':')
			colons++;
		else if (colons == 2 && (row[i] < '0' || row[i] > '9'))
			return false;
		else if (colons == 2)
			digits++;
	}
	return colons + 1 == fields && digits && digits <= 9;
}

/* The line of @text that begins with "@name:"; with @fields, one that readers
 * take: of that many fields. 0: any. */
static bool row_of(const char *text, const char *name, unsigned fields, struct line *l)
{
	size_t n = strlen(name), len = strlen(text);

	*l = (struct line){ 0 };
	while (lines_next(text, len, l))
		if (l->len > n && !memcmp(text + l->off, name, n) && text[l->off + n] == ':' &&
		    (!fields || well_formed(text + l->off, l->len, fields)))
			return true;
	return false;
}

/* Adds @line, which the caller made and which is freed here, for @name unless that has a row.
 * *text NULL: no such file, nothing to do. */
static int append(char **text, const char *name, unsigned fields, char *line, struct err *e)
{
	AUTO_FREE char *own = line;
	struct line l;
	char *out;
	size_t len;
	int r;

	if (!own)
		return -ENOMEM;
	if (!*text || row_of(*text, name, fields, &l))
		return 0;
	r = lines_append(*text, strlen(*text), own, &out, &len, e);
	if (r < 0)
		return r;
	free(*text);
	*text = out;
	return 1;
}

int accounts_add_group(struct account_files *f, const char *name, uint32_t gid, struct err *e)
{
	int r = check(name, "group's name", e), s;

	if (r < 0)
		return r;
	if (!f->group)
		return err_set(e, -ENOENT, "there is no /etc/group to add %s to", name);
	r = append(&f->group, name, GROUP_FIELDS, str_printf(e, "%s:x:%u:", name, gid), e);
	if (r < 0)
		return r;
	s = append(&f->gshadow, name, 0, str_printf(e, "%s:!::", name), e);
	return s < 0 ? s : r || s;
}

int accounts_add_user(struct account_files *f, const struct account_user *u, struct err *e)
{
	int r = check(u->name, "user's name", e), s;

	if (r == 0)
		r = check(u->about, "description", e);
	if (r == 0)
		r = check(u->home, "home", e);
	if (r == 0)
		r = check(u->shell, "shell", e);
	if (r < 0)
		return r;
	if (!f->passwd)
		return err_set(e, -ENOENT, "there is no /etc/passwd to add %s to", u->name);
	r = append(&f->passwd, u->name, PASSWD_FIELDS,
		   str_printf(e, "%s:x:%u:%u:%s:%s:%s", u->name, u->uid, u->gid, u->about,
			      u->home, u->shell),
		   e);
	if (r < 0)
		return r;
	/* no day of last change: nothing ages, and two runs write the same */
	s = append(&f->shadow, u->name, 0, str_printf(e, "%s:!:::::::", u->name), e);
	return s < 0 ? s : r || s;
}

/* @user in the list @row ends with, which begins behind its third colon. */
static int add_to_row(char **text, const char *file, unsigned fields, const char *group,
		      const char *user, struct err *e)
{
	struct line l;
	size_t at, end, n = strlen(user), len;
	char *out;
	int r, colons = 0;

	if (!*text)
		return 0;
	if (!row_of(*text, group, fields, &l))
		return err_set(e, -ENOENT, "%s has no group %s", file, group);
	end = l.off + l.len;
	for (at = l.off; at < end && colons < 3; at++)
		colons += (*text)[at] == ':';
	if (colons < 3)
		return err_set(e, -EUCLEAN, "%s line %u: has not its four fields", file, l.nr);
	for (size_t p = at; p < end;) {
		size_t m = 0;

		while (p + m < end && (*text)[p + m] != ',')
			m++;
		if (m == n && !memcmp(*text + p, user, n))
			return 0;
		p += m + 1;
	}
	AUTO_FREE char *more =
		str_printf(e, "%s%s", at < end && (*text)[end - 1] != ',' ? "," : "", user);
	if (!more)
		return -ENOMEM;
	r = lines_splice(*text, strlen(*text), end, 0, more, strlen(more), &out, &len, e);
	if (r < 0)
		return r;
	free(*text);
	*text = out;
	return 1;
}

int accounts_add_member(struct account_files *f, const char *group, const char *user,
			struct err *e)
{
	int r = check(user, "user's name", e), s;

	if (r < 0)
		return r;
	if (!f->group)
		return err_set(e, -ENOENT, "there is no /etc/group to add %s to", user);
	r = add_to_row(&f->group, "/etc/group", GROUP_FIELDS, group, user, e);
	if (r < 0)
		return r;
	s = append(&f->gshadow, group, 0, str_printf(e, "%s:!::", group), e);
	if (s >= 0)
		s = add_to_row(&f->gshadow, "/etc/gshadow", 0, group, user, e);
	return s < 0 ? s : r || s;
}

int accounts_pick(const struct users *u, bool user, uint32_t want, uint32_t *id, struct err *e)
{
	if (!(user ? (const void *)users_uid(u, want) : (const void *)users_gid(u, want))) {
		*id = want;
		return 0;
	}
	for (uint32_t i = SYSTEM_FIRST; i <= SYSTEM_LAST; i++)
		/* free as both, so that a user and its group may have the same one */
		if (!users_uid(u, i) && !users_gid(u, i)) {
			*id = i;
			return 0;
		}
	return err_set(e, -ENOSPC, "no id from %u to %u is free", SYSTEM_FIRST, SYSTEM_LAST);
}
