/* SPDX-License-Identifier: MIT */
/*
 * Noise as code, in each mode, with all of memory writable and tables that lead anywhere: the
 * guest may do what it likes, the process must live and come back when it is asked to.
 */
#include "tests/unit/emu/guest.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

static struct guest g;
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void ask(int sig)
{
	(void)sig;
	atomic_fetch_or(&g.v.request, VCPU_STOP);
	accel_soft.kick(&g.v);
}

/* Prefixes and two-byte opcodes more often than chance has them. */
static uint8_t noise(void)
{
	static const uint8_t often[] = { 0x0f, 0x66, 0xf2, 0xf3, 0x48, 0x4c, 0xc4, 0xc5,
					 0xf0, 0x64, 0x67, 0xff, 0x8e, 0xd9, 0xdb, 0xcf };

	return rnd() & 3 ? (uint8_t)rnd() : often[rnd() & 15];
}

static void run_one(unsigned mode)
{
	uint8_t code[256];
	struct x86_cpu *c = g.v.x86;

	for (unsigned i = 0; i < sizeof(code); i++)
		code[i] = noise();
	guest_code(&g, code, sizeof(code));
	guest_tables(&g);
	/* Handlers all over the place. */
	for (unsigned i = 0; i < 256; i++)
		guest_put64(&g, 0x9000 + 8 * i, rnd() & 0x00ffefff00ffffff);
	if (mode == 0)
		guest_long(&g);
	else if (mode == 1)
		guest_flat32(&g);
	else
		guest_real(&g);
	if (mode == 3) {
		c->seg[X86_CS].base = 0x10000;
		c->cr0 |= CR0_PE;
	}
	c->gdtr = (struct x86_table){ .base = 0x9000, .limit = 0x7ff };
	c->idtr = (struct x86_table){ .base = 0x9000, .limit = 0x7ff };
	for (unsigned i = 0; i < 16; i++)
		if (i != X86_RSP)
			c->gpr[i] = rnd() & 1 ? rnd() & 0xffffff : rnd();
	atomic_store(&g.v.request, 0);
	enum exit_reason r = guest_run(&g);

	assert_int_not_equal(r, EXIT_FAILED);
}

static void noise_of(const char *opts)
{
	unsigned n = getenv("HOSTKIT_LONG") ? 1000000 : 3000;
	struct sigaction sa = { .sa_handler = ask, .sa_flags = SA_ONSTACK | SA_RESTART };
	struct itimerval t = { .it_interval.tv_usec = 3000, .it_value.tv_usec = 3000 },
			 off = { 0 };

	guest_open(&g, opts);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (unsigned i = 0; i < n; i++)
		run_one(i & 3);
	setitimer(ITIMER_REAL, &off, NULL);
	guest_close(&g);
}

static void step(void **state)
{
	(void)state;
	noise_of("step=on");
}

static void block(void **state)
{
	(void)state;
	noise_of("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step),
		cmocka_unit_test(block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
