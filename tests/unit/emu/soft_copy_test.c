/* SPDX-License-Identifier: MIT */
/*
 * Each copied form against the processor itself: the same instruction on the same registers,
 * flags and memory, run as it is and run by the engine.  test-timeout: 3000
 */
#include "tests/unit/emu/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct form_row {
	char name[128];
	unsigned len;
	bool aligned;
	uint8_t code[64];
};

struct regs {
	uint64_t gpr[16], flags;
	uint8_t xmm[16][32];
	uint8_t st[8][16];
};

/* GUEST_DATA here too, so that addresses in registers are the same. */
static uint8_t *data;
static uint8_t *code_w, *code_x;

/* Saves what C wants, loads @r (rsp stays), runs the instruction, stores @r. */
static void native_make(const uint8_t *insn, unsigned len)
{
	uint8_t *p = code_w;
#define PUT(...)                                                           \
	do {                                                               \
		const unsigned b_[] = { __VA_ARGS__ };                     \
		for (unsigned i_ = 0; i_ < sizeof(b_) / sizeof(*b_); i_++) \
			*p++ = (uint8_t)b_[i_];                            \
	} while (0)
	PUT(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x57); /* push.. rdi */
	for (unsigned r = 0; r < 16; r++) /* vmovdqu ymm, [rdi + off] */
		if (r < 8) {
			PUT(0xc5, 0xfe, 0x6f, 0x87 | r << 3);
			uint32_t off = (uint32_t)(offsetof(struct regs, xmm) + 32 * r);
			memcpy(p, &off, 4);
			p += 4;
		}
	PUT(0xff, 0xb7, 0x80, 0, 0, 0, 0x9d); /* push [rdi + 128]; popfq */
	for (unsigned r = 0; r < 16; r++) {
		if (r == X86_RSP || r == X86_RDI)
			continue;
		PUT(0x48 | (r >= 8 ? 4 : 0), 0x8b, 0x47 | (r & 7) << 3, 8 * r);
	}
	PUT(0x48, 0x8b, 0x7f, 8 * X86_RDI);
	memcpy(p, insn, len);
	p += len;
	/* Through the stack: [rsp] is where @r is. */
	PUT(0x9c, 0x57, 0x48, 0x8b, 0x7c, 0x24, 0x10); /* pushfq; push rdi; mov rdi, [rsp+16] */
	for (unsigned r = 0; r < 16; r++) {
		if (r == X86_RSP || r == X86_RDI)
			continue;
		PUT(0x48 | (r >= 8 ? 4 : 0), 0x89, 0x47 | (r & 7) << 3, 8 * r);
	}
	PUT(0x8f, 0x47, 8 * X86_RDI);   /* pop [rdi + 56] */
	PUT(0x8f, 0x87, 0x80, 0, 0, 0); /* pop [rdi + 128] */
	for (unsigned r = 0; r < 8; r++) {
		PUT(0xc5, 0xfe, 0x7f, 0x87 | r << 3);
		uint32_t off = (uint32_t)(offsetof(struct regs, xmm) + 32 * r);
		memcpy(p, &off, 4);
		p += 4;
	}
	PUT(0xfc, 0x5f, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
}

static void native_run(struct regs *r)
{
	union {
		uint8_t *p;
		void (*fn)(struct regs *);
	} u = { .p = code_x };

	u.fn(r);
}

static void to_guest(struct guest *g, const struct regs *r)
{
	struct x86_cpu *c = g->v.x86;

	memcpy(c->gpr, r->gpr, sizeof(c->gpr));
	c->gpr[X86_RSP] = GUEST_STACK;
	c->rflags = (r->flags & (RFL_ARITH | RFL_DF)) | RFL_1;
	for (unsigned i = 0; i < 8; i++) {
		memcpy(c->xsave + 160 + 16 * i, r->xmm[i], 16);
		memcpy(c->xsave + 576 + 16 * i, r->xmm[i] + 16, 16);
	}
	c->xsave[512] = 7;
}

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Values that carry, overflow and are zero more often than chance has them. */
static uint64_t value(void)
{
	switch (rnd() & 7) {
	case 0:
		return rnd() & 255;
	case 1:
		return 0;
	case 2:
		return 0 - (rnd() & 15);
	case 3:
		return 1ull << (rnd() & 63);
	default:
		return rnd();
	}
}

/* Such values, drawn beforehand: a case takes a stretch of them for its memory, as drawing
 * them anew for each would take most of the test's time. */
enum { POOL = 1 << 16 };
static uint64_t pool[POOL];

static void fill_memory(unsigned edge)
{
	unsigned from = edge > 256 ? (edge - 256) & ~7u : 0, end = edge + 512;
	const uint64_t *v = pool + rnd() % (POOL - GUEST_DATA_SIZE / 8);

	if (end > GUEST_DATA_SIZE)
		end = GUEST_DATA_SIZE;
	memcpy(data, v, 64);
	memcpy(data + from, v + 8, end - from);
}

static void fill(struct regs *r, unsigned edge)
{
	for (unsigned i = 0; i < 16; i++)
		r->gpr[i] = value();
	r->gpr[X86_RSP] = 0;
	/* rsi: memory; rbp: a small index */
	r->gpr[X86_RSI] = GUEST_DATA + edge;
	r->gpr[X86_RBP] = rnd() & 15;
	r->gpr[X86_R14] = GUEST_DATA + edge;
	r->flags = (rnd() & (RFL_ARITH | 0)) | RFL_1 | RFL_IF;
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 4; k++) {
			uint64_t v = value();

			memcpy(r->xmm[i] + 8 * k, &v, 8);
		}
	fill_memory(edge);
}

static void data_to_guest(struct guest *g)
{
	for (unsigned i = 0; i < 3; i++)
		memcpy(g->ram + guest_data(i << 12), data + (i << 12), 4096);
}

static bool same(const struct guest *g, const struct regs *n, const char *name, uint64_t mask,
		 unsigned edge)
{
	const struct x86_cpu *c = g->v.x86;
	bool ok = true;

	for (unsigned i = 0; i < 16; i++)
		if (i != X86_RSP && c->gpr[i] != n->gpr[i]) {
			print_message("# %s: register %u is %llx, should be %llx\n", name, i,
				      (unsigned long long)c->gpr[i],
				      (unsigned long long)n->gpr[i]);
			ok = false;
		}
	if ((c->rflags ^ n->flags) & mask) {
		print_message("# %s: flags %llx, should be %llx\n", name,
			      (unsigned long long)(c->rflags & mask),
			      (unsigned long long)(n->flags & mask));
		ok = false;
	}
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(c->xsave + 160 + 16 * i, n->xmm[i], 16) != 0 ||
		    memcmp(c->xsave + 576 + 16 * i, n->xmm[i] + 16, 16) != 0) {
			print_message("# %s: ymm%u differs\n", name, i);
			ok = false;
		}
	for (unsigned i = 0; i < 3; i++)
		if (memcmp(g->ram + guest_data(i << 12), data + (i << 12), 4096) != 0) {
			print_message("# %s: memory differs in page %u (edge %u)\n", name, i,
				      edge);
			ok = false;
		}
	return ok;
}

static bool one(struct guest *g, const struct form_row *f, unsigned times)
{
	static const unsigned edges[] = { 64, 128, 4096 - 64, 4096 - 3, 4096 - 8, 8192 - 1 };
	bool ok = true;

	native_make(f->code, f->len);
	guest_code(g, f->code, f->len);
	for (unsigned k = 0; k < times && ok; k++) {
		struct regs r;
		unsigned edge = f->aligned ? 64 + 64 * (k & 63) : edges[k % 6];

		fill(&r, edge);
		guest_long(g);
		to_guest(g, &r);
		data_to_guest(g);
		native_run(&r);
		enum exit_reason e = guest_run(g);

		if (e != EXIT_HALT) {
			print_message("# %s: ended with %d, vector %u\n", f->name, (int)e,
				      ((struct soft *)g->v.accel)->event.vector);
			return false;
		}
		ok = same(g, &r, f->name, RFL_ARITH | RFL_DF, edge);
	}
	return ok;
}

static bool next_row(FILE *f, struct form_row *r)
{
	char line[512], hex[130];
	char kind;

	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%c %129s %127[^\n]", &kind, hex, r->name), 3);
		r->aligned = kind == 'a';
		r->len = (unsigned)strlen(hex) / 2;
		for (unsigned i = 0; i < r->len; i++) {
			unsigned v;

			assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
			r->code[i] = (uint8_t)v;
		}
		return true;
	}
	return false;
}

static void all_forms(const char *opts)
{
	struct guest g;
	unsigned bad = 0, times = getenv("HOSTKIT_LONG") ? 10000 : 30;

	char path[4096];
	const char *top = getenv("TOP");

	snprintf(path, sizeof(path), "%s/tests/unit/emu/forms.txt", top ? top : ".");
	FILE *f = fopen(path, "r");
	unsigned n = 0;
	struct form_row row;

	assert_non_null(f);
	guest_open(&g, opts);
	while (next_row(f, &row)) {
		bad += !one(&g, &row, times);
		n++;
	}
	fclose(f);
	guest_close(&g);
	assert_int_equal(bad, 0);
	assert_true(n > 1000);
}

static void step(void **state)
{
	(void)state;
	all_forms("step=on");
}

static void block(void **state)
{
	(void)state;
	all_forms("");
}

static int setup(void **state)
{
	int fd = memfd_create("native", 0);

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	code_w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code_x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	data = mmap((void *)GUEST_DATA, GUEST_DATA_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(data, (void *)GUEST_DATA);
	for (unsigned i = 0; i < POOL; i++)
		pool[i] = value();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step),
		cmocka_unit_test(block),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
