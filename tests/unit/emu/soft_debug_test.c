/* SPDX-License-Identifier: MIT */
/* Breakpoints, single steps and what holds them back; jumps that lead nowhere. */
#include "tests/unit/emu/long.h"

#define DR6 ((uint64_t)g.v.x86->dr[6] & 0xf00f)
/* rbx = data; DR0 = rbx + @1, DR7 = @2 */
#define WATCH(at, dr7)                                                   \
	"mov rbx, 0x20000000\n lea rax, [rbx + " at "]\n mov dr0, rax\n" \
	"mov eax, " dr7 "\n mov dr7, rax\n"
#define TRAP_FLAG "pushfq\n or qword [rsp], 0x100\n popfq\n"

static void data(void **state)
{
	(void)state;
	/* a write of 4 bytes at 8: after the instruction, which is done */
	run(IDT WATCH("8", "0xd0001") "mov [rbx], rax\n mov ecx, 5\n mov [rbx + 11], cl\n"
				      "mov ecx, 6\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(DR6, 1);
	assert_int_equal(reg(X86_RCX), 5);
	assert_int_equal(g.ram[guest_data(11)], 5);
	/* reads are not writes */
	run(IDT WATCH("8", "0xd0001") "mov ecx, [rbx + 8]\n int 20\n");
	assert_int_equal(reg(X86_R8), 20);
	run(IDT WATCH("8", "0xf0001") "mov ecx, [rbx + 8]\n int 20\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	/* by the stack, and by a string, which stops where it is met */
	run(IDT WATCH("8", "0xd0001") "mov rsp, rbx\n add rsp, 16\n push rax\n int 20\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	run(IDT WATCH("8", "0x10001") "mov rdi, rbx\n mov ecx, 20\n mov al, 1\n rep stosb\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(reg(X86_RCX), 11);
	/* not armed: nothing */
	run(IDT WATCH("8", "0xd0000") "mov [rbx + 8], rax\n int 20\n");
	assert_int_equal(reg(X86_R8), 20);
}

static void code(void **state)
{
	(void)state;
	run(IDT "lea rax, [rel spot]\n mov dr1, rax\n mov eax, 4\n mov dr7, rax\n"
		"mov ecx, 1\n spot: mov ecx, 2\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(DR6, 2);
	assert_int_equal(reg(X86_RCX), 1);
	/* RF lets one instruction pass */
	run(IDT "lea rax, [rel spot]\n mov dr1, rax\n mov eax, 4\n mov dr7, rax\n"
		"mov rdx, rsp\n push 0x18\n push rdx\n push 0x10002\n push 0x10\n"
		"lea rax, [rel spot]\n push rax\n iretq\n"
		"spot: mov ecx, 2\n jmp spot\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(reg(X86_RCX), 2);
	/* general detect: the handler may use the registers */
	run(IDT "mov eax, 0x2000\n mov dr7, rax\n mov rcx, dr0\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(DR6, 0x2000);
	assert_int_equal(g.v.x86->dr[7] & 0x2000, 0);
}

static void steps(void **state)
{
	(void)state;
	run(IDT TRAP_FLAG "mov ecx, 1\n mov ecx, 2\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(DR6, 0x4000);
	assert_int_equal(reg(X86_RCX), 1);
	/* each repetition */
	run(IDT "mov rdi, 0x20000000\n mov ecx, 9\n xor eax, eax\n" TRAP_FLAG "rep stosb\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(reg(X86_RCX), 8);
	/* MOV SS: after the next one */
	run(IDT "mov eax, ss\n" TRAP_FLAG "nop\n");
	run(IDT "mov edx, ss\n pushfq\n or qword [rsp], 0x100\n mov ecx, 1\n"
		"popfq\n mov ss, edx\n mov ecx, 2\n mov ecx, 3\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(reg(X86_RCX), 2);
	/* INT is not stepped over: its handler comes first, with TF off */
	run(IDT TRAP_FLAG "int 20\n");
	assert_int_equal(reg(X86_R8), 20);
	run(IDT TRAP_FLAG "db 0xf1\n");
	assert_int_equal(reg(X86_R8), X86_DB);
	assert_int_equal(DR6, 0);
	/* HLT ends in a trap, too */
	run(IDT TRAP_FLAG "hlt\n mov ecx, 1\n");
	assert_int_equal(reg(X86_R8), X86_DB);
}

/* The instruction's own address, with the stack as it was before it. */
static void leap(const char *text)
{
	run(text);
	assert_int_equal(reg(X86_R8), X86_GP);
	assert_int_equal(reg(X86_R9), 0);
	assert_int_equal(reg(X86_R10), reg(X86_RDX));
	/* the frame: five words below what RSP was, aligned; its RIP and error code are popped */
	assert_int_equal(reg(X86_RSP), (reg(X86_RCX) & ~15ull) - 32);
}

#define LEAP                                              \
	IDT "lea rdx, [rel here]\n mov rbx, 0x20000000\n" \
	    "mov rax, 0x1234567812345678\n mov [rbx], rax\n"

static void leaps(void **state)
{
	(void)state;
	leap(LEAP "mov rcx, rsp\n here: jmp rax\n");
	leap(LEAP "mov rcx, rsp\n here: jmp [rbx]\n");
	leap(LEAP "mov rcx, rsp\n here: call rax\n");
	leap(LEAP "push rax\n mov rcx, rsp\n here: ret\n");
	leap(LEAP "push rax\n mov rcx, rsp\n here: ret 8\n");
}

/* To ring 3 with AC, then @1. */
#define RING3_AC(text)                                                                  \
	IDT "mov rax, cr0\n or eax, 0x40000\n mov cr0, rax\n mov ax, 0x40\n ltr ax\n"   \
	    "push 0x2b\n push 0x30000\n push 0x40202\n push 0x33\n push user\n iretq\n" \
	    "user: mov rbx, 0x20000000\n mov ecx, [rbx + 4]\n" text

static void alignment(void **state)
{
#ifdef __SANITIZE_THREAD__
	/* Linux leaves the flag set in a handler; the sanitizer's, which comes before ours, does
	 * not keep to alignments. */
	print_message("# a thread sanitizer cannot run with AC set\n");
	skip();
#endif
	(void)state;
	run(RING3_AC("here: mov edx, [rbx + 1]\n"));
	assert_int_equal(reg(X86_R8), X86_AC);
	assert_int_equal(reg(X86_R9), 0);
	/* over the end of a page, to a device or not */
	run(RING3_AC("add rbx, 4092\n mov edx, [rbx]\n mov rdx, [rbx]\n"));
	assert_int_equal(reg(X86_R8), X86_AC);
	/* what C does, and what misaligned does not mind */
	run(RING3_AC("lea rsi, [rbx + 2]\n mov rdi, rbx\n movsw\n movsd\n int 20\n"));
	assert_int_equal(reg(X86_R8), X86_AC);
	run(RING3_AC("mov dl, [rbx + 1]\n lea rsi, [rbx + 1]\n lodsb\n cpuid\n int 20\n"));
	assert_int_equal(reg(X86_R8), 20);
	/* ring 0 is not asked */
	run(IDT "mov rax, cr0\n or eax, 0x40000\n mov cr0, rax\n pushfq\n"
		"or dword [rsp], 0x40000\n popfq\n mov rbx, 0x20000001\n mov ecx, [rbx]\n"
		"int 20\n");
	assert_int_equal(reg(X86_R8), 20);
}

static void refused(void **state)
{
	(void)state;
	/* INVPCID with a PCID where there are none, and with reserved bits */
	run(IDT
	    "mov rbx, 0x20000000\n mov qword [rbx], 1\n mov qword [rbx + 8], 0\n xor ecx, ecx\n"
	    "invpcid rcx, [rbx]\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	run(IDT "mov rbx, 0x20000000\n mov qword [rbx], 0x1000\n mov ecx, 2\n"
		"invpcid rcx, [rbx]\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	/* a status of the machine check is only cleared */
	run(IDT "mov ecx, 0x401\n xor eax, eax\n xor edx, edx\n wrmsr\n inc eax\n wrmsr\n");
	assert_int_equal(reg(X86_R8), X86_GP);
	assert_int_equal(reg(X86_RAX) & 1, 0);
	/* KVM's signature, but none of its calls */
	run(IDT "mov eax, 5\n vmmcall\n mov rbx, rax\n int 20\n");
	assert_int_equal(reg(X86_R8), 20);
	assert_int_equal(reg(X86_RBX), 0 - 1000ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(data),  BOTH(code),      BOTH(steps),
		BOTH(leaps), BOTH(alignment), BOTH(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
