/* SPDX-License-Identifier: MIT */
/* Real mode, 16- and 32-bit protected code, v86, gates and tasks. */
#include "tests/unit/emu/asm.h"

static struct guest g;

static uint32_t reg(unsigned r)
{
	return (uint32_t)g.v.x86->gpr[r];
}

static void real(const char *text)
{
	guest_asm(&g, 16, text);
	guest_real(&g);
	assert_int_equal(guest_run(&g), EXIT_HALT);
}

static void real_mode(void **state)
{
	(void)state;
	/* the stack wraps within 64 KiB; segments are 16 bytes apart */
	real("mov ax, 0x1234\n push ax\n pop bx\n mov [0x10], ax\n mov ax, 0x2001\n mov ds, ax\n"
	     "mov cx, [0]\n xor dx, dx\n mov si, sp\n call f\n jmp e\n f: inc dx\n ret\n e: hlt\n");
	assert_int_equal(reg(X86_RBX), 0x1234);
	assert_int_equal(reg(X86_RCX), 0x1234);
	assert_int_equal(reg(X86_RDX) & 0xffff, 1);
	assert_int_equal(reg(X86_RSI), 0x8000);
	real("mov sp, 0\n push 0x7788\n pop ax\n mov bx, sp\n");
	assert_int_equal(reg(X86_RAX), 0x7788);
	assert_int_equal(reg(X86_RBX), 0);
	/* interrupts through the vector table; IRET; far calls */
	real("xor ax, ax\n mov es, ax\n mov word [es:0x84], isr\n mov [es:0x86], cs\n"
	     "stc\n int 0x21\n sbb dx, dx\n push cs\n call far_f\n jmp done\n"
	     "isr: mov cx, 7\n clc\n iret\n far_f: mov bp, 9\n retf\n done: hlt\n");
	assert_int_equal(reg(X86_RCX), 7);
	assert_int_equal(reg(X86_RDX) & 0xffff, 0xffff);
	assert_int_equal(reg(X86_RBP), 9);
	/* division */
	real("xor ax, ax\n mov es, ax\n mov word [es:0], isr\n mov [es:2], cs\n"
	     "mov bl, 0\n div bl\n isr: mov cx, 5\n hlt\n");
	assert_int_equal(reg(X86_RCX), 5);
	/* strings, loops, BCD, 32-bit registers */
	real("cld\n mov di, 0\n mov cx, 16\n mov ax, 0xabcd\n rep stosw\n mov cx, 3\n"
	     "xor edx, edx\n l: add edx, 0x10000\n loop l\n mov al, 0x15\n add al, 0x27\n daa\n mov bl, al\n"
	     "mov ax, 0x0307\n aad\n mov si, ax\n aam\n mov bp, ax\n");
	assert_int_equal(reg(X86_RDX), 0x30000);
	assert_int_equal(reg(X86_RBX) & 255, 0x42);
	assert_int_equal(reg(X86_RSI), 37);
	assert_int_equal(reg(X86_RBP), 0x0307);
	assert_int_equal(g.ram[0x30000 + 31], 0xab);
	/* past the limit of a segment: #GP, vector 13 */
	real("xor ax, ax\n mov es, ax\n mov word [es:52], isr\n mov [es:54], cs\n"
	     "mov bx, 0xffff\n mov ax, [bx]\n isr: mov cx, 6\n hlt\n");
	assert_int_equal(reg(X86_RCX), 6);
}

/* Real mode to protected and back, and big segments in real mode in between. */
static void mode_switch(void **state)
{
	(void)state;
	real("cli\n lgdt [cs:gdtr]\n mov eax, cr0\n or al, 1\n mov cr0, eax\n"
	     "jmp dword 8:(0x10000 + p32)\n"
	     "bits 32\n p32: mov ax, 16\n mov ds, ax\n mov es, ax\n mov ss, ax\n"
	     "mov esp, 0x50000\n mov dword [0x200000], 0x11223344\n push 5\n pop ebx\n"
	     "jmp 24:p16\n"
	     "bits 16\n p16: mov eax, cr0\n and al, 0xfe\n mov cr0, eax\n jmp 0x1000:back\n"
	     "back: mov ecx, [dword 0x200000]\n mov ax, 0x2000\n mov ds, ax\n hlt\n"
	     "align 8\n gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b010000ffff\n"
	     "gdtr: dw 31\n dd 0x10000 + gdt\n");
	assert_int_equal(reg(X86_RBX), 5);
	assert_int_equal(reg(X86_RCX), 0x11223344);
}

/* GDT at 0x8000: 8 code 0, 10 data 0, 1b code 3, 23 data 3, 28 TSS A, 30 TSS B, 38 call gate
 * to `gate`, 40 a small data segment, 48 one that expands down. */
#define SETUP                                                                        \
	"  lgdt [gdtr]\n  lidt [idtr]\n  jmp 8:main\n"                               \
	"gdtr: dw 0x4f\n dd 0x8000\nidtr: dw 32*8-1\n dd 0x9000\n"                   \
	"%assign i 0\n%rep 32\n"                                                     \
	"v %+ i: mov edi, i\n jmp handler\n"                                         \
	"%assign i i+1\n%endrep\n"                                                   \
	"handler:\n  mov ax, 0x10\n mov ds, ax\n"                                    \
	"  mov ebp, -1\n  mov eax, 0x27d00\n  bt eax, edi\n  jnc noerr\n  pop ebp\n" \
	"noerr: pop esi\n  hlt\n"                                                    \
	"gate: mov edx, [esp + 8]\n mov ebx, cs\n retf 4\n"                          \
	"taskb: mov ecx, 0x77\n mov ebx, [0x8b00]\n iret\n jmp taskb\n"              \
	"main: mov ax, 0x10\n mov ds, ax\n mov es, ax\n mov ss, ax\n"                \
	"mov ax, 0x28\n ltr ax\n"

static uint64_t find(const uint8_t *what, unsigned n)
{
	for (uint64_t k = GUEST_CODE; k < GUEST_CODE + 4096; k++)
		if (!memcmp(g.ram + k, what, n))
			return k;
	fail_msg("the program is not what was expected");
	return 0;
}

static uint64_t gate32(uint64_t to, unsigned sel, unsigned attr, unsigned params)
{
	return (to & 0xffff) | (uint64_t)sel << 16 | (uint64_t)params << 32 |
	       (uint64_t)attr << 40 | (to >> 16 & 0xffff) << 48;
}

static void prot(const char *text)
{
	static const uint8_t gate_code[] = { 0x8b, 0x54, 0x24, 8, 0x8c, 0xcb };
	static const uint8_t task_code[] = { 0xb9, 0x77, 0, 0, 0 };

	guest_asm(&g, 32, text);
	guest_flat32(&g);
	guest_put64(&g, 0x8008, 0x00cf9b000000ffff);
	guest_put64(&g, 0x8010, 0x00cf93000000ffff);
	guest_put64(&g, 0x8018, 0x00cffb000000ffff);
	guest_put64(&g, 0x8020, 0x00cff3000000ffff);
	guest_put64(&g, 0x8028, 0x0000890088000067);
	guest_put64(&g, 0x8030, 0x0000890089000067);
	guest_put64(&g, 0x8038, gate32(find(gate_code, 6), 8, 0xec, 1));
	guest_put64(&g, 0x8040, 0x0040f30200000fff);
	guest_put64(&g, 0x8048, 0x0040f70200000fff);
	memset(g.ram + 0x8800, 0, 0x200);
	guest_put64(&g, 0x8804, 0x10ull << 32 | 0x70000); /* ESP0, SS0 */
	uint32_t b[26] = { 0 };

	b[8] = (uint32_t)find(task_code, 5);
	b[9] = 2;
	b[14] = 0x60000;
	b[18] = b[20] = b[21] = 0x10;
	b[19] = 8;
	guest_put(&g, 0x8900, b, sizeof(b));
	unsigned n = 0;

	for (uint64_t k = GUEST_CODE; k < GUEST_CODE + 1024 && n < 32; k++) {
		const uint8_t *p = g.ram + k;

		if (p[0] == 0xbf && p[1] == n && !p[2] && !p[3])
			guest_put64(&g, 0x9000 + 8 * n++, gate32(k, 8, 0xee, 0));
	}
	assert_int_equal(n, 32);
	assert_int_equal(guest_run(&g), EXIT_HALT);
}

#define TO_RING3 "push 0x23\n push 0x60000\n push 0x202\n push 0x1b\n push user\n iret\n user: "

static void protected_mode(void **state)
{
	(void)state;
	prot(SETUP "int 20\n");
	assert_int_equal(reg(X86_RDI), 20);
	prot(SETUP "mov ax, 0x40\n mov ds, ax\n mov ecx, [0xffc]\n mov edx, [0xffd]\n");
	assert_int_equal(reg(X86_RDI), X86_GP);
	assert_int_equal(reg(X86_RBP), 0);
	prot(SETUP "mov ax, 0x48\n mov ds, ax\n mov dword [0x1000], 3\n mov ebx, [0x1000]\n"
		   "mov edx, [0xfff]\n");
	assert_int_equal(reg(X86_RDI), X86_GP);
	assert_int_equal(reg(X86_RBX), 3);
	prot(SETUP "mov ax, 0x1000\n mov ds, ax\n");
	assert_int_equal(reg(X86_RDI), X86_GP);
	assert_int_equal(reg(X86_RBP), 0x1000);
	prot(SETUP "xor ax, ax\n mov ds, ax\n mov eax, [0]\n");
	assert_int_equal(reg(X86_RDI), X86_GP);
	prot(SETUP "mov eax, 0x7fffffff\n add eax, 1\n into\n");
	assert_int_equal(reg(X86_RDI), X86_OF);
	prot(SETUP "pusha\n popa\n inc eax\n dec ecx\n mov al, 0x12\n daa\n int3\n");
	assert_int_equal(reg(X86_RDI), X86_BP);
}

static void gates(void **state)
{
	(void)state;
	/* ring 3 through a gate with one parameter and back */
	prot(SETUP TO_RING3 "push 0x4321\n call 0x38:0\n mov ecx, esp\n int 22\n");
	assert_int_equal(reg(X86_RDI), 22);
	assert_int_equal(reg(X86_RDX), 0x4321);
	assert_int_equal(reg(X86_RBX), 8);
	assert_int_equal(reg(X86_RCX), 0x60000);
	prot(SETUP TO_RING3 "hlt\n");
	assert_int_equal(reg(X86_RDI), X86_GP);
}

static void tasks(void **state)
{
	(void)state;
	prot(SETUP
	     "mov dword [0x8b00], 0x99\n mov ebx, 1\n mov ecx, 2\n call 0x30:0\n int 23\n");
	assert_int_equal(reg(X86_RDI), 23);
	/* our own registers came back; the other task's are in its TSS */
	assert_int_equal(reg(X86_RBX), 1);
	assert_int_equal(reg(X86_RCX), 2);
	uint32_t ebx;

	memcpy(&ebx, g.ram + 0x8900 + 0x34, 4);
	assert_int_equal(ebx, 0x99);
}

static void v86(void **state)
{
	(void)state;
	prot(SETUP
	     "push 0\n push 0\n push 0x2000\n push 0x2000\n push 0x7000\n push 0x8000\n"
	     "push 0x20202\n push 0x1000\n push v - 0x10000\n iret\n"
	     "bits 16\n v: mov ax, ds\n mov bx, ss\n mov [4], ax\n push cs\n pop cx\n int 24\n"
	     "bits 32\n");
	/* IOPL 0: the monitor gets #GP, and its frame */
	assert_int_equal(reg(X86_RDI), X86_GP);
	assert_int_equal(reg(X86_RCX) & 0xffff, 0x1000);
	assert_int_equal(reg(X86_RBX) & 0xffff, 0x7000);
	assert_int_equal(g.ram[0x20005], 0x20);
	assert_int_equal(reg(X86_RSP), 0x70000 - 9 * 4 + 4);
}

static int open_step(void **state)
{
	(void)state;
	guest_open(&g, "step=on");
	return 0;
}

static int open_block(void **state)
{
	(void)state;
	guest_open(&g, "");
	return 0;
}

static int close_guest(void **state)
{
	(void)state;
	guest_close(&g);
	return 0;
}

#define BOTH(f)                                               \
	{ "step " #f, f, open_step, close_guest, NULL },      \
	{                                                     \
		"block " #f, f, open_block, close_guest, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(real_mode), BOTH(mode_switch), BOTH(protected_mode),
		BOTH(gates),     BOTH(tasks),       BOTH(v86),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
