/* SPDX-License-Identifier: MIT */
#include "emu/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* UID:GID, or the name of a user; false: neither. */
static bool who(const char *user, uid_t *uid, gid_t *gid, bool *named)
{
	const struct passwd *p;
	unsigned u, g;
	int end = 0;

	*named = sscanf(user, "%u:%u%n", &u, &g, &end) != 2 || user[end];
	if (!*named) {
		*uid = u;
		*gid = g;
		return true;
	}
	p = getpwnam(user);
	if (p) {
		*uid = p->pw_uid;
		*gid = p->pw_gid;
	}
	return p;
}

int sandbox_user(const char *user, const char *root, struct err *e)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool named;

	/* names are looked up before they are out of reach */
	if (user && !who(user, &uid, &gid, &named))
		return err_set(e, -EINVAL, "there is no user '%s'", user);
	if (user && (named ? initgroups(user, gid) : setgroups(1, &gid)) < 0)
		return err_errno(e, "the groups of %s", user);
	if (root && (chroot(root) < 0 || chdir("/") < 0))
		return err_errno(e, "-chroot %s", root);
	if (!user)
		return 0;
	if (setgid(gid) < 0 || setuid(uid) < 0)
		return err_errno(e, "becoming %s", user);
	if (uid && setuid(0) == 0)
		return err_set(e, -EPERM, "%s can become root again", user);
	return 0;
}

/* What no machine has a use for. */
static const int never[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsconfig),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(syslog),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(personality),
	SCMP_SYS(vhangup),
	SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
};

/* Programs and processes. */
static const int spawn[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
};

/* Others' rights. */
static const int rights[] = {
	SCMP_SYS(setuid),    SCMP_SYS(setgid),    SCMP_SYS(setreuid),  SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),  SCMP_SYS(capset),
};

/* Old ways into the kernel. */
static const int obsolete[] = {
	SCMP_SYS(modify_ldt),      SCMP_SYS(lookup_dcookie), SCMP_SYS(uselib),
	SCMP_SYS(nfsservctl),      SCMP_SYS(ustat),          SCMP_SYS(sysfs),
	SCMP_SYS(_sysctl),         SCMP_SYS(bdflush),        SCMP_SYS(create_module),
	SCMP_SYS(get_kernel_syms), SCMP_SYS(query_module),
};

/* Priorities and processors. */
static const int resources[] = {
	SCMP_SYS(sched_setparam),    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setattr),
	SCMP_SYS(sched_setaffinity), SCMP_SYS(setpriority),        SCMP_SYS(ioprio_set),
};

static int refuse(scmp_filter_ctx f, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
		/* not on this architecture: nothing to refuse */
		if (r == -EDOM || r == -EFAULT)
			r = 0;
	}
	return r;
}

/* Threads, but no processes; clone3 hides its flags, and clone is what libraries use then. */
static int refuse_processes(scmp_filter_ctx f)
{
	int r = refuse(f, spawn, ARRAY_SIZE(spawn));

	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return r < 0 ? r : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int sandbox_filter(const struct config_sandbox *c, struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = f ? refuse(f, never, ARRAY_SIZE(never)) : -ENOMEM;

	if (r == 0 && !c->spawn)
		r = refuse_processes(f);
	if (r == 0 && !c->rights)
		r = refuse(f, rights, ARRAY_SIZE(rights));
	if (r == 0 && !c->obsolete)
		r = refuse(f, obsolete, ARRAY_SIZE(obsolete));
	if (r == 0 && c->no_resources)
		r = refuse(f, resources, ARRAY_SIZE(resources));
	/* programs that are started have no more rights, whoever owns them */
	if (r == 0 && c->rights)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_load(f);
	if (f)
		seccomp_release(f);
	return r < 0 ? err_set(e, r,
			       "the filter of system calls cannot be set%s; -sandbox off does "
			       "without it",
			       c->rights ? " with elevateprivileges=allow" : "")
		     : 0;
}
