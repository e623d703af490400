/* SPDX-License-Identifier: MIT */
#include "host/recorder.h"

#include "base/io.h"
#include "base/mem.h"
#include "host/cpuid.h"
#include "host/diskless.h"
#include "host/emulators.h"
#include "host/kvm.h"
#include "host/mounts.h"
#include "host/msr.h"
#include "host/record.h"
#include "host/recorder/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A machine with hundreds of devices has some ten thousand; more is no machine. */
#define MAX_FILES 100000

static void say_cpuid(struct rec *r)
{
	for (size_t i = 0; i < cpuid_leaves_n; i++) {
		const struct cpuid_leaf *l = &cpuid_leaves[i];
		struct cpuid_regs regs;

		if (cpuid_read(r->h, l->leaf, l->sub, &regs, NULL) < 0)
			continue;
		/* bits 31-24 of EBX are the number of the processor this ran on */
		if (l->leaf == 1)
			regs.ebx &= 0xffffff;
		str_addf(&r->answers, "cpuid 0x%x 0x%x = 0x%x 0x%x 0x%x 0x%x\n", l->leaf,
			 l->sub, regs.eax, regs.ebx, regs.ecx, regs.edx);
	}
}

static void say_msrs(struct rec *r)
{
	static const uint32_t nums[] = { MSR_FEAT_CTL, MSR_VMX_PROC2, MSR_VM_CR };

	if (!cpuid_is_x86(r->h))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(nums); i++) {
		uint64_t v;
		int code = msr_read(r->h, 0, nums[i], &v, NULL);

		if (code == 0) {
			str_addf(&r->answers, "msr 0 0x%x = 0x%llx\n", nums[i],
				 (unsigned long long)v);
		} else if (code == -EIO) {
			str_addf(&r->answers, "msr 0 0x%x = EIO\n", nums[i]);
		} else if (code != -ENODATA) {
			/* the same for all of them */
			rec_access(r, "/dev/cpu/0/msr", code);
			return;
		}
	}
}

static void say_code(struct rec *r, const char *key, int code)
{
	const char *name = code < 0 ? record_errno_name(code) : NULL;

	if (code >= 0)
		str_addf(&r->answers, "kvm %s = %d\n", key, code);
	else if (code != -ENODATA)
		str_addf(&r->answers, "kvm %s = %s\n", key, name ? name : "EIO");
}

static void say_device(struct rec *r, enum kvm_dev nr, enum tri t)
{
	if (t != TRI_UNKNOWN)
		str_addf(&r->answers, "kvm device %d = %s\n", nr,
			 t == TRI_YES ? "0" : "ENODEV");
}

static void say_kvm(struct rec *r)
{
	struct kvm k;

	if (kvm_probe(r->h, &k, NULL) < 0)
		return;
	say_code(r, "api", k.open < 0 ? k.open : k.api);
	if (k.open < 0 || k.api < 0)
		return;
	say_code(r, "create_vm", k.create_vm);
	say_code(r, "runs", k.runs);
	if (k.runs < 0 && k.why_not[0] && !strpbrk(k.why_not, "#\n"))
		str_addf(&r->answers, "kvm why_not = %s\n", k.why_not);
	str_addf(&r->answers, "kvm cap %d = %u\n", KVM_CAP_VCPUS, k.vcpus);
	str_addf(&r->answers, "kvm cap %d = %u\n", KVM_CAP_MEMSLOTS, k.memslots);
	str_addf(&r->answers, "kvm cap %d = %u\n", KVM_CAP_VCPUS_MAX, k.vcpus_max);
	str_addf(&r->answers, "kvm cap %d = %u\n", KVM_CAP_NESTED, k.nested_state);
	if (k.ipa_bits)
		str_addf(&r->answers, "kvm cap %d = %u\n", KVM_CAP_IPA, k.ipa_bits);
	if (k.arm32 != TRI_UNKNOWN)
		str_addf(&r->answers, "kvm cap %d = %d\n", KVM_CAP_ARM32, k.arm32 == TRI_YES);
	say_device(r, KVM_DEV_GIC_V2, k.gic_v2);
	say_device(r, KVM_DEV_GIC_V3, k.gic_v3);
	say_device(r, KVM_DEV_ITS, k.its);
}

static void say_statfs(struct rec *r, const char *path)
{
	uint64_t type, bsize;

	if (!strpbrk(path, " \t\r\n=#") && host_statfs(r->h, path, &type, &bsize, NULL) == 0)
		str_addf(&r->answers, "statfs %s = 0x%llx 0x%llx\n", path,
			 (unsigned long long)type, (unsigned long long)bsize);
}

/* The root, and every place where huge pages are or should be. */
static int say_mounts(struct rec *r, struct err *e)
{
	struct rec_row row = { NULL, REC_NODE, CLEAN_SECRETS };
	struct mounts m;
	int code = 0;

	say_statfs(r, "/");
	say_statfs(r, "/dev/hugepages");
	if (mounts_read(r->h, &m, NULL) < 0)
		return 0;
	for (size_t i = 0; code == 0 && i < m.n; i++) {
		if (strcmp(m.v[i].type, "hugetlbfs") || strchr(m.v[i].target, '*') ||
		    strchr(m.v[i].target, '%'))
			continue;
		if (strcmp(m.v[i].target, "/dev/hugepages"))
			say_statfs(r, m.v[i].target);
		row.path = m.v[i].target;
		code = rec_copy(r, &row, e);
	}
	mounts_free(&m);
	return code;
}

static int copy_firmware(struct rec *r, struct err *e)
{
	struct rec_row row = { NULL, REC_NODE, CLEAN_SECRETS };
	const struct firmware *f;
	size_t pos = 0;
	int code = 0;

	while (code == 0 && (f = firmware_next(r->h, &pos))) {
		row.path = f->path;
		code = rec_copy(r, &row, e);
	}
	return code;
}

static void say_uncommitted(struct rec *r)
{
	struct diskless d;

	if (diskless_read(r->h, &d, NULL) < 0 || d.uncommitted == TRI_UNKNOWN)
		return;
	if (strpbrk(d.example, "#\n"))
		d.example[0] = '\0';
	str_addf(&r->answers, "lbu uncommitted = %s\n",
		 d.uncommitted == TRI_NO ? "no"
		 : d.example[0]          ? d.example
					 : "yes");
}

/* The folder to write into: new, or one with nothing in it. */
static int open_dir(const char *dir, struct err *e)
{
	struct dirent *d;
	bool empty = true;
	DIR *list;
	int fd;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return err_errno(e, "make the folder %s", dir);
	fd = io_open(dir, O_RDONLY | O_DIRECTORY, 0, e);
	if (fd < 0)
		return fd;
	list = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	while (list && (d = readdir(list)))
		empty &= !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");
	if (list)
		closedir(list);
	if (list && empty)
		return fd;
	io_close(fd);
	return list ? err_set(e, -EEXIST, "%s is not empty", dir) : err_set(e, -EIO, "%s", dir);
}

static int write_answers(struct rec *r, struct err *e)
{
	size_t len = r->answers.len;
	AUTO_CLOSE int fd = -1;
	char *text = str_take(&r->answers, e);
	int code;

	if (!text)
		return -ENOMEM;
	fd = io_openat(r->dir, &HOST_RECORD_FILE[1], O_WRONLY | O_CREAT | O_EXCL, 0644, e);
	code = fd < 0 ? fd : io_write(fd, text, len, e);
	if (code == 0)
		code = io_sync(fd, true, e);
	mem_freep(&text);
	return code < 0 ? err_wrap(e, code, "%s", HOST_RECORD_FILE) : 0;
}

int host_record_write(const struct host *h, const char *dir, struct err *e)
{
	struct rec r = { .h = h, .dir = -1, .answers = STR_INIT, .left = MAX_FILES };
	int code;

	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "%s is an image: there is nothing but its files",
			       host_root(h));
	r.dir = open_dir(dir, e);
	if (r.dir < 0)
		return r.dir;
	if (host_read_line(h, "/proc/sys/kernel/osrelease", r.release, sizeof(r.release),
			   NULL) < 0 ||
	    strpbrk(r.release, "/*%"))
		r.release[0] = '\0';
	str_addf(&r.answers, "# A host as hostcheck saw it.  See src/host/record.h.\n");
	str_addf(&r.answers, "arch = %s\neuid = %u\n", host_arch(h), host_euid(h));
	say_cpuid(&r);
	say_msrs(&r);
	say_kvm(&r);
	say_uncommitted(&r);
	code = say_mounts(&r, e);
	for (size_t i = 0; code == 0 && i < rec_rows_n; i++)
		code = rec_copy(&r, &rec_rows[i], e);
	if (code == 0)
		code = copy_firmware(&r, e);
	if (code == 0)
		code = write_answers(&r, e);
	str_free(&r.answers);
	io_close(r.dir);
	return code < 0 ? err_wrap(e, code, "%s", dir) : 0;
}
