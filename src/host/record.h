/* SPDX-License-Identifier: MIT */
/*
 * What a recorded host (see host.h) keeps beside its files: answers that no plain file can
 * give.  A text file, one answer a line, '#' begins a comment:
 *
 *	arch = x86_64
 *	euid = 0
 *	cpuid 0x80000001 0x0 = 0x20f10 0x0 0x7 0x2d3fbff	eax ebx ecx edx
 *	msr 0 0x3a = 0x5			processor, number; or an errno name: EIO
 *	node /dev/kvm = c 10 232 0660 0 34	kind major minor mode uid gid; kinds c b f d
 *	statfs /dev/hugepages = 0x958458f6 0x200000
 *	kvm api = 12				KVM_GET_API_VERSION; or an errno name of open()
 *	kvm create_vm = 0			0 or an errno name
 *	kvm runs = 0				a test guest ran (host/kvm_guest.h), or an errno name
 *	kvm why_not = it ...			what it did instead
 *	kvm cap 157 = 4224			KVM_CHECK_EXTENSION
 *	kvm device 7 = 0			KVM_CREATE_DEVICE with the test flag
 *	access /dev/vhost-net = EBUSY		what open() said, or read(), where it failed
 *	acl /dev/kvm = 0x0200...		system.posix_acl_access, in hexadecimal
 *	lbu uncommitted = /etc/fstab		"no", or a file that would be lost
 *
 * What is not in the record was not asked: -ENODATA.
 */
#ifndef HOST_RECORD_H
#define HOST_RECORD_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define HOST_RECORD_FILE "/.hostkit-record"

struct host_record;

/* Parses @text; -EINVAL names line and fault. */
int record_parse(const char *text, size_t len, struct host_record **out, struct err *e)
	MUST_CHECK;
void record_free(struct host_record *r);

/* What stands behind @key ("msr 0 0x3a", blanks single), or NULL.  Belongs to @r. */
const char *record_get(const struct host_record *r, const char *key);
/* The @n numbers behind @key.  An errno name gives that error, no such key -ENODATA,
 * anything else -EINVAL. */
int record_numbers(const struct host_record *r, const char *key, uint64_t *v, size_t n,
		   struct err *e) MUST_CHECK;

/* "EACCES" for -EACCES; NULL for one that a record has no name for. */
const char *record_errno_name(int code);

#endif
