/* SPDX-License-Identifier: MIT */
#include "host/kvm.h"

#include "base/io.h"
#include "host/kvm_guest.h"
#include "host/record.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* Where the answers come from. */
struct asked {
	const struct host *h;
	int fd; /* of /dev/kvm; -1: the record answers */
	int vm;
};

static int recorded(const struct host *h, const char *what, unsigned nr)
{
	char key[48];
	uint64_t v;
	int r;

	snprintf(key, sizeof(key), "kvm %s %u", what, nr);
	r = record_numbers(host_record(h), key, &v, 1, NULL);
	return r < 0 ? r : v > INT32_MAX ? -EINVAL : (int)v;
}

static unsigned cap(const struct asked *a, enum kvm_cap nr)
{
	int r = a->fd < 0 ? recorded(a->h, "cap", nr)
			  : ioctl(a->fd, KVM_CHECK_EXTENSION, (unsigned long)nr);

	return r < 0 ? 0 : (unsigned)r;
}

/* Whether the kernel could make such a device: nothing is made. */
static enum tri device(const struct asked *a, enum kvm_dev nr)
{
	struct kvm_create_device d = { .type = nr, .flags = KVM_CREATE_DEVICE_TEST };
	int r;

	if (a->fd < 0)
		r = recorded(a->h, "device", nr);
	else if (a->vm < 0)
		return TRI_UNKNOWN;
	else
		r = ioctl(a->vm, KVM_CREATE_DEVICE, &d) < 0 ? -errno : 0;
	return r == -ENODATA ? TRI_UNKNOWN : tri_of(r == 0);
}

static void ask_caps(const struct asked *a, struct kvm *out)
{
	bool arm = !strcmp(host_arch(a->h), "aarch64");
	int r;

	out->vcpus = cap(a, KVM_CAP_VCPUS);
	out->vcpus_max = cap(a, KVM_CAP_VCPUS_MAX);
	out->memslots = cap(a, KVM_CAP_MEMSLOTS);
	out->nested_state = cap(a, KVM_CAP_NESTED);
	out->ipa_bits = arm ? cap(a, KVM_CAP_IPA) : 0;
	if (!arm)
		return;
	r = a->fd < 0 ? recorded(a->h, "cap", KVM_CAP_ARM32) : (int)cap(a, KVM_CAP_ARM32);
	out->arm32 = r < 0 ? TRI_UNKNOWN : tri_of(r > 0);
	out->gic_v2 = device(a, KVM_DEV_GIC_V2);
	out->gic_v3 = device(a, KVM_DEV_GIC_V3);
	out->its = device(a, KVM_DEV_ITS);
}

static void probe_record(const struct host *h, struct kvm *out)
{
	const struct host_record *rec = host_record(h);
	struct asked a = { h, -1, -1 };
	const char *why;
	uint64_t v = 0;
	int r = record_numbers(rec, "kvm api", &v, 1, NULL);

	out->open = r;
	if (r < 0)
		return;
	out->api = v > INT32_MAX ? -EINVAL : (int)v;
	r = record_numbers(rec, "kvm create_vm", &v, 1, NULL);
	out->create_vm = r;
	out->runs = record_numbers(rec, "kvm runs", &v, 1, NULL);
	why = record_get(rec, "kvm why_not");
	if (out->runs < 0 && out->runs != -ENODATA)
		snprintf(out->why_not, sizeof(out->why_not), "%s",
			 why ? why : "a test guest did not run");
	ask_caps(&a, out);
}

/* Machine type 0 has guest addresses of 40 bits on arm64, more than some processors can. */
static unsigned long machine_type(int fd)
{
#ifdef __aarch64__
	int bits = ioctl(fd, KVM_CHECK_EXTENSION, (unsigned long)KVM_CAP_IPA);

	return bits > 0 && bits < 40 ? (unsigned long)bits : 0;
#else
	return 0;
#endif
}

static void run_guest(int fd, struct kvm *out)
{
	struct err e = { 0 };

	out->runs = kvm_guest_try(fd, &e);
	if (out->runs < 0)
		snprintf(out->why_not, sizeof(out->why_not), "%.*s",
			 (int)sizeof(out->why_not) - 1, e.msg);
}

static void probe_live(const struct host *h, struct kvm *out)
{
	AUTO_CLOSE int fd = host_openat(h, KVM_NODE, O_RDWR, 0, NULL);
	AUTO_CLOSE int vm = -1;
	struct asked a = { h, fd, -1 };

	out->open = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	out->api = ioctl(fd, KVM_GET_API_VERSION, 0ul);
	if (out->api < 0) {
		out->api = -errno;
		return;
	}
	if (out->api != KVM_API_VERSION) {
		out->create_vm = -ENODATA;
		return;
	}
	vm = ioctl(fd, KVM_CREATE_VM, machine_type(fd));
	out->create_vm = vm < 0 ? -errno : 0;
	a.vm = vm;
	ask_caps(&a, out);
	if (vm >= 0)
		run_guest(fd, out);
}

int kvm_probe(const struct host *h, struct kvm *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->api = out->create_vm = out->runs = -ENODATA;
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "no kernel runs in an image");
	if (host_is_live(h))
		probe_live(h, out);
	else
		probe_record(h, out);
	return 0;
}

bool kvm_works(const struct kvm *k)
{
	return k->open == 0 && k->api == KVM_API_VERSION && k->create_vm == 0;
}

bool kvm_runs_no_kernel(const struct kvm *k)
{
	return kvm_works(k) && k->runs < 0 && k->runs != -ENODATA;
}
