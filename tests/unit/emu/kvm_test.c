/* SPDX-License-Identifier: MIT */
/* Guests of a few instructions under /dev/kvm, whatever kind it is: ports, memory-mapped
 * registers, halts, interrupts, requests, resets. */
#include "emu/accel.h"
#include "emu/bus.h"
#include "emu/cpu/x86/state.h"
#include "emu/mem.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAM  (1u << 20)
#define CODE 0x8000u

static char seen[256];
static int vector = -1;

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	return 0x5a;
}

static void port_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "%s%llx.%u=%llx ", (char *)dev,
		 (unsigned long long)off, size, (unsigned long long)v);
}

static const struct bus_ops ops = { port_read, port_write, 1, 4 };

static int next_vector(void *arg)
{
	int v = vector;

	vector = -1;
	return v;
}

struct rig {
	uint8_t *ram;
	struct mem *mem;
	struct bus *bus;
	struct bus_region port, mmio;
	void *vm;
	struct vcpu v;
};

static bool rig(struct rig *r)
{
	struct accel_env env = { .vcpus = 1, .pic_vector = next_vector };
	struct err e = { 0 };

	*r = (struct rig){ 0 };
	seen[0] = '\0';
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		printf("# no access to /dev/kvm\n");
		return false;
	}
	assert_int_equal(mem_alloc(RAM, NULL, false, &r->ram, &e), 0);
	assert_int_equal(mem_new(&r->mem, &e), 0);
	assert_int_equal(mem_map(r->mem, 0, RAM, r->ram, true, &e), 0);
	assert_int_equal(bus_new(&r->bus, &e), 0);
	r->port =
		(struct bus_region){ "port", BUS_PORT, 0x3f8, 8, &ops, (char[]){ "p" }, NULL };
	r->mmio = (struct bus_region){ "mmio", BUS_MEM,         0x20000000, 0x1000,
				       &ops,   (char[]){ "m" }, NULL };
	r->port.dev = strdup("p");
	r->mmio.dev = strdup("m");
	assert_int_equal(bus_add(r->bus, &r->port, &e), 0);
	assert_int_equal(bus_add(r->bus, &r->mmio, &e), 0);
	env.mem = r->mem;
	env.bus = r->bus;
	if (accel_kvm.open(&env, NULL, &r->vm, &e) < 0)
		fail_msg("%s", e.msg);
	r->v.ops = &accel_kvm;
	assert_int_equal(x86_cpu_new(&r->v.x86, 0, &e), 0);
	if (accel_kvm.vcpu_init(r->vm, &r->v, &e) < 0)
		fail_msg("%s", e.msg);
	return true;
}

static void unrig(struct rig *r)
{
	accel_kvm.vcpu_fini(&r->v);
	accel_kvm.close(r->vm);
	x86_cpu_free(r->v.x86);
	bus_free(r->bus);
	mem_free(r->mem);
	mem_dealloc(r->ram, RAM);
	free(r->port.dev);
	free(r->mmio.dev);
}

static enum exit_reason run(struct rig *r)
{
	struct err e = { 0 };
	enum exit_reason why = accel_kvm.run(&r->v, &e);

	if (why == EXIT_FAILED)
		fail_msg("%s", e.msg);
	return why;
}

static void real_mode(struct rig *r)
{
	struct x86_cpu *c = r->v.x86;

	x86_seg_real(c, X86_CS, 0);
	c->rip = CODE;
	c->gpr[X86_RSP] = 0x7000;
}

static void ports(void **state)
{
	/* mov dx,0x3f8; mov al,'A'; out dx,al; in al,dx; add al,bl; out dx,al; hlt */
	static const uint8_t code[] = { 0xba, 0xf8, 0x03, 0xb0, 'A', 0xee,
					0xec, 0x00, 0xd8, 0xee, 0xf4 };
	struct rig r;

	if (!rig(&r))
		skip();
	memcpy(r.ram + CODE, code, sizeof(code));
	real_mode(&r);
	r.v.x86->gpr[X86_RBX] = 0x11;
	assert_int_equal(run(&r), EXIT_HALT);
	assert_string_equal(seen, "p0.1=41 p0.1=6b ");
	assert_int_equal(r.v.x86->rip, CODE + sizeof(code));
	assert_int_equal(r.v.x86->gpr[X86_RAX] & 0xff, 0x6b);
	unrig(&r);
}

static void long_mode(void **state)
{
	/* mov eax,0x20000000; mov [rax],ebx; mov ecx,[rax+4]; hlt */
	static const uint8_t code[] = { 0xb8, 0, 0, 0, 0x20, 0x89, 0x18, 0x8b, 0x48, 4, 0xf4 };
	const uint64_t pml4 = 0x2003, pdpt = 0x3003;
	struct x86_cpu *c;
	struct rig r;

	if (!rig(&r))
		skip();
	memcpy(r.ram + CODE, code, sizeof(code));
	memcpy(r.ram + 0x1000, &pml4, 8);
	memcpy(r.ram + 0x2000, &pdpt, 8);
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t pd = i << 21 | 0x83;

		memcpy(r.ram + 0x3000 + i * 8, &pd, 8);
	}
	c = r.v.x86;
	x86_seg_flat(c, 0x10, 0x18, true);
	c->cr0 = CR0_PE | CR0_PG | CR0_ET;
	c->cr3 = 0x1000;
	c->cr4 = CR4_PAE;
	c->efer = EFER_LME | EFER_LMA;
	c->rip = CODE;
	c->gpr[X86_RBX] = 0x1234;
	assert_int_equal(run(&r), EXIT_HALT);
	assert_string_equal(seen, "m0.4=1234 ");
	assert_int_equal(c->gpr[X86_RCX], 0x5a);
	assert_true(x86_code64(c));
	unrig(&r);
}

static void interrupts(void **state)
{
	/* sti; hlt; jmp to the hlt.  Vector 0x20: mov al,'i'; out 0xf8... by dx; iret */
	static const uint8_t code[] = { 0xfb, 0xf4, 0xeb, 0xfd };
	static const uint8_t handler[] = { 0xba, 0xf8, 0x03, 0xb0, 'i', 0xee, 0xcf };
	static const uint8_t entry[] = { 0x00, 0x90, 0, 0 };
	struct rig r;

	if (!rig(&r))
		skip();
	memcpy(r.ram + CODE, code, sizeof(code));
	memcpy(r.ram + 0x9000, handler, sizeof(handler));
	memcpy(r.ram + 0x20 * 4, entry, sizeof(entry));
	real_mode(&r);
	assert_int_equal(run(&r), EXIT_HALT);
	assert_true(r.v.x86->rflags & RFL_IF);
	for (int i = 0; i < 3; i++) {
		vector = 0x20;
		vcpu_ask(&r.v, VCPU_IRQ);
		assert_int_equal(run(&r), EXIT_HALT);
	}
	assert_string_equal(seen, "p0.1=69 p0.1=69 p0.1=69 ");
	/* asked to stop, it stops, and says so with nothing lost */
	vcpu_ask(&r.v, VCPU_STOP);
	assert_int_equal(run(&r), EXIT_REQUEST);
	atomic_store(&r.v.request, 0);
	vector = 0x20;
	vcpu_ask(&r.v, VCPU_IRQ);
	assert_int_equal(run(&r), EXIT_HALT);
	assert_string_equal(seen, "p0.1=69 p0.1=69 p0.1=69 p0.1=69 ");
	/* after a reset it begins anew */
	x86_reset(r.v.x86);
	real_mode(&r);
	r.v.x86->rip = 0x9000;
	r.ram[0x9006] = 0xf4;
	vcpu_ask(&r.v, VCPU_FLUSH);
	assert_int_equal(run(&r), EXIT_HALT);
	assert_int_equal(r.v.x86->rip, 0x9007);
	unrig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports),
		cmocka_unit_test(long_mode),
		cmocka_unit_test(interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
