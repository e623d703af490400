/* SPDX-License-Identifier: MIT */
/* By hand, not by libseccomp: a filter of this kind is a page, and vimg starts by the hundred. */
#include "base/confine.h"

#include "base/io.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- files; as in <linux/landlock.h>, which is not there with musl alone ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum {
	LL_VERSION = 1,      /* flag of create_ruleset */
	LL_PATH_BENEATH = 1, /* kind of rule */
	LL_WRITE_FILE = 1 << 1,
	LL_READ_FILE = 1 << 2,
	LL_READ_DIR = 1 << 3,
	LL_REMOVE_FILE = 1 << 5,
	LL_MAKE_REG = 1 << 8,
	LL_ALL_1 = (1 << 13) - 1,
	LL_REFER = 1 << 13,    /* from version 2 */
	LL_TRUNCATE = 1 << 14, /* from version 3 */
};

struct ll_ruleset {
	uint64_t handled_fs;
};

struct ll_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static uint64_t handled(long version)
{
	uint64_t all = LL_ALL_1;

	if (version >= 2)
		all |= LL_REFER;
	if (version >= 3)
		all |= LL_TRUNCATE;
	return all;
}

static uint64_t wanted(const struct confine_path *p, bool folder)
{
	uint64_t bits = 0;

	if (p->rights & CONFINE_READ)
		bits |= LL_READ_FILE | (folder ? LL_READ_DIR : 0);
	if (p->rights & CONFINE_WRITE)
		bits |= LL_WRITE_FILE | LL_TRUNCATE;
	if (p->rights & CONFINE_MAKE && folder)
		bits |= LL_MAKE_REG | LL_REMOVE_FILE | LL_REFER;
	return bits;
}

static int allow(int ruleset, const struct confine_path *p, uint64_t all, struct err *e)
{
	struct ll_beneath rule = { 0 };
	AUTO_CLOSE int fd = io_open(p->path, O_PATH, 0, NULL);
	struct stat st;
	int r;

	if (fd < 0)
		return 0;
	r = io_fstat(fd, &st, e);
	if (r < 0)
		return r;
	rule.allowed = wanted(p, S_ISDIR(st.st_mode)) & all;
	rule.fd = fd;
	if (rule.allowed &&
	    syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &rule, 0) < 0)
		return err_errno(e, "allow '%s'", p->path);
	return 0;
}

int confine_files(const struct confine_path *v, size_t n, struct err *e)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	struct ll_ruleset set = { 0 };
	AUTO_CLOSE int fd = -1;
	int r = 0;

	if (version < 1)
		return err_set(e, -EOPNOTSUPP,
			       "this kernel has no Landlock, or not switched on");
	set.handled_fs = handled(version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	if (fd < 0)
		return err_errno(e, "a set of rules for files");
	for (size_t i = 0; i < n && r == 0; i++)
		r = allow(fd, &v[i], set.handled_fs, e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_errno(e, "confine this process to its files");
	return 0;
}

/* ---- system calls; as in <linux/filter.h>, <linux/seccomp.h> and <linux/audit.h> ---- */

#if defined(__x86_64__)
#define AUDIT_ARCH 0xc000003eu
#elif defined(__aarch64__)
#define AUDIT_ARCH 0xc00000b7u
#endif

#ifndef AUDIT_ARCH

int confine_calls(struct err *e)
{
	return err_set(e, -EOPNOTSUPP, "no filter of system calls for this processor");
}

#else

struct bpf {
	uint16_t code;
	uint8_t yes, no; /* instructions to skip */
	uint32_t k;
};

struct bpf_program {
	unsigned short len;
	const struct bpf *v;
};

enum { BPF_LOAD = 0x20, BPF_EQUAL = 0x15, BPF_ABOVE = 0x35, BPF_RETURN = 0x06 };
enum { DATA_CALL = 0, DATA_ARCH = 4 }; /* offsets in struct seccomp_data */
#define ACT_ALLOW 0x7fff0000u
#define ACT_ERROR 0x00050000u
#define ACT_KILL  0x80000000u
enum { MODE_FILTER = 2, X32 = 0x40000000 };

/* Numbers instead of names where the C library may be older than the call. */
static const unsigned short refused[] = {
	/* programs, processes, and what looks into them */
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_kill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	434 /* pidfd_open */,
	438 /* pidfd_getfd */,
	424 /* pidfd_send_signal */,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	/* the network, and whoever listens on this machine */
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	/* ways round the names of files */
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	425 /* io_uring_setup */,
	426,
	427,
	SYS_mknodat,
#ifdef SYS_mknod
	SYS_mknod,
#endif
	/* who owns files and who may use them, which Landlock does not watch */
	SYS_fchmodat,
	SYS_fchownat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_utimensat,
	452 /* fchmodat2 */,
	463 /* setxattrat */,
#ifdef SYS_chmod
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_utimes,
	SYS_utime,
	SYS_futimesat,
#endif
	/* the system */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	428 /* open_tree */,
	429 /* move_mount */,
	430 /* fsopen */,
	431 /* fsconfig */,
	432 /* fsmount */,
	442 /* mount_setattr */,
	SYS_unshare,
	SYS_setns,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_fanotify_init,
	SYS_personality,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_capset,
	SYS_migrate_pages,
	SYS_move_pages,
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
#endif
};

int confine_calls(struct err *e)
{
	enum { N = sizeof(refused) / sizeof(*refused), MAX = N + 8 };
	struct bpf v[MAX];
	struct bpf_program p = { .v = v };
	unsigned n = 0;

	v[n++] = (struct bpf){ BPF_LOAD, 0, 0, DATA_ARCH };
	v[n++] = (struct bpf){ BPF_EQUAL, 1, 0, AUDIT_ARCH };
	v[n++] = (struct bpf){ BPF_RETURN, 0, 0, ACT_KILL };
	v[n++] = (struct bpf){ BPF_LOAD, 0, 0, DATA_CALL };
	v[n++] = (struct bpf){ BPF_ABOVE, (uint8_t)(N + 1), 0, X32 };
	for (unsigned i = 0; i < N; i++)
		v[n++] = (struct bpf){ BPF_EQUAL, (uint8_t)(N - i), 0, refused[i] };
	v[n++] = (struct bpf){ BPF_RETURN, 0, 0, ACT_ALLOW };
	v[n++] = (struct bpf){ BPF_RETURN, 0, 0, ACT_ERROR | EPERM };
	p.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "give up new rights");
	if (prctl(PR_SET_SECCOMP, MODE_FILTER, &p, 0, 0) < 0)
		return errno == EINVAL ? err_set(e, -EOPNOTSUPP,
						 "this kernel has no filter of system calls")
				       : err_errno(e, "a filter of system calls");
	return 0;
}

#endif

/* ---- limits ---- */

static int lower(int what, uint64_t to, struct err *e)
{
	struct rlimit l;

	if (getrlimit((__typeof__(RLIMIT_AS))what, &l) < 0)
		return err_errno(e, "look at limits");
	if (l.rlim_max > to)
		l.rlim_max = to;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	return setrlimit((__typeof__(RLIMIT_AS))what, &l) < 0 ? err_errno(e, "set a limit") : 0;
}

int confine_limits(uint64_t memory, uint64_t cpu_seconds, struct err *e)
{
	int r = lower(RLIMIT_CORE, 0, e);

/* their shadow is larger than any memory */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (r == 0 && memory)
		r = lower(RLIMIT_AS, memory, e);
#endif
	return r < 0 ? r : lower(RLIMIT_CPU, cpu_seconds, e);
}
