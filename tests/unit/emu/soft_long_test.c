/* SPDX-License-Identifier: MIT */
/* 64-bit code: faults and what their handlers see, rings, system calls, code that changes. */
#include "tests/unit/emu/long.h"

static uint64_t data_byte(uint64_t off)
{
	return g.ram[guest_data(off)];
}

static void page_faults(void **state)
{
	(void)state;
	run(IDT "mov rbx, 0x20003000\n mov rax, [rbx+5]\n");
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_int_equal(reg(X86_R9), 0);
	assert_int_equal(reg(X86_R11), 0x20003005);

	/* The second page of a write decides, and nothing is written before. */
	memset(g.ram + guest_data(0x2ff0), 0x55, 16);
	run(IDT "mov rbx, 0x20002ffd\n mov eax, -1\n stc\n mov [rbx], rax\n");
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_int_equal(reg(X86_R9), PF_W);
	assert_int_equal(reg(X86_R11), 0x20003000);
	assert_int_equal(data_byte(0x2ffd), 0x55);

	/* A read-only page, as CR0.WP has it. */
	begin(IDT "mov rbx, 0x20001008\n mov eax, [rbx]\n add dword [rbx], 1\n");
	find_stubs();
	guest_put64(&g, 0x4008, guest_data(0x1000) | 5);
	assert_int_equal(guest_run(&g), EXIT_HALT);
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_int_equal(reg(X86_R9), PF_P | PF_W);
	/* accessed, not dirty */
	assert_int_equal(guest_get64(&g, 0x4008) & 0x60, 0x20);
	/* ENTER writes nothing at its last stack pointer, but faults as if it did. */
	begin(IDT "mov rsp, 0x20002800\n mov rbp, 7\n enter 0x900, 0\n");
	find_stubs();
	guest_put64(&g, 0x4008, guest_data(0x1000) | 5);
	assert_int_equal(guest_run(&g), EXIT_HALT);
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_int_equal(reg(X86_R9), PF_P | PF_W);
	assert_int_equal(reg(X86_R11), 0x20001ef8);
	assert_int_equal(reg(X86_RBP), 7);
	/* not canonical */
	run(IDT "mov rbx, 0x1234567812345678\n mov eax, [rbx]\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	/* no stack to tell of it on */
	begin(IDT "mov rsp, 0x1234567812345678\n mov rbp, rsp\n mov eax, [rbp]\n");
	find_stubs();
	assert_int_equal(guest_run(&g), EXIT_SHUTDOWN);
}

/* After the flush by CR3 the table of targets has what was true before: an address that differs
 * from such a target above its 48 bits is no address. */
static void stale_targets(void **state)
{
	(void)state;
	for (int k = -8; k <= 8; k++) {
		char text[2048];

		if (!k)
			continue;
		snprintf(text, sizeof(text),
			 "%s lea rbx, [rel spot]\n xor esi, esi\n"
			 "first: jmp rbx\n spot: inc esi\n cmp esi, 4\n jb first\n"
			 "mov rax, cr3\n mov cr3, rax\n"
			 "mov rdx, 0x%llx\n add rbx, rdx\n lea rdi, [rel bad]\n"
			 "bad: jmp rbx\n",
			 IDT, (unsigned long long)k << 48);
		run(text);
		assert_int_equal(reg(X86_R8), X86_GP);
		assert_int_equal(reg(X86_RSI), 4);
		assert_int_equal(reg(X86_R10), reg(X86_RDI));
	}
}

/* Code and data of a page that becomes another, after what tells the processor of it. */
static void remapped(void **state)
{
	static const struct {
		const char *flush;
		bool global;
	} ways[] = {
		{ "mov rax, cr3\n mov cr3, rax\n", false },
		{ "invlpg [rbx]\n", false },
		{ "invlpg [rbx]\n", true },
		{ "mov rax, cr3\n mov cr3, rax\n invlpg [rbx+0xfff]\n", true },
		{ "mov rax, cr4\n xor eax, 0x80\n mov cr4, rax\n", true },
	};
	static const uint8_t one[] = { 0xb8, 1, 0, 0, 0, 0xc3 }; /* mov eax, 1; ret */

	(void)state;
	for (unsigned k = 0; k < sizeof(ways) / sizeof(*ways); k++) {
		uint64_t bits = 7 | (ways[k].global ? 0x100 : 0);
		char text[2048];

		snprintf(text, sizeof(text),
			 "%s mov rax, cr4\n or eax, 0x80\n mov cr4, rax\n"
			 "mov rbx, 0x20001000\n mov ecx, 4\n"
			 "again: call rbx\n mov ebp, [rbx+1]\n dec ecx\n jnz again\n"
			 "mov esi, eax\n mov rdx, 0x%llx\n mov [0x4008], rdx\n %s"
			 "call rbx\n mov edi, eax\n mov r12d, [rbx+1]\n",
			 IDT, (unsigned long long)(guest_data(0x2000) | bits), ways[k].flush);
		begin(text);
		find_stubs();
		guest_put64(&g, 0x4008, guest_data(0x1000) | bits);
		memcpy(g.ram + guest_data(0x1000), one, sizeof(one));
		memcpy(g.ram + guest_data(0x2000), one, sizeof(one));
		g.ram[guest_data(0x2001)] = 2;
		assert_int_equal(guest_run(&g), EXIT_HALT);
		assert_int_equal(reg(X86_RSI), 1);
		assert_int_equal(reg(X86_RBP), 1);
		assert_int_equal(reg(X86_RDI), 2);
		assert_int_equal(reg(X86_R12), 2);
	}
}

static void no_execute(void **state)
{
	(void)state;
	begin(IDT "mov rbx, 0x20001000\n jmp rbx\n");
	find_stubs();
	guest_put64(&g, 0x4008, guest_data(0x1000) | 7 | 1ull << 63);
	assert_int_equal(guest_run(&g), EXIT_HALT);
	assert_int_equal(reg(X86_R8), X86_PF);
	assert_int_equal(reg(X86_R9), PF_P | PF_I);
	assert_int_equal(reg(X86_R10), 0x20001000);
}

static void host_exceptions(void **state)
{
	(void)state;
	run(IDT "xor ecx, ecx\n mov eax, 5\n cdq\n here: div ecx\n");
	assert_int_equal(reg(X86_R8), X86_DE);
	assert_int_equal(reg(X86_RAX) & 0xff, 0); /* the handler's mask */
	run(IDT "mov r13d, 0\n mov eax, 5\n cdq\n idiv r13\n");
	assert_int_equal(reg(X86_R8), X86_DE);
	run(IDT "mov rbx, 0x20000001\n movaps xmm0, [rbx]\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	assert_int_equal(reg(X86_R9), 0);
	run(IDT "mov rbx, 0x20000000\n mov dword [rbx], 0x1d80\n ldmxcsr [rbx]\n"
		"mov eax, 1\n cvtsi2sd xmm0, eax\n xorps xmm1, xmm1\n divsd xmm0, xmm1\n");
	assert_int_equal(reg(X86_R8), X86_XM);
	run(IDT "mov rbx, 0x20000000\n fninit\n mov word [rbx], 0x37b\n fldcw [rbx]\n"
		"fld1\n fldz\n fdivp\n fwait\n");
	assert_int_equal(reg(X86_R8), X86_MF);
	run(IDT "ud2\n");
	assert_int_equal(reg(X86_R8), X86_UD);
	/* whatever state the x87 is in */
	run(IDT "mov rax, cr0\n or eax, 8\n mov cr0, rax\n ud2\n");
	assert_int_equal(reg(X86_R8), X86_UD);
	run(IDT "lock mov eax, ebx\n");
	assert_int_equal(reg(X86_R8), X86_UD);
	run(IDT "mov rax, cr0\n or eax, 8\n mov cr0, rax\n addps xmm0, xmm1\n");
	assert_int_equal(reg(X86_R8), X86_NM);
}

static void events(void **state)
{
	(void)state;
	run(IDT "int 20\n");
	assert_int_equal(reg(X86_R8), 20);
	run(IDT "int3\n");
	assert_int_equal(reg(X86_R8), X86_BP);
	/* the trap flag: after the instruction behind POPF */
	run(IDT "pushfq\n or qword [rsp], 0x100\n popfq\n inc rbx\n inc rbx\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	/* a handler without a present gate: #NP becomes the event */
	begin(IDT "ud2\n");
	find_stubs();
	guest_put64(&g, 0x9000 + 16 * X86_UD, 0);
	assert_int_equal(guest_run(&g), EXIT_HALT);
	assert_int_equal(reg(X86_R8), X86_GP);
	assert_int_equal(reg(X86_R9), X86_UD * 8 + 2 + 1);
	/* #GP that cannot be delivered: double fault; with no gate for that: shutdown */
	begin(IDT "mov rbx, 0x1234567812345678\n mov eax, [rbx]\n");
	find_stubs();
	guest_put64(&g, 0x9000 + 16 * X86_GP, 0);
	assert_int_equal(guest_run(&g), EXIT_HALT);
	assert_int_equal(reg(X86_R8), X86_DF);
	guest_long(&g);
	g.v.x86->gdtr = (struct x86_table){ .base = 0x8000, .limit = 0x4f };
	guest_put64(&g, 0x9000 + 16 * X86_DF, 0);
	assert_int_equal(guest_run(&g), EXIT_SHUTDOWN);
}

static void rings(void **state)
{
	(void)state;
	/* To ring 3 by IRET, back by SYSCALL, out by SYSRET, back by an interrupt. */
	run(IDT
	    "mov ax, 0x40\n ltr ax\n"
	    "mov ecx, 0xc0000081\n mov edx, 0x00200010\n xor eax, eax\n wrmsr\n"
	    "inc ecx\n mov eax, sys\n xor edx, edx\n wrmsr\n"
	    "add ecx, 2\n mov eax, 0x200\n wrmsr\n"
	    "push 0x2b\n push 0x30000\n push 0x202\n push 0x33\n push user\n iretq\n"
	    "user: mov ebx, cs\n syscall\n mov ebp, cs\n mov r12, rsp\n int 21\n"
	    "sys: mov esi, cs\n mov edi, ss\n pushfq\n pop r13\n mov rsp, 0x28000\n o64 sysret\n");
	assert_int_equal(reg(X86_R8), 21);
	assert_int_equal(reg(X86_RBX), 0x33);
	assert_int_equal(reg(X86_RSI), 0x10);
	assert_int_equal(reg(X86_RDI), 0x18);
	assert_int_equal(reg(X86_R13) & RFL_IF, 0);
	assert_int_equal(reg(X86_RBP), 0x33);
	assert_int_equal(reg(X86_R12), 0x28000);
	/* RSP0 of the TSS, after five words and one popped */
	assert_int_equal(reg(X86_RSP), 0x70000 - 5 * 8 + 8);
	/* what ring 3 may not */
	run(IDT "mov ax, 0x40\n ltr ax\n"
		"push 0x2b\n push 0x30000\n push 0x202\n push 0x33\n push user\n iretq\n"
		"user: cli\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	run(IDT "mov ax, 0x40\n ltr ax\n"
		"push 0x2b\n push 0x30000\n push 0x202\n push 0x33\n push user\n iretq\n"
		"user: in al, 0x60\n");
	assert_int_equal(reg(X86_R8), X86_GP);
}

static void changing_code(void **state)
{
	(void)state;
	run("mov ecx, 10\n xor ebx, ebx\n"
	    "again: nop\n mov byte [rel patch + 2], cl\n jmp patch\n"
	    "patch: add ebx, 1\n dec ecx\n jnz again\n hlt\n" IDT);
	assert_int_equal(reg(X86_RBX), 55);
	/* the very next instruction */
	run("mov byte [rel p + 1], 0xc3\n p: inc eax\n hlt\n" IDT);
	assert_int_equal(reg(X86_RBX), 1);
	assert_int_equal(reg(X86_RAX), 0);
}

static void saves(void **state)
{
	(void)state;
	run(IDT "fninit\n fldpi\n mov rbx, 0x20000000\n mov eax, 77\n movd xmm3, eax\n"
		"fxsave [rbx]\n pxor xmm3, xmm3\n fninit\n fxrstor [rbx]\n movd esi, xmm3\n"
		"fstp qword [rbx+1024]\n mov edi, [rbx+1028]\n"
		"mov eax, 7\n xor edx, edx\n xsave [rbx+2048]\n pxor xmm3, xmm3\n"
		"xrstor [rbx+2048]\n movd ebp, xmm3\n");
	assert_int_equal(reg(X86_RSI), 77);
	assert_int_equal(reg(X86_RDI), 0x400921fb);
	assert_int_equal(reg(X86_RBP), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(page_faults), BOTH(no_execute),      BOTH(stale_targets),
		BOTH(remapped),    BOTH(host_exceptions), BOTH(events),
		BOTH(rings),       BOTH(changing_code),   BOTH(saves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
