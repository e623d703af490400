/* SPDX-License-Identifier: MIT */
/*
 * Groups, the account that runs guests, and who may run guests.  A running host gets accounts
 * by its own tools (kind account), an image by edits of its files, all four in step.
 */
#include "base/mem.h"
#include "base/str.h"
#include "tune/accounts.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KVM_GID 34u
#define QEMU_ID 36u

static const struct {
	const char *path;
	size_t offset;
} files[] = {
	{ "/etc/passwd", offsetof(struct account_files, passwd) },
	{ "/etc/group", offsetof(struct account_files, group) },
	{ "/etc/shadow", offsetof(struct account_files, shadow) },
	{ "/etc/gshadow", offsetof(struct account_files, gshadow) },
};

static char **file_of(struct account_files *f, size_t i)
{
	return (void *)((char *)f + files[i].offset);
}

static int files_read(const struct stepping *s, struct account_files *f, struct err *e)
{
	int r = 0;

	*f = (struct account_files){ 0 };
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = step_text(s, files[i].path, file_of(f, i), e);
	if (r < 0)
		accounts_free(f);
	return r;
}

static int files_plan(const struct stepping *s, struct account_files *f, enum change_when when,
		      const char *reason, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		if (*file_of(f, i))
			r = STEP_CHANGE(s, &kind_file, files[i].path, *file_of(f, i), when, e,
					"%s", reason);
	return r;
}

static int add_group(const struct stepping *s, const char *name, uint32_t want, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	char target[64], value[16], reason[96];
	uint32_t gid = want;
	int r;

	if (step_gid(s, name, &gid, NULL) == 0)
		return 0;
	r = step_users(s, &u, e);
	if (r == 0)
		r = accounts_pick(&u, false, want, &gid, e);
	if (r < 0)
		return r;
	snprintf(reason, sizeof(reason), "the group %s owns what guests are run with", name);
	if (host_has_kernel(s->h)) {
		snprintf(target, sizeof(target), "group:%s", name);
		snprintf(value, sizeof(value), "%u", gid);
		return STEP_CHANGE(s, &kind_account, target, value, WHEN_NOW, e, "%s", reason);
	}
	struct account_files f;

	r = files_read(s, &f, e);
	if (r == 0)
		r = accounts_add_group(&f, name, gid, e);
	if (r > 0)
		r = files_plan(s, &f, WHEN_NOW, reason, e);
	accounts_free(&f);
	return r;
}

/* The account that Alpine's packages make: uid 36, in group kvm, without a login. */
static int add_qemu(const struct stepping *s, struct err *e)
{
	static const char reason[] = "guests that services start run as the user qemu";
	AUTO_USERS struct users u = { 0 };
	struct account_user q = {
		.name = "qemu", .about = "qemu", .home = "/home/qemu", .shell = "/sbin/nologin"
	};
	struct account_files f;
	char value[64];
	int r = step_users(s, &u, e);

	if (r < 0 || users_name(&u, "qemu"))
		return r;
	r = accounts_pick(&u, true, QEMU_ID, &q.uid, e);
	if (r == 0)
		r = step_gid(s, "kvm", &q.gid, e);
	if (r < 0)
		return r;
	if (host_has_kernel(s->h)) {
		snprintf(value, sizeof(value), "%u:%u:%s:%s", q.uid, q.gid, q.home, q.shell);
		return STEP_CHANGE(s, &kind_account, "user:qemu", value, WHEN_NOW, e, "%s",
				   reason);
	}
	r = files_read(s, &f, e);
	if (r == 0)
		r = accounts_add_user(&f, &q, e);
	if (r > 0)
		r = files_plan(s, &f, WHEN_NOW, reason, e);
	accounts_free(&f);
	return r;
}

static int plan_accounts(const struct host *h, const struct profile *p, struct plan *out,
			 struct err *e)
{
	const struct stepping s = { h, p, out, "users.accounts" };
	const size_t from = out->n;
	struct distro d;
	int r;

	if (p->create_qemu != WISH_YES)
		return 0;
	if (!host_exists(h, "/etc/group"))
		return STEP_NOTE(&s, true, e,
				 "there is no /etc/group here: this is no system yet");
	r = distro_read(h, &d, e);
	if (r == 0)
		r = add_group(&s, "kvm", KVM_GID, e);
	/* elsewhere no package knows a group or user of this name, and nothing would be theirs */
	if (r == 0 && step_alpine(&d))
		r = add_group(&s, "qemu", QEMU_ID, e);
	if (r == 0 && step_alpine(&d))
		r = add_qemu(&s, e);
	return step_fold(&s, from, r, e);
}

static int add_member(const struct stepping *s, const struct users *u, const char *group,
		      const char *user, const char *reason, struct err *e)
{
	struct account_files f;
	char target[128];
	uint32_t gid;
	int r;

	if (step_gid(s, group, &gid, NULL) < 0 || users_is_member(u, user, group) ||
	    (users_name(u, user) && users_name(u, user)->gid == gid))
		return 0;
	if (host_has_kernel(s->h)) {
		snprintf(target, sizeof(target), "member:%s:%s", group, user);
		return STEP_CHANGE(s, &kind_account, target, "yes", WHEN_RELOGIN, e, "%s",
				   reason);
	}
	r = files_read(s, &f, e);
	if (r == 0)
		r = accounts_add_member(&f, group, user, e);
	if (r > 0)
		r = files_plan(s, &f, WHEN_RELOGIN, reason, e);
	accounts_free(&f);
	return r;
}

/* Gives @user what running guests takes; @in_kvm: its primary group is kvm. */
static int add_to_all(const struct stepping *s, const struct distro *d, const char *user,
		      bool in_kvm, struct err *e)
{
	AUTO_USERS struct users u = { 0 };
	const char *group = NULL;
	char reason[160];
	int r = step_users(s, &u, e);

	if (r == 0)
		r = step_guest_group(s, &group, e);
	if (r == 0 && !in_kvm) {
		snprintf(reason, sizeof(reason), "%s may open /dev/kvm and /dev/vhost-net",
			 user);
		r = add_member(s, &u, "kvm", user, reason, e);
	}
	if (r == 0 && strcmp(group, "kvm")) {
		snprintf(reason, sizeof(reason),
			 "%s may read bridge.conf, run qemu-bridge-helper and use huge pages",
			 user);
		r = add_member(s, &u, group, user, reason, e);
	}
	if (r == 0 && (d->devices == DEVICES_MDEV || d->devices == DEVICES_MDEVD)) {
		snprintf(reason, sizeof(reason),
			 "%s may open /dev/net/tun, which mdev gives "
			 "to netdev",
			 user);
		r = add_member(s, &u, "netdev", user, reason, e);
	}
	return r;
}

static int plan_members(const struct host *h, const struct profile *p, struct plan *out,
			struct err *e)
{
	const struct stepping s = { h, p, out, "users.members" };
	const size_t from = out->n;
	AUTO_USERS struct users u = { 0 };
	struct distro d;
	int r;

	if (!p->users.n && p->create_qemu != WISH_YES)
		return 0;
	r = distro_read(h, &d, e);
	if (r == 0)
		r = step_users(&s, &u, e);
	if (r == 0 && p->create_qemu == WISH_YES &&
	    (users_name(&u, "qemu") || plan_find(out, &kind_account, "user:qemu")))
		r = add_to_all(&s, &d, "qemu", plan_find(out, &kind_account, "user:qemu"), e);
	for (size_t i = 0; r == 0 && i < p->users.n; i++) {
		const char *user = p->users.v[i];

		if (users_name(&u, user))
			r = add_to_all(&s, &d, user, false, e);
		else
			r = STEP_NOTE(&s, true, e,
				      "there is no user %s; make one ('adduser %s') and run "
				      "this again",
				      user, user);
	}
	return step_fold(&s, from, r, e);
}

const struct step step_users_accounts = {
	.id = "users.accounts",
	.title = "Groups and the account for guests",
	.why = "Devices, bridge.conf and huge pages belong to the groups kvm and qemu; a mount "
	       "or owner that names a group which does not exist fails at boot.",
	.plan = plan_accounts,
};

const struct step step_users_members = {
	.id = "users.members",
	.title = "Who may run guests",
	.why = "Running a guest takes no root: only the groups that own /dev/kvm, /dev/net/tun, "
	       "/dev/vhost-net, bridge.conf and the huge pages.",
	.plan = plan_members,
};
