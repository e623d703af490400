/* SPDX-License-Identifier: MIT */
/* Accounts, groups and limits of those who run guests. */
#include "host/limits.h"
#include "hostcheck/checks/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int users_groups(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const names[] = { "kvm", "qemu", "netdev", "libvirt" };
	const struct users *u;
	int r = facts_users(f, &u, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct group_row *g = users_group(u, names[i]);

		if (g)
			found_item(out, V_OK, names[i], "gid %u, %zu member%s", g->gid,
				   g->members.n, plural(g->members.n));
	}
	if (u->bad_lines)
		found_item(out, V_WARN, "/etc/passwd, /etc/group", "%u bad line%s",
			   u->bad_lines, plural(u->bad_lines));
	if (!users_group(u, "kvm")) {
		found(out, V_WARN, "there is no group kvm");
		return advise(
			out, "users.accounts", R_NOW,
			"Device managers give /dev/kvm to it; without, the node is root's. "
			"vtune makes the group with the number of the distribution.");
	}
	if (finding_worst(out) == V_WARN) {
		found(out, V_WARN, "%u bad lines in /etc/passwd and /etc/group", u->bad_lines);
		return advise(out, NULL, R_NOW, "pwck and grpck show them.");
	}
	return found(out, V_OK, "kvm%s%s", users_group(u, "qemu") ? ", qemu" : "",
		     users_group(u, "netdev") ? ", netdev" : "");
}

static int users_account(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const names[] = { "qemu", "libvirt-qemu" };
	const struct users *u;
	int r = facts_users(f, &u, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct user_row *row = users_name(u, names[i]);

		if (!row)
			continue;
		if (!users_is_member(u, names[i], "kvm")) {
			found(out, V_WARN, "%s is not in the group kvm", names[i]);
			return advise(
				out, "users.members", R_NOW,
				"Guests of this account have no KVM: adduser %s kvm, then "
				"restart what runs as it.",
				names[i]);
		}
		return found(out, V_OK, "%s, uid %u", names[i], row->uid);
	}
	found(out, V_INFO, "none");
	return advise(out, "users.accounts", R_NOW,
		      "Guests that start at boot want an account without a login and without "
		      "rights; a person's own guests need none.");
}

static int users_member(struct facts *f, struct finding *out, struct err *e)
{
	static const char *const names[] = { "kvm", "qemu", "netdev" };
	const struct process_ids *ids;
	const struct users *u;
	bool stale = false;
	struct who w;
	int r = who_read(f, &w, e);

	if (r == -ESRCH)
		return found(out, V_SKIP, "there is no such user; see kvm.access");
	if (r == -ENOTSUP)
		return found(out, V_SKIP, "name somebody with --user");
	if (r == 0)
		r = facts_users(f, &u, e);
	if (r < 0)
		return r;
	if (w.root)
		return found(out, V_SKIP, "root needs no group; ask for others with --user");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct group_row *g = users_group(u, names[i]);
		bool member = who_is_member(f, &w, names[i]);
		bool held = w.raw || !g || facts_ids(f, &ids, NULL) < 0 ||
			    process_ids_has(ids, g->gid);

		if (!g)
			continue;
		if (member && !held)
			stale = true;
		found_item(out, member && !held ? V_WARN : V_INFO, names[i], "%s",
			   !member ? "not a member"
			   : held  ? "member"
				   : "member, but not in this login");
	}
	if (stale) {
		found(out, V_WARN, "%s has groups that this login does not", w.name);
		return advise(out, NULL, R_RELOGIN, "Log out and in again.");
	}
	return found(out, V_INFO, "%s is %sin kvm", w.name,
		     who_is_member(f, &w, "kvm") ? "" : "not ");
}

static void add_limit(struct finding *out, const char *name, const struct limit *l)
{
	if (l->has_hard && l->hard == LIMIT_UNLIMITED)
		found_item(out, V_INFO, name, "unlimited by the files");
	else if (l->has_hard)
		found_item(out, V_INFO, name, "at most %llu by the files",
			   (unsigned long long)l->hard);
}

/* Something here is given to a guest, or will be. */
static bool uses_vfio(struct facts *f)
{
	const struct pci_devs *p;

	if (facts_pci(f, &p, NULL) < 0)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].driver, "vfio-pci"))
			return true;
	return false;
}

static int users_limits(struct facts *f, struct finding *out, struct err *e)
{
	struct limits_info l;
	struct limit_rows rows;
	const struct users *u;
	struct limit nofile;
	char size[BYTES_TEXT];
	uint64_t most;
	struct who w;
	int r = who_read(f, &w, e);

	if (r == -ESRCH || r == -ENOTSUP)
		return found(out, V_SKIP, "name a user of this host with --user");
	if (r == 0)
		r = facts_users(f, &u, e);
	if (r == 0)
		r = limits_memlock(f->h, u, w.name, &l, e);
	if (r < 0)
		return r;
	add_limit(out, "memlock", &l.memlock);
	if (limits_read(f->h, &rows, NULL) == 0) {
		limits_for(&rows, u, w.name, "nofile", &nofile);
		add_limit(out, "nofile", &nofile);
		free(rows.v);
	}
	if (l.rc_ulimit[0])
		found_item(out, V_INFO, "rc_ulimit", "%s", l.rc_ulimit);
	if (w.root)
		return found(out, V_SKIP, "root may lock what it wants");
	if (!l.memlock.has_hard && (w.raw || !l.has_process))
		return found(out, V_INFO, "the kernel's default for locked memory");
	most = w.raw || (!l.has_process && l.memlock.has_hard) ? l.memlock.hard
							       : l.process_hard;
	if (most == LIMIT_UNLIMITED)
		return found(out, V_OK, "may lock as much memory as there is");
	found(out, uses_vfio(f) ? V_WARN : V_INFO, "may lock %s of memory",
	      bytes_text(most, size));
	return advise(out, "limits.memlock", R_RELOGIN,
		      "A guest with a device passed on, or with -overcommit mem-lock=on, locks "
		      "all of its memory. For that, in "
		      "/etc/security/limits.d: '@kvm - memlock unlimited'%s.",
		      l.pam ? ""
			    : "; no PAM is installed here, so for services set "
			      "rc_ulimit in /etc/rc.conf instead");
}

static const struct check checks[] = {
	{
		.id = "users.groups",
		.title = "Groups for guests",
		.why = "The group kvm owns /dev/kvm; on Alpine qemu may use bridges and netdev makes "
		       "tap devices.",
		.how = "/etc/group below the root.",
		.mend = "addgroup, with the number of the distribution.",
		.run = users_groups,
	},
	{
		.id = "users.account",
		.title = "Account for guests that start at boot",
		.why = "A guest that breaks out of its emulator has the rights of its account: it "
		       "should not be root's.",
		.how = "qemu (Alpine) or libvirt-qemu (Debian) in /etc/passwd, and its groups.",
		.mend = "adduser; the packages make it as well.",
		.run = users_account,
	},
	{
		.id = "users.member",
		.title = "Groups of the user",
		.why = "Membership counts from the next login on; until then programs fail in ways "
		       "that look like something else.",
		.how = "/etc/passwd and /etc/group, and the groups of the process for who asks.",
		.mend = "adduser NAME kvm, then a new login.",
		.run = users_member,
	},
	{
		.id = "users.limits",
		.title = "Memory that may be locked",
		.why = "A guest with a passed-on device locks all its memory, and does not start if it "
		       "may not.",
		.how = "limits.conf and limits.d for the user, /proc/self/limits for who asks, "
		       "rc_ulimit for services of OpenRC.",
		.mend = "A line in /etc/security/limits.d, or rc_ulimit.",
		.run = users_limits,
	},
	{ 0 },
};

const struct check_group checks_users = { "users", "Users", checks };
