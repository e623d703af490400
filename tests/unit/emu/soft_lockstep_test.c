/* SPDX-License-Identifier: MIT */
/*
 * Blocks against single steps: programs put together from the forms of the copy test at
 * random, run by both, must leave the same registers, flags, vectors and memory; so must
 * programs that fault in their midst.  test-timeout: 600
 */
#include "tests/unit/emu/guest.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMS_MAX 4096
#define PROGRAM   24 /* forms */

struct form_row {
	uint8_t len;
	uint8_t code[64];
};

static struct form_row forms[FORMS_MAX];
static unsigned n_forms;
static uint64_t seed = 0x2545f4914f6cdd1dull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Those that change where memory operands point would leave the data's pages. */
static bool keeps_pointers(const char *text)
{
	return !strstr(text, "rep") && !strstr(text, "lods") && !strstr(text, "std") &&
	       !strstr(text, "r14") && !strstr(text, "add rsi");
}

static int load(void **state)
{
	char path[4096], line[512], hex[130], text[300];
	const char *top = getenv("TOP");
	char kind;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/unit/emu/forms.txt", top ? top : ".");
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) && n_forms < FORMS_MAX) {
		struct form_row *r = &forms[n_forms];

		if (sscanf(line, "%c %129s %299[^\n]", &kind, hex, text) != 3 || kind == '#' ||
		    !keeps_pointers(text))
			continue;
		r->len = (uint8_t)(strlen(hex) / 2);
		for (unsigned i = 0; i < r->len; i++) {
			unsigned v;

			assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
			r->code[i] = (uint8_t)v;
		}
		n_forms++;
	}
	fclose(f);
	assert_true(n_forms > 800);
	return 0;
}

/* @where: what rsi points to.  An exception without a handler ends in a shutdown; the state
 * is that of the instruction. */
static void prepare(struct guest *g, const uint8_t *code, unsigned n, uint64_t where,
		    uint64_t values)
{
	struct x86_cpu *c = g->v.x86;

	guest_code(g, code, n);
	guest_tables(g);
	guest_long(g);
	seed = values;
	for (unsigned i = 0; i < 16; i++)
		if (i != X86_RSP)
			c->gpr[i] = rnd();
	c->gpr[X86_RSI] = where;
	c->gpr[X86_RBP] = rnd() & 15;
	c->rflags = (rnd() & RFL_ARITH) | RFL_1;
	for (unsigned i = 0; i < 3 * 4096; i += 8)
		guest_put64(g, guest_data(i), rnd());
}

/* @fault: flags that the faulting instruction or one behind it sets anyway may be lost. */
static bool same(const struct guest *a, const struct guest *b, bool fault)
{
	const struct x86_cpu *x = a->v.x86, *y = b->v.x86;

	if (memcmp(x->gpr, y->gpr, sizeof(x->gpr)) != 0 || x->rip != y->rip ||
	    ((x->rflags ^ y->rflags) & ~(uint64_t)(fault ? RFL_ARITH : 0)))
		return false;
	if (memcmp(x->xsave + 160, y->xsave + 160, 256) != 0)
		return false;
	return !memcmp(a->ram + 0x300000, b->ram + 0x300000, 0x201000);
}

static void compare(uint64_t base, uint64_t spread, unsigned times)
{
	struct guest step, block;
	unsigned bad = 0;

	guest_open(&step, "step=on");
	guest_open(&block, "");
	for (unsigned t = 0; t < times && bad < 3; t++) {
		uint8_t code[PROGRAM * 64];
		unsigned n = 0;
		uint64_t start = seed * 6364136223846793005ull + 1442695040888963407ull + t;

		seed = start | 1;
		for (unsigned k = 0; k < PROGRAM; k++) {
			const struct form_row *r = &forms[rnd() % n_forms];

			memcpy(code + n, r->code, r->len);
			n += r->len;
		}
		uint64_t where = base + (spread ? rnd() % spread : 0), values = rnd() | 1;

		prepare(&step, code, n, where, values);
		prepare(&block, code, n, where, values);
		enum exit_reason a = guest_run(&step), b = guest_run(&block);

		if (a != b || !same(&step, &block, a == EXIT_SHUTDOWN)) {
			print_message("# program %llx: step ends %d at %llx, block %d at %llx, "
				      "flags %llx %llx\n",
				      (unsigned long long)start, (int)a,
				      (unsigned long long)step.v.x86->rip, (int)b,
				      (unsigned long long)block.v.x86->rip,
				      (unsigned long long)step.v.x86->rflags,
				      (unsigned long long)block.v.x86->rflags);
			for (unsigned r = 0; r < 16; r++)
				if (step.v.x86->gpr[r] != block.v.x86->gpr[r])
					print_message("# register %u: %llx %llx\n", r,
						      (unsigned long long)step.v.x86->gpr[r],
						      (unsigned long long)block.v.x86->gpr[r]);
			bad++;
		}
	}
	guest_close(&step);
	guest_close(&block);
	assert_int_equal(bad, 0);
}

static unsigned times(void)
{
	return getenv("HOSTKIT_LONG") ? 200000 : 3000;
}

static void inside(void **state)
{
	(void)state;
	compare(GUEST_DATA + 4096, 0, times());
}

static void across_pages(void **state)
{
	(void)state;
	compare(GUEST_DATA + 4096 - 64, 128, times());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inside),
		cmocka_unit_test(across_pages),
	};

	return cmocka_run_group_tests(tests, load, NULL);
}
