/* SPDX-License-Identifier: MIT */
/* The accelerator kvm: virtual machine, memory, vCPUs. */
#include "emu/accel/kvm.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/mem.h"
#include "host/kvm_guest.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Three pages that Intel's processors need for real mode; nobody else's. */
#define TSS_AT 0xfffbd000u

int kvm_dev(struct err *e)
{
	int fd = io_open("/dev/kvm", O_RDWR, 0, e), v;

	if (fd < 0)
		return fd;
	v = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (v != KVM_API_VERSION ||
	    ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT) <= 0 ||
	    ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE) <= 0) {
		io_close(fd);
		return err_set(e, -ENOTSUP,
			       "/dev/kvm is older than what is needed (version %d)", v);
	}
	return fd;
}

static int runs_guests(struct err *e)
{
	AUTO_CLOSE int dev = kvm_dev(e);
	int r = dev < 0 ? dev : kvm_guest_try(dev, e);

	return dev >= 0 && r < 0 ? err_wrap(e, r, "/dev/kvm is there, but does not run kernels")
				 : r;
}

static int set_slot(struct kvm_vm *vm, unsigned n, const struct mem_slot *s)
{
	struct kvm_userspace_memory_region r = { .slot = n };

	if (s) {
		r.guest_phys_addr = s->gpa;
		r.memory_size = s->size;
		r.userspace_addr = (uint64_t)(uintptr_t)s->host;
		r.flags = s->writable ? 0 : KVM_MEM_READONLY;
	}
	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

/* All anew: it happens seldom, and with no vCPU in guest code. */
static int set_memory(struct kvm_vm *vm, struct err *e)
{
	size_t n;
	const struct mem_slot *s = mem_slots(vm->env.mem, &n);

	for (unsigned i = 0; i < vm->slots; i++)
		set_slot(vm, i, NULL);
	vm->slots = 0;
	if (n > KVM_SLOTS)
		return err_set(e, -ENOSPC, "more than %d pieces of memory", KVM_SLOTS);
	for (; vm->slots < n; vm->slots++)
		if (set_slot(vm, vm->slots, &s[vm->slots]) < 0)
			return err_errno(e, "KVM does not take memory at %#llx",
					 (unsigned long long)s[vm->slots].gpa);
	return 0;
}

static void changed(void *arg, uint64_t gpa, uint64_t size)
{
	(void)gpa;
	(void)size;
	/* what is not taken is not there: the guest's access to it comes to the bus */
	if (set_memory(arg, NULL) < 0)
		return;
}

static void woken(int sig)
{
	(void)sig;
}

static int vm_open(const struct accel_env *env, const char *opts, void **out, struct err *e)
{
	struct kvm_vm *vm;
	struct sigaction sa = { .sa_handler = woken };
	int r;

	if (opts && *opts)
		return err_set(e, -EINVAL, "the accelerator kvm has no option '%s'", opts);
	vm = mem_zalloc(1, sizeof(*vm), e);
	if (!vm)
		return -ENOMEM;
	vm->env = *env;
	vm->fd = -1;
	vm->dev = r = kvm_dev(e);
	if (r >= 0) {
		vm->fd = ioctl(vm->dev, KVM_CREATE_VM, 0);
		r = vm->fd < 0 ? err_errno(e, "KVM_CREATE_VM") : 0;
	}
	if (r == 0) {
		const struct mem_listener l = { .changed = changed, .arg = vm };

		vm->run_size = (size_t)ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
		ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_AT);
		sigaction(SIGUSR1, &sa, NULL);
		r = set_memory(vm, e);
		if (r == 0)
			r = mem_listen(env->mem, &l, e);
	}
	if (r < 0) {
		io_close(vm->fd);
		io_close(vm->dev);
		free(vm);
		return r;
	}
	*out = vm;
	return 0;
}

static void vcpu_fini(struct vcpu *v)
{
	struct kvm_vcpu *k = v->accel;

	if (!k)
		return;
	if (k->run)
		munmap(k->run, k->vm->run_size);
	io_close(k->fd);
	free(k);
	v->accel = NULL;
}

static int vcpu_init(void *arg, struct vcpu *v, struct err *e)
{
	struct kvm_vm *vm = arg;
	struct kvm_vcpu *k = mem_zalloc(1, sizeof(*k), e);
	void *p;
	int r = 0;

	if (!k)
		return -ENOMEM;
	v->accel = k;
	k->vm = vm;
	k->v = v;
	k->full_load = true;
	k->fd = ioctl(vm->fd, KVM_CREATE_VCPU, v->x86->index);
	if (k->fd < 0)
		r = err_errno(e, "KVM_CREATE_VCPU %u", v->index);
	if (r == 0) {
		p = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
		if (p == MAP_FAILED)
			r = err_errno(e, "the shared page of vCPU %u", v->index);
		else
			k->run = p;
	}
	if (r == 0 && v->x86->cpuid)
		r = kvm_set_cpuid(k->fd, v->x86->cpuid, v->x86->index, e);
	if (r < 0)
		vcpu_fini(v);
	return r;
}

static void kick(struct vcpu *v)
{
	struct kvm_vcpu *k = v->accel;

	if (!k)
		return;
	k->run->immediate_exit = 1;
	if (atomic_load(&k->in_thread) && !pthread_equal(k->thread, pthread_self()))
		pthread_kill(k->thread, SIGUSR1);
}

static void vm_close(void *arg)
{
	struct kvm_vm *vm = arg;

	io_close(vm->fd);
	io_close(vm->dev);
	free(vm);
}

const struct accel_ops accel_kvm = {
	.name = "kvm",
	.probe = runs_guests,
	.open = vm_open,
	.vcpu_init = vcpu_init,
	.run = kvm_run,
	.kick = kick,
	.vcpu_fini = vcpu_fini,
	.close = vm_close,
	.features = kvm_features,
};
