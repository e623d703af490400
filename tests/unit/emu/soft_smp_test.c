/* SPDX-License-Identifier: MIT */
/*
 * test-timeout: 240
 * Several processors of the software engine: locked operations, the order of memory, code that
 * one changes and another runs, page tables, exclusive sections.
 */
#include "tests/unit/emu/smp.h"

static struct smp s;

#define CELL 0x200000 /* words that all share; a line each */

static uint64_t cell(unsigned i)
{
	return guest_get64(&s.g, CELL + 64 * i);
}

static void test_locked_operations(void **state)
{
	(void)state;
	smp_open(&s, 3);
	memset(s.g.ram + CELL, 0, 4096);
	guest_put64(&s.g, guest_data(0xff8), 0);
	guest_put64(&s.g, guest_data(0x1000), 0);
	smp_run(&s,
		"mov r12d, 20000\n mov ebx, 0x200000\n"
		/* many forms on plain memory, one over two lines */
		"a: lock inc qword [rbx]\n mov eax, 1\n lock xadd [rbx+64], rax\n"
		" lock add dword [rbx+128+62], 1\n lock adc byte [rbx+192], 0\n"
		"b: mov rax, [rbx+256]\n lea rcx, [rax+1]\n lock cmpxchg [rbx+256], rcx\n jnz b\n"
		" dec r12d\n jnz a\n"
		/* cmpxchg16b counts in both halves */
		"mov r12d, 3000\n mov esi, ebx\n add esi, 320\n"
		"c: mov rax, [rsi]\n mov rdx, [rsi+8]\n d: mov rbx, rax\n mov rcx, rdx\n"
		" inc rbx\n dec rcx\n lock cmpxchg16b [rsi]\n jnz d\n dec r12d\n jnz c\n"
		/* an exchange as a lock around what is not atomic */
		"mov r12d, 3000\n mov ebx, 0x200000\n"
		"e: mov eax, 1\n f: xchg [rbx+384], eax\n test eax, eax\n jz g\n pause\n jmp f\n"
		"g: inc qword [rbx+448]\n mov dword [rbx+384], 0\n dec r12d\n jnz e\n"
		/* where code is */
		"mov r15d, beside\n mov r13d, r15d\n shr r13d, 12\n mov r12d, 300\n h: lock inc qword [rel counter]\n lock inc qword [rel beside]\n"
		" lock bts qword [rel marks], rdi\n dec r12d\n jnz h\n"
		/* over two pages that are not neighbours in memory, and in a device */
		"mov r12d, 300\n mov ebx, 0x20000ffd\n mov esi, 0x3f000000\n"
		"i: lock inc qword [rbx]\n lock add qword [rsi], 3\n"
		"mov eax, 1\n lock xadd [rsi+8], eax\n dec r12d\n jnz i\n hlt\n mov rcx, rax\n beside: dq 0\n"
		/* over two that are */
		"align 4096\n times 4092 db 0\n counter: dq 0\n marks: dq 0\n",
		NULL);
	assert_int_equal(cell(0), 60000);
	assert_int_equal(cell(1), 60000);
	assert_int_equal((uint32_t)guest_get64(&s.g, CELL + 190), 60000);
	assert_int_equal(cell(4), 60000);
	assert_int_equal(cell(5), 9000);
	assert_int_equal(guest_get64(&s.g, CELL + 328), (uint64_t)-9000);
	assert_int_equal(cell(7), 9000);
	assert_int_equal(guest_get64(&s.g, GUEST_CODE + 4096 + 4092), 900);
	assert_int_equal(guest_get64(&s.g, GUEST_CODE + 4096 + 4100), 7);
	assert_int_equal(s.v[0].x86->gpr[X86_R13], GUEST_CODE >> 12);
	assert_int_equal(guest_get64(&s.g, s.v[0].x86->gpr[X86_R15]), 900);
	/* three bytes of it end the first page */
	uint64_t split = guest_get64(&s.g, guest_data(0xff8)) >> 40 |
			 guest_get64(&s.g, guest_data(0x1000)) << 24;

	assert_int_equal(split, 900);
	assert_int_equal(s.reg[0], 2700);
	assert_int_equal(s.reg[1], 900);
	smp_close(&s);
}

/* Peterson's lock: it fails when a load comes before the store that precedes it. */
static void peterson(const char *store, const char *fence)
{
	char text[2048];

	memset(s.g.ram + CELL, 0, 4096);
	snprintf(
		text, sizeof(text),
		"mov ebx, 0x200000\n mov esi, edi\n xor esi, 1\n shl esi, 6\n mov r8d, edi\n"
		"shl r8d, 6\n mov r12d, 4000\n"
		"a: mov dword [rbx+r8], 1\n mov ecx, edi\n xor ecx, 1\n mov eax, ecx\n %s\n %s\n"
		"b: cmp dword [rbx+rsi], 0\n je c\n cmp [rbx+128], ecx\n jne c\n pause\n jmp b\n"
		"c: inc qword [rbx+192]\n mov dword [rbx+r8], 0\n dec r12d\n jnz a\n",
		store, fence);
	smp_run(&s, text, NULL);
	assert_int_equal(cell(3), 8000);
}

static void test_stores_before_loads(void **state)
{
	(void)state;
	smp_open(&s, 2);
	peterson("mov [rbx+128], ecx", "mfence");
	peterson("xchg [rbx+128], eax", "");
	peterson("mov [rbx+128], ecx", "lock or dword [rsp], 0");
	peterson("mov [rbx+128], ecx", "push rbx\n push rcx\n xor eax, eax\n cpuid\n"
				       "pop rcx\n pop rbx");
	smp_close(&s);
}

#define READS 2000

/* Two write, two read in opposite orders: all agree about what came first. */
static void test_order_of_memory(void **state)
{
	const uint64_t *a, *b;
	unsigned differ = 0;

	(void)state;
	smp_open(&s, 4);
	memset(s.g.ram + CELL, 0, 4096);
	smp_run(&s,
		"mov ebx, 0x200000\n cmp edi, 2\n jae reader\n"
		/* x and y; behind each what it tells of */
		"shl edi, 7\n xor eax, eax\n"
		"w: inc rax\n mov [rbx+rdi+64], rax\n mov [rbx+rdi], rax\n"
		" cmp qword [rbx+256], 2\n jb w\n hlt\n"
		"reader: sub edi, 2\n mov esi, edi\n xor esi, 1\n shl esi, 7\n mov r8d, edi\n shl r8d, 7\n"
		"imul r9d, edi, 0x10000\n add r9d, 0x300000\n mov r12d, 2000\n xor r10d, r10d\n"
		"r: mov rax, [rbx+r8]\n mov rcx, [rbx+rsi]\n mov [r9], rax\n mov [r9+8], rcx\n"
		/* what was written before it is there */
		" cmp [rbx+rsi+64], rcx\n jae ok\n inc r10d\n ok: add r9d, 16\n dec r12d\n jnz r\n"
		"mov [r9], r10\n lock inc qword [rbx+256]\n",
		NULL);
	a = (const uint64_t *)(const void *)(s.g.ram + 0x300000);
	b = (const uint64_t *)(const void *)(s.g.ram + 0x310000);
	for (unsigned i = 0; i < READS; i++)
		for (unsigned k = 0; k < READS; k++) {
			/* a: x, then y; b: y, then x */
			if (b[2 * k] > a[2 * i + 1] && b[2 * k + 1] < a[2 * i])
				differ++;
		}
	assert_int_equal(differ, 0);
	assert_int_equal(a[2 * READS], 0);
	assert_int_equal(b[2 * READS], 0);
	smp_close(&s);
}

/*
 * The first changes an immediate in the code that the others run.  They see that it has, and
 * serialize, or only call through a register.
 */
static void cross_modify(const char *serialize, const char *call)
{
	char text[2048];

	memset(s.g.ram + CELL, 0, 4096);
	snprintf(
		text, sizeof(text),
		"mov ebx, 0x200000\n mov rsi, code\n mov r12d, 1\n xor r14d, r14d\n test edi, edi\n"
		"jnz run\n"
		"w: mov [rsi+1], r12d\n mov [rbx], r12\n inc r12d\n"
		"x: mov rax, [rbx+64]\n add rax, [rbx+128]\n shr rax, 1\n inc rax\n cmp rax, r12\n"
		" jae y\n pause\n jmp x\n y: cmp r12d, 600\n jbe w\n hlt\n"
		"run: shl edi, 6\n"
		"v: cmp [rbx], r12\n jae u\n pause\n jmp v\n"
		"u: push rbx\n %s\n pop rbx\n %s\n cmp eax, r12d\n je t\n inc r14d\n"
		"t: mov [rbx+rdi], r12\n inc r12d\n cmp r12d, 600\n jbe v\n hlt\n"
		"align 4096\n code: mov eax, 0\n ret\n",
		serialize, call);
	smp_run(&s, text, NULL);
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(s.v[i].x86->gpr[X86_R14], 0);
}

static void test_code_that_another_changes(void **state)
{
	(void)state;
	smp_open(&s, 3);
	cross_modify("xor eax, eax\n cpuid", "call code");
	cross_modify("", "call rsi");
	smp_close(&s);
}

/*
 * Pages that one writes all the time become code that another runs for the first time, and are
 * written again.
 */
static void test_pages_that_become_code(void **state)
{
	(void)state;
	smp_open(&s, 2);
	memset(s.g.ram + CELL, 0, 4096);
	smp_run(&s,
		"mov ebx, 0x200000\n mov esi, 0x600000\n mov r12d, 1\n xor r14d, r14d\n"
		"test edi, edi\n jnz run\n"
		"w: mov byte [rsi], 0xb8\n mov byte [rsi+5], 0xc3\n mov [rsi+1], r12d\n"
		" mov [rbx], r12\n"
		/* on and on where it does no harm, until the other has run it once */
		"x: inc dword [rsi+64]\n cmp [rbx+64], r12\n jb x\n"
		" inc r12\n mov [rsi+1], r12d\n mov [rbx], r12\n"
		"y: inc dword [rsi+64]\n cmp [rbx+64], r12\n jb y\n"
		" add esi, 4096\n inc r12\n cmp r12d, 160\n jb w\n hlt\n"
		"run: cmp [rbx], r12\n jae u\n pause\n jmp run\n"
		"u: push rbx\n xor eax, eax\n cpuid\n pop rbx\n call rsi\n cmp eax, r12d\n je t\n"
		" inc r14d\n"
		"t: mov [rbx+64], r12\n test r12d, 1\n jnz z\n add esi, 4096\n"
		"z: inc r12\n cmp r12d, 160\n jbe run\n",
		NULL);
	assert_int_equal(s.v[1].x86->gpr[X86_R14], 0);
	smp_close(&s);
}

/* A device changes code, and says so in memory. */
static void device(struct smp *m)
{
	for (uint32_t i = 1; i <= 300; i++) {
		uint64_t flag = i;

		assert_int_equal(mem_write(m->g.mem, GUEST_CODE + 0x1001, &i, 4), 0);
		__atomic_store_n((uint64_t *)(void *)(m->g.ram + CELL), flag, __ATOMIC_SEQ_CST);
		while (__atomic_load_n((uint64_t *)(void *)(m->g.ram + CELL + 64),
				       __ATOMIC_SEQ_CST) < flag)
			sched_yield();
	}
}

static void test_code_that_a_device_changes(void **state)
{
	(void)state;
	smp_open(&s, 1);
	memset(s.g.ram + CELL, 0, 4096);
	smp_run(&s,
		"mov ebx, 0x200000\n mov rsi, code\n mov r12d, 1\n xor r14d, r14d\n"
		"v: cmp [rbx], r12\n jae u\n pause\n jmp v\n"
		"u: call rsi\n cmp eax, r12d\n je t\n inc r14d\n"
		"t: mov [rbx+64], r12\n inc r12\n cmp r12d, 300\n jbe v\n hlt\n"
		"align 4096\n code: mov eax, 0\n ret\n",
		device);
	assert_int_equal(s.v[0].x86->gpr[X86_R14], 0);
	smp_close(&s);
}

/* Walks mark entries that another processor changes at the same time. */
static void test_accessed_and_dirty_bits(void **state)
{
	(void)state;
	smp_open(&s, 2);
	smp_run(&s,
		"mov ebx, 0x4000\n mov esi, 0x20000000\n mov r12d, 5000\n xor r14d, r14d\n"
		"test edi, edi\n jnz walk\n"
		"a: lock xor qword [rbx], 0x200\n dec r12d\n jnz a\n hlt\n"
		"walk: lock and qword [rbx], ~0x60\n invlpg [rsi]\n mov eax, [rsi]\n"
		" test byte [rbx], 0x20\n jnz b\n inc r14d\n"
		"b: mov [rsi], eax\n test byte [rbx], 0x40\n jnz c\n inc r14d\n"
		"c: dec r12d\n jnz walk\n",
		NULL);
	assert_int_equal(s.v[1].x86->gpr[X86_R14], 0);
	/* 5000 changes of it are none */
	assert_int_equal(guest_get64(&s.g, 0x4000), guest_data(0) | 0x67);
	smp_close(&s);
}

static void test_large_pages_are_forgotten_whole(void **state)
{
	(void)state;
	smp_open(&s, 1);
	guest_put64(&s.g, 0x800000, 11);
	guest_put64(&s.g, 0xa00000, 22);
	guest_put64(&s.g, 0x801000, 33);
	guest_put64(&s.g, 0xa01000, 44);
	smp_run(&s,
		"mov ebx, 0x800000\n mov r8, [rbx]\n mov r9, [rbx+4096]\n"
		"mov qword [0x3000+8*4], 0xa00087\n invlpg [rbx+0x5000]\n"
		"mov r10, [rbx]\n mov r11, [rbx+4096]\n",
		NULL);
	assert_int_equal(s.v[0].x86->gpr[X86_R8], 11);
	assert_int_equal(s.v[0].x86->gpr[X86_R9], 33);
	assert_int_equal(s.v[0].x86->gpr[X86_R10], 22);
	assert_int_equal(s.v[0].x86->gpr[X86_R11], 44);
	smp_close(&s);
}

/* The map of memory changes between two instructions of one, and under the other's. */
static void swap(void *arg)
{
	struct smp *m = arg;
	static bool other;

	other = !other;
	assert_int_equal(mem_map(m->g.mem, 0x700000, 4096,
				 m->g.ram + (other ? 0x800000 : 0x700000), true, NULL),
			 0);
}

static void test_the_map_changes_at_once(void **state)
{
	(void)state;
	smp_open(&s, 2);
	s.job = (struct vcpu_job){ .run = swap, .arg = &s };
	memset(s.g.ram + CELL, 0, 4096);
	guest_put64(&s.g, 0x700000, 1);
	guest_put64(&s.g, 0x800000, 2);
	smp_run(&s,
		"mov ebx, 0x200000\n mov esi, 0x700000\n mov r9d, 0x3f000000\n mov r12d, 100\n"
		"xor r14d, r14d\n test edi, edi\n jnz other\n"
		"a: mov [r9+56], r12d\n mov rax, [rsi]\n cmp rax, 2\n je b\n inc r14d\n"
		"b: mov [r9+56], r12d\n mov rax, [rsi]\n cmp rax, 1\n je c\n inc r14d\n"
		"c: dec r12d\n jnz a\n mov qword [rbx], 1\n hlt\n"
		"other: mov rax, [rsi]\n dec rax\n cmp rax, 1\n jbe d\n inc r14d\n"
		"d: cmp qword [rbx], 0\n je other\n",
		NULL);
	assert_int_equal(s.v[0].x86->gpr[X86_R14], 0);
	assert_int_equal(s.v[1].x86->gpr[X86_R14], 0);
	smp_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked_operations),
		cmocka_unit_test(test_stores_before_loads),
		cmocka_unit_test(test_order_of_memory),
		cmocka_unit_test(test_code_that_another_changes),
		cmocka_unit_test(test_pages_that_become_code),
		cmocka_unit_test(test_code_that_a_device_changes),
		cmocka_unit_test(test_accessed_and_dirty_bits),
		cmocka_unit_test(test_large_pages_are_forgotten_whole),
		cmocka_unit_test(test_the_map_changes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
