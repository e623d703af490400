/* SPDX-License-Identifier: MIT */
/* Programs of 64-bit code whose exceptions come to one handler; each test runs in steps and in
 * blocks. */
#ifndef TESTS_EMU_LONG_H
#define TESTS_EMU_LONG_H

#include "tests/unit/emu/asm.h"

/*
 * All exceptions lead to `handler`: r8 = vector, r9 = error code (if any), r10 = RIP pushed,
 * r11 = CR2.
 */
#define IDT                                                                        \
	"  lidt [rel idtr]\n  jmp main\n"                                          \
	"idtr: dw 32*16-1\n dq 0x9000\n"                                           \
	"%assign i 0\n%rep 32\n"                                                   \
	"v %+ i: mov r8d, i\n jmp handler\n"                                       \
	"%assign i i+1\n%endrep\n"                                                 \
	"handler:\n"                                                               \
	"  mov r9d, -1\n  mov rax, 0x27d00\n  bt rax, r8\n  jnc noerr\n  pop r9\n" \
	"noerr: pop r10\n  mov r11, cr2\n  hlt\n"                                  \
	"main:\n"

static struct guest g;

static inline uint64_t reg(unsigned r)
{
	return g.v.x86->gpr[r];
}

static inline void gate(unsigned v, uint64_t to, unsigned ist, unsigned dpl)
{
	guest_put64(&g, 0x9000 + 16 * v,
		    (to & 0xffff) | 0x10u << 16 | (uint64_t)ist << 32 |
			    (uint64_t)(0x8e | dpl << 5) << 40 | (to >> 16 & 0xffff) << 48);
	guest_put64(&g, 0x9000 + 16 * v + 8, 0);
}

/* A GDT at 0x8000: 10 code, 18 data, 28 user data, 30 user code, 40 TSS at 0x8800. */
static inline void begin(const char *text)
{
	struct x86_cpu *c = g.v.x86;

	guest_asm(&g, 64, text);
	guest_tables(&g);
	guest_long(&g);
	guest_put64(&g, 0x8000 + 0x10, 0x00af9b000000ffff);
	guest_put64(&g, 0x8000 + 0x18, 0x00cf93000000ffff);
	guest_put64(&g, 0x8000 + 0x28, 0x00cff3000000ffff);
	guest_put64(&g, 0x8000 + 0x30, 0x00affb000000ffff);
	guest_put64(&g, 0x8000 + 0x40, 0x0000890088000067);
	guest_put64(&g, 0x8000 + 0x48, 0);
	guest_put64(&g, 0x8800 + 4, 0x70000);
	guest_put64(&g, 0x8800 + 36, 0x60000);
	c->gdtr = (struct x86_table){ .base = 0x8000, .limit = 0x4f };
	/* Each stub of IDT is mov r8d, i; jmp: 8 or 11 bytes. */
	for (unsigned i = 0; i < 32; i++)
		gate(i, 0, 0, 3);
}

/* The stubs' places are not known to C: the program's first bytes say. */
static inline void find_stubs(void)
{
	uint64_t at = GUEST_CODE;
	unsigned n = 0;

	for (unsigned k = 0; k < 1024 && n < 32; k++) {
		const uint8_t *p = g.ram + at + k;

		if (p[0] == 0x41 && p[1] == 0xb8 && p[2] == n && p[3] == 0)
			gate(n++, at + k, 0, 3);
	}
	assert_int_equal(n, 32);
}

static inline void run(const char *text)
{
	begin(text);
	find_stubs();
	assert_int_equal(guest_run(&g), EXIT_HALT);
}

static inline int open_step(void **state)
{
	(void)state;
	guest_open(&g, "step=on");
	return 0;
}

static inline int open_block(void **state)
{
	(void)state;
	guest_open(&g, "");
	return 0;
}

static inline int close_guest(void **state)
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

#endif
