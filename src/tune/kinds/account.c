/* SPDX-License-Identifier: MIT */
/*
 * Groups, users and memberships of a live host, made by the distribution's own tools: those
 * of shadow, or busybox's, whichever is there.
 *
 *	group:kvm          "34"
 *	user:qemu          "36:36:/:/sbin/nologin"
 *	member:kvm:alice   "yes"
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/users.h"
#include "tune/kinds/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 33

struct account {
	enum { GROUP, USER, MEMBER } what;
	char name[NAME_SIZE]; /* of a member: the group */
	char user[NAME_SIZE]; /* the member */
};

/* A name that all of the tools take, and none as an option. */
static bool take_name(const char *s, size_t len, char out[NAME_SIZE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-";

	if (!len || len >= NAME_SIZE || strspn(s, letters) < len || *s == '-' || *s == '.')
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

static int parse(const char *target, struct account *a, struct err *e)
{
	const char *colon;
	bool fine = false;

	memset(a, 0, sizeof(*a));
	if (!strncmp(target, "group:", 6)) {
		a->what = GROUP;
		fine = take_name(target + 6, strlen(target + 6), a->name);
	} else if (!strncmp(target, "user:", 5)) {
		a->what = USER;
		fine = take_name(target + 5, strlen(target + 5), a->name);
	} else if (!strncmp(target, "member:", 7) && (colon = strchr(target + 7, ':'))) {
		a->what = MEMBER;
		fine = take_name(target + 7, (size_t)(colon - target - 7), a->name) &&
		       take_name(colon + 1, strlen(colon + 1), a->user);
	}
	return fine ? 0 : err_set(e, -EINVAL, "'%s' is not an account", target);
}

static bool listed(const struct group_row *g, const char *user)
{
	return g && words_has(&g->members, user);
}

static int account_current(const struct host *h, const char *target, char **value,
			   struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	const struct group_row *g;
	const struct user_row *row;
	struct account a;
	int r = parse(target, &a, e);

	if (r == 0)
		r = users_read(h, &u, e);
	if (r < 0)
		return r;
	g = users_group(&u, a.name);
	row = users_name(&u, a.name);
	if (a.what == GROUP && g)
		*value = str_printf(e, "%u", g->gid);
	else if (a.what == USER && row)
		*value =
			str_printf(e, "%u:%u:%s:%s", row->uid, row->gid, row->home, row->shell);
	else if (a.what == MEMBER && listed(g, a.user))
		*value = mem_strdup("yes", e);
	else
		return -ENOENT;
	return *value ? 0 : -ENOMEM;
}

/* "UID:GID:HOME:SHELL", cut into its parts in @text. */
static int user_parts(char *text, const char *part[4], struct err *e)
{
	char *p = text;

	for (int i = 0; i < 4; i++) {
		part[i] = p;
		p = i < 3 ? strchr(p, ':') : p + strcspn(p, ":");
		if (!p || (i == 3 && *p))
			break;
		if (i == 3 && part[2][0] == '/' && part[3][0] == '/' && part[0][0] &&
		    part[1][0] && !part[0][strspn(part[0], "0123456789")] &&
		    !part[1][strspn(part[1], "0123456789")])
			return 0;
		*p++ = '\0';
	}
	return err_set(e, -EINVAL, "'%s' is not UID:GID:HOME:SHELL", text);
}

static int add_user(const struct host *h, const struct change *c, const char *name,
		    const char *value, struct err *e)
{
	AUTO_FREE char *text = mem_strdup(value, e);
	AUTO_USERS struct users u = { 0 };
	const struct group_row *g;
	const char *part[4];
	int r = text ? user_parts(text, part, e) : -ENOMEM;

	if (r < 0)
		return r;
	if (commands_have(h, "useradd"))
		return COMMANDS_RUN(h, c, e, "useradd", "--system", "--uid", part[0], "--gid",
				    part[1], "--home-dir", part[2], "--no-create-home",
				    "--shell", part[3], name);
	/* busybox wants the group by its name */
	r = users_read(h, &u, e);
	if (r < 0)
		return r;
	g = users_gid(&u, (uint32_t)strtoul(part[1], NULL, 10));
	if (!g)
		return err_set(e, -ENOENT, "user %s: there is no group %s", name, part[1]);
	return COMMANDS_RUN(h, c, e, "adduser", "-S", "-D", "-H", "-u", part[0], "-G", g->name,
			    "-h", part[2], "-s", part[3], name);
}

static int add(const struct host *h, const struct change *c, const struct account *a,
	       const char *value, struct err *e)
{
	if (a->what == USER)
		return add_user(h, c, a->name, value, e);
	if (a->what == GROUP)
		return commands_have(h, "groupadd")
			       ? COMMANDS_RUN(h, c, e, "groupadd", "--system", "--gid", value,
					      a->name)
			       : COMMANDS_RUN(h, c, e, "addgroup", "-S", "-g", value, a->name);
	return commands_have(h, "usermod")
		       ? COMMANDS_RUN(h, c, e, "usermod", "-a", "-G", a->name, a->user)
		       : COMMANDS_RUN(h, c, e, "addgroup", a->user, a->name);
}

/* A group that people were put into since is theirs. */
static int group_empty(const struct host *h, const char *name, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	const struct group_row *g;
	int r = users_read(h, &u, e);

	if (r < 0)
		return r;
	g = users_group(&u, name);
	if (g && g->members.n)
		return err_set(e, -EBUSY, "group %s has members (%s)", name, g->members.v[0]);
	for (size_t i = 0; g && i < u.n_users; i++)
		if (u.users[i].gid == g->gid)
			return err_set(e, -EBUSY, "group %s is the group of user %s", name,
				       u.users[i].name);
	return 0;
}

/* busybox takes the group of the same name along, whoever else is in it: it is made again as it
 * was, and goes by a change of its own, or stays. */
static int take_user(const struct host *h, const struct change *c, const char *name,
		     struct err *e)
{
	AUTO_USERS struct users before = { 0 }, after = { 0 };
	const struct group_row *g;
	char gid[12];
	int r;

	if (commands_have(h, "userdel"))
		return COMMANDS_RUN(h, c, e, "userdel", name);
	r = users_read(h, &before, e);
	if (r == 0)
		r = COMMANDS_RUN(h, c, e, "deluser", name);
	if (r == 0)
		r = users_read(h, &after, e);
	if (r < 0)
		return r;
	g = users_group(&before, name);
	if (!g || users_group(&after, name))
		return 0;
	snprintf(gid, sizeof(gid), "%u", g->gid);
	r = COMMANDS_RUN(h, c, e, "addgroup", "-S", "-g", gid, name);
	for (size_t i = 0; r == 0 && i < g->members.n; i++)
		if (strcmp(g->members.v[i], name) != 0)
			r = COMMANDS_RUN(h, c, e, "addgroup", g->members.v[i], name);
	return r;
}

static int take(const struct host *h, const struct change *c, const struct account *a,
		struct err *e)
{
	int r = a->what == GROUP ? group_empty(h, a->name, e) : 0;

	if (r < 0)
		return r;
	if (a->what == USER)
		return take_user(h, c, a->name, e);
	if (a->what == GROUP)
		return COMMANDS_RUN(h, c, e,
				    commands_have(h, "groupdel") ? "groupdel" : "delgroup",
				    a->name);
	return commands_have(h, "gpasswd")
		       ? COMMANDS_RUN(h, c, e, "gpasswd", "-d", a->user, a->name)
		       : COMMANDS_RUN(h, c, e, "delgroup", a->user, a->name);
}

static int put(const struct host *h, const struct change *c, const char *from,
	       const char *value, struct err *e)
{
	AUTO_FREE char *have = NULL;
	struct account a;
	int r = parse(c->target, &a, e);

	if (r < 0)
		return r;
	if (from && value)
		return err_set(
			e, -EEXIST,
			"%s is there as %s, and is not made %s: files on disk may be its",
			c->target, from, value);
	r = value ? add(h, c, &a, value, e) : take(h, c, &a, e);
	if (r < 0)
		return r;
	r = account_current(h, c->target, &have, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!kind_same(c->kind, value, have))
		return err_set(e, -EIO, "%s: asked for %s, it is %s", c->target,
			       value ? value : "none", have ? have : "none");
	return 0;
}

static int account_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c, c->old_val, c->value, e);
}

static int account_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c, c->value, c->old_val, e);
}

const struct change_kind kind_account = {
	.name = "account",
	.live = true,
	.current = account_current,
	.apply = account_apply,
	.revert = account_revert,
};
