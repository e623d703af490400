/* SPDX-License-Identifier: MIT */
/* What translated code must not do: enter the host's kernel, or reach memory of the emulator. */
#include "tests/unit/emu/host_code.h"
#include "tests/unit/emu/long.h"

#define RING3                                                                     \
	"push 0x2b\n push 0x30000\n push 0x202\n push 0x33\n push user\n iretq\n" \
	"user:\n"

/* rbx is an address of the emulator's, a multiple of 64. */
static const char *const reach[] = {
	"mov rax, [rbx]\n",
	"mov [rbx], rax\n",
	"mov [rbx+8], ah\n",
	"lock xadd [rbx], rax\n",
	"xchg [rbx], r14\n",
	"push qword [rbx]\n",
	"pop qword [rbx]\n",
	"call [rbx]\n",
	"jmp [rbx]\n",
	"jmp rbx\n",
	"push rbx\n ret\n",
	"lea rsp, [rbx+16]\n push rax\n",
	"mov rsp, rbx\n ret\n",
	"mov rsp, rbx\n pop rax\n",
	"mov rbp, rbx\n leave\n",
	"lea rsp, [rbx+32]\n enter 8, 0\n",
	"movaps xmm0, [rbx]\n",
	"movups [rbx+1], xmm0\n",
	"mov rdi, rbx\n pcmpeqb xmm1, xmm1\n maskmovdqu xmm0, xmm1\n",
	"cmpxchg16b [rbx]\n",
	"fxsave [rbx]\n",
	"fnsave [rbx]\n",
	"fbstp [rbx]\n",
	"xor edx, edx\n mov eax, 3\n xsave [rbx]\n",
	"mov rdi, rbx\n mov ecx, 8\n rep stosb\n",
	"mov rsi, rbx\n mov edi, 0x20000000\n mov ecx, 8\n rep movsq\n",
	"mov edx, 0x20000000\n mov rcx, rbx\n sub rcx, rdx\n shl rcx, 3\n bts [rdx], rcx\n",
	"mov edx, 0x20000000\n mov rcx, rbx\n sub rcx, rdx\n mov rax, [rdx+rcx]\n",
	"xor eax, eax\n xlatb\n",
	"stmxcsr [rbx]\n",
	"movbe [rbx], rax\n",
};

/* The same, for ring 0. */
static const char *const reach0[] = {
	"mov ecx, 0xc0000100\n mov eax, ebx\n mov rdx, rbx\n shr rdx, 32\n wrmsr\n"
	"mov [fs:0], rax\n",
	"mov ecx, 0xc0000101\n mov eax, ebx\n mov rdx, rbx\n shr rdx, 32\n wrmsr\n"
	"mov [gs:8], rax\n",
	"mov ecx, 0xc0000102\n mov eax, ebx\n mov rdx, rbx\n shr rdx, 32\n wrmsr\n swapgs\n"
	"inc qword [gs:0]\n",
	"lgdt [rbx]\n",
	"sidt [rbx]\n",
	"invlpg [rbx]\n mov [rbx], rax\n",
};

static void expect_fault(const char *ring, const char *text, uint64_t at)
{
	char all[4096];

	snprintf(all, sizeof(all),
		 "%s mov ax, 0x40\n ltr ax\n mov rax, cr4\n or eax, 0x200\n mov cr4, rax\n"
		 "mov rbx, 0x%llx\n %s %s",
		 IDT, (unsigned long long)at, ring, text);
	begin(all);
	find_stubs();
	/* whatever rsp is: the handler has a stack */
	for (unsigned v = 0; v < 32; v++)
		g.ram[0x9000 + 16 * v + 4] = 1;
	assert_int_equal(guest_run(&g), EXIT_HALT);
	if (reg(X86_R8) != X86_PF || reg(X86_R11) - at >= 512)
		print_message("# %s: vector %d\n", text, (int)reg(X86_R8));
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_true(reg(X86_R11) - at < 512);
}

static void no_reach(void **state)
{
	static _Alignas(64) uint8_t prey[1024], same[1024];
	struct soft *s = soft_of(g.v.x86);
	uint64_t at[] = { (uint64_t)(uintptr_t)prey,
			  (uint64_t)(uintptr_t)s->cache,
			  (uint64_t)(uintptr_t)g.v.x86,
			  (uint64_t)(uintptr_t)s->tlb,
			  (uint64_t)(uintptr_t)cache_stubs(s->cache)->exit,
			  (uint64_t)(uintptr_t)g.ram };

	(void)state;
	memset(prey, 0x5a, sizeof(prey));
	memset(same, 0x5a, sizeof(same));
	for (unsigned k = 0; k < sizeof(at) / sizeof(*at); k++) {
		for (unsigned i = 0; i < sizeof(reach) / sizeof(*reach); i++) {
			expect_fault("", reach[i], at[k] & ~63ull);
			expect_fault(RING3, reach[i], at[k] & ~63ull);
		}
		for (unsigned i = 0; i < sizeof(reach0) / sizeof(*reach0); i++)
			expect_fault("", reach0[i], at[k] & ~63ull);
	}
	assert_memory_equal(prey, same, sizeof(prey));
	assert_true(host_code(s->cache) > 100);
}

/* exit_group(77) of the host, by all doors: this process goes on. */
static void no_system_call(void **state)
{
	static const char *const rings[] = { "", RING3 };

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		char text[2048];

		snprintf(
			text, sizeof(text),
			"%s mov ax, 0x40\n ltr ax\n mov ecx, 0xc0000081\n mov edx, 0x00200010\n"
			"xor eax, eax\n wrmsr\n inc ecx\n mov eax, sys\n xor edx, edx\n wrmsr\n"
			"%s mov eax, 231\n mov edi, 77\n syscall\n jmp $\n"
			"sys: mov r8d, 99\n",
			IDT, rings[k]);
		run(text);
		assert_int_equal(reg(X86_R8), 99);
		snprintf(
			text, sizeof(text),
			"%s mov ax, 0x40\n ltr ax\n %s mov eax, 252\n mov ebx, 77\n int 0x80\n",
			IDT, rings[k]);
		run(text);
		assert_int_equal(reg(X86_R8), X86_GP);
		snprintf(
			text, sizeof(text),
			"%s mov ax, 0x40\n ltr ax\n %s mov eax, 252\n mov ebx, 77\n sysenter\n",
			IDT, rings[k]);
		run(text);
		assert_true(reg(X86_R8) == X86_GP || reg(X86_R8) == X86_UD);
	}
	/* 32-bit code, where nothing catches it */
	guest_asm(&g, 32, "mov eax, 252\n mov ebx, 77\n int 0x80\n");
	guest_flat32(&g);
	assert_int_equal(guest_run(&g), EXIT_SHUTDOWN);
	guest_asm(&g, 32, "mov eax, 252\n mov ebx, 77\n sysenter\n");
	guest_flat32(&g);
	assert_int_equal(guest_run(&g), EXIT_SHUTDOWN);
	assert_true(host_code(soft_of(g.v.x86)->cache) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(no_reach),
		BOTH(no_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
