/* SPDX-License-Identifier: MIT */
#include "tune/steps/step.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the value of @b over into @a, which stands before it and changes the same file. */
static int fold(struct change *a, struct change *b, struct err *e)
{
	char *reason = strstr(a->reason, b->reason)
			       ? mem_strdup(a->reason, e)
			       : str_printf(e, "%s; %s", a->reason, b->reason);

	if (!reason)
		return -ENOMEM;
	free(a->reason);
	free(a->value);
	a->reason = reason;
	a->value = b->value;
	if (b->when > a->when)
		a->when = b->when;
	free(b->target);
	free(b->old_val);
	free(b->old_meta);
	free(b->reason);
	free(b->ours);
	return 0;
}

int step_fold(const struct stepping *s, size_t from, int r, struct err *e)
{
	struct plan *p = s->plan;

	for (size_t i = from; r >= 0 && i < p->n; i++) {
		for (size_t k = i + 1; r >= 0 && k < p->n;) {
			if (p->v[i].kind != &kind_file || p->v[k].kind != &kind_file ||
			    strcmp(p->v[i].target, p->v[k].target)) {
				k++;
				continue;
			}
			r = fold(&p->v[i], &p->v[k], e);
			if (r < 0)
				return r;
			memmove(&p->v[k], &p->v[k + 1], (p->n - k - 1) * sizeof(*p->v));
			p->n--;
		}
	}
	return r;
}

int step_text(const struct stepping *s, const char *path, char **text, struct err *e)
{
	return plan_value(s->plan, s->h, &kind_file, path, text, e);
}

int step_users(const struct stepping *s, struct users *out, struct err *e)
{
	AUTO_FREE char *passwd = NULL;
	AUTO_FREE char *group = NULL;
	int r = step_text(s, "/etc/passwd", &passwd, e);

	*out = (struct users){ 0 };
	if (r == 0)
		r = step_text(s, "/etc/group", &group, e);
	if (r == 0 && passwd)
		r = users_parse_passwd(passwd, strlen(passwd), out, e);
	if (r == 0 && group)
		r = users_parse_group(group, strlen(group), out, e);
	if (r < 0)
		users_free(out);
	return r;
}

int step_gid(const struct stepping *s, const char *group, uint32_t *gid, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	const struct change *made;
	const struct group_row *row;
	char target[64];
	int r = step_users(s, &u, e);

	if (r < 0)
		return r;
	row = users_group(&u, group);
	if (row) {
		*gid = row->gid;
		return 0;
	}
	snprintf(target, sizeof(target), "group:%s", group);
	made = plan_find(s->plan, &kind_account, target);
	if (!made || !made->value)
		return err_set(e, -ENOENT, "there is no group %s", group);
	*gid = (uint32_t)strtoul(made->value, NULL, 10);
	return 0;
}

bool step_alpine(const struct distro *d)
{
	return os_release_like(&d->os, "alpine");
}

bool step_debian(const struct distro *d)
{
	return os_release_like(&d->os, "debian");
}

int step_guest_group(const struct stepping *s, const char **group, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	struct distro d;
	int r = distro_read(s->h, &d, e);

	if (r == 0)
		r = step_users(s, &u, e);
	if (r < 0)
		return r;
	*group = step_alpine(&d) || users_group(&u, "qemu") ? "qemu" : "kvm";
	return 0;
}
