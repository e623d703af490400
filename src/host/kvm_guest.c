/* SPDX-License-Identifier: MIT */
#include "host/kvm_guest.h"

#ifdef __x86_64__

#include "base/io.h"

#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define SIZE   0x10000u
#define CODE   0x8000u
#define PORT   0xf4u
#define ANSWER 0x5a

/* Bits of the registers: protected mode with paging, 64 bits, SSE allowed. */
#define CR0  0x80000013u /* PG, ET, MP, PE */
#define CR4  0x620u      /* OSXMMEXCPT, OSFXSR, PAE */
#define EFER 0x500u      /* LMA, LME */

/* pcmpeqd xmm0, xmm0; movd eax, xmm0; and al, 0x5a; out 0xf4, al; hlt */
static const uint8_t code[] = { 0x66, 0x0f, 0x76,   0xc0, 0x66, 0x0f, 0x7e,
				0xc0, 0x24, ANSWER, 0xe6, PORT, 0xf4 };

static void set_up(uint8_t *m, struct kvm_sregs *s)
{
	const struct kvm_segment c = { .limit = UINT32_MAX,
				       .selector = 8,
				       .present = 1,
				       .type = 11,
				       .s = 1,
				       .l = 1,
				       .g = 1 };
	struct kvm_segment d = c;
	const uint64_t pml4 = 0x2003, pdpt = 0x3003, pd = 0x83;

	memcpy(m + CODE, code, sizeof(code));
	memcpy(m + 0x1000, &pml4, 8);
	memcpy(m + 0x2000, &pdpt, 8);
	memcpy(m + 0x3000, &pd, 8);
	d.type = 3;
	d.selector = 16;
	d.l = 0;
	d.db = 1;
	s->cs = c;
	s->ds = s->es = s->fs = s->gs = s->ss = d;
	s->cr3 = 0x1000;
	s->cr4 = CR4;
	s->cr0 = CR0;
	s->efer = EFER;
}

static int judge(const struct kvm_run *r, struct err *e)
{
	if (r->exit_reason == KVM_EXIT_IO && r->io.port == PORT &&
	    *((const uint8_t *)r + r->io.data_offset) == ANSWER)
		return 0;
	if (r->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		return err_set(e, -ENOTSUP,
			       "it interprets ring 0, and gave up at an SSE instruction "
			       "(internal error %u)",
			       r->internal.suberror);
	return err_set(e, -ENOTSUP, "a test guest ended with exit reason %u", r->exit_reason);
}

static int run_guest(int vm, int vcpu, struct kvm_run *run, uint8_t *m, struct err *e)
{
	struct kvm_userspace_memory_region mr = { .memory_size = SIZE,
						  .userspace_addr = (uint64_t)(uintptr_t)m };
	struct kvm_regs g = { .rip = CODE, .rsp = 0x7000, .rflags = 2 };
	struct kvm_sregs s;

	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &mr) < 0 ||
	    ioctl(vcpu, KVM_GET_SREGS, &s) < 0)
		return err_errno(e, "a test guest under KVM");
	set_up(m, &s);
	if (ioctl(vcpu, KVM_SET_SREGS, &s) < 0 || ioctl(vcpu, KVM_SET_REGS, &g) < 0)
		return err_errno(e, "the registers of a test guest under KVM");
	while (ioctl(vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, "running a test guest under KVM");
	return judge(run, e);
}

int kvm_guest_try(int dev, struct err *e)
{
	AUTO_CLOSE int vm = ioctl(dev, KVM_CREATE_VM, 0);
	AUTO_CLOSE int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	int size = vcpu < 0 ? -1 : ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), r;
	void *m, *run;

	if (size < (int)sizeof(struct kvm_run))
		return err_errno(e, "a virtual machine of KVM");
	m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (m == MAP_FAILED || run == MAP_FAILED)
		r = err_errno(e, "memory for a test guest");
	else
		r = run_guest(vm, vcpu, run, m, e);
	if (m != MAP_FAILED)
		munmap(m, SIZE);
	if (run != MAP_FAILED)
		munmap(run, (size_t)size);
	return r;
}

#else

int kvm_guest_try(int dev, struct err *e)
{
	return err_set(e, -ENODATA, "there is no test guest for this kind of processor");
}

#endif
