/* SPDX-License-Identifier: MIT */
/*
 * Signals that copied instructions raise: division, x87 and SSE exceptions (SIGFPE), misaligned
 * operands (SIGSEGV, and SIGBUS for #AC), what the host does not know (SIGILL).  The thread goes on at the exit
 * stub with all registers as they were.  Anything that did not happen in generated code gets
 * the signal's default.
 */
#include "emu/accel/soft/soft.h"

#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ALT_SIZE        65536u
/* As in <asm/hwcap2.h>. */
#define HWCAP2_FSGSBASE (1u << 1)
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

/* Whose generated code runs in this thread: a handler has no other way to know. */
static _Thread_local struct soft *here;
/* On whose stack this thread's handlers run: a thread may go from one to another. */
static _Thread_local struct soft *stack_owner;

/* #DE or #MF or #XM: the hardware's vector, which Linux hands on. */
static uint8_t vector_of(int sig, const ucontext_t *u)
{
	greg_t trap = u->uc_mcontext.gregs[REG_TRAPNO];

	if (sig == SIGFPE)
		return trap == X86_DE || trap == X86_MF || trap == X86_XM ? (uint8_t)trap
									  : X86_MF;
	if (sig == SIGBUS && trap == X86_AC)
		return X86_AC;
	return sig == SIGILL ? X86_UD : X86_GP;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	struct soft *s = here;

	/* Linux leaves it as it was, and compilers do not keep to alignments. */
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)RFL_AC);
	(void)info;
	if (!s || !cache_holds(s->cache, (uint64_t)u->uc_mcontext.gregs[REG_RIP])) {
		signal(sig, SIG_DFL); /* and again, for good */
		return;
	}
	s->host_pc = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
	s->host_vector = vector_of(sig, u);
	s->exit_kind = SOFT_HOST;
	u->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)cache_stubs(s->cache)->exit;
}

int signals_claim(struct err *e)
{
	static const int sigs[] = { SIGFPE, SIGSEGV, SIGBUS, SIGILL };
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		if (sigaction(sigs[i], &sa, NULL) < 0)
			return err_errno(e, "taking signal %d", sigs[i]);
	return 0;
}

static int set_stack(struct soft *s, struct err *e)
{
	if (!s->altstack) {
		void *stack = mmap(NULL, ALT_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (stack == MAP_FAILED)
			return err_errno(e, "a stack for signals");
		s->altstack = stack;
	}
	stack_t ss = { .ss_sp = s->altstack,
		       .ss_size = ALT_SIZE,
		       .ss_flags = (int)SS_AUTODISARM };

	if (sigaltstack(&ss, NULL) < 0)
		return err_errno(e, "setting a stack for signals");
	stack_owner = s;
	return 0;
}

/* By the instruction where the kernel lets programs use it: a test that goes to and fro between
 * two processors does little else. */
static int set_gs(uint64_t base, struct err *e)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
		__asm__ volatile("wrgsbase %0" : : "r"(base));
		return 0;
	}
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)base) < 0)
		return err_errno(e, "setting the GS base");
	return 0;
}

int signals_thread(struct soft *s, struct err *e)
{
	int r = 0;

	if (here == s)
		return 0;
	/* The guest's RSP is the thread's: handlers run elsewhere, wherever that points. */
	if (!stack_owner)
		r = set_stack(s, e);
	if (r == 0)
		r = set_gs((uint64_t)(uintptr_t)s->self, e);
	if (r == 0)
		here = s;
	return r;
}

void signals_thread_end(struct soft *s)
{
	stack_t off = { .ss_flags = SS_DISABLE };

	if (here == s)
		here = NULL;
	if (stack_owner == s) {
		sigaltstack(&off, NULL);
		stack_owner = NULL;
	}
	if (!s->altstack)
		return;
	munmap(s->altstack, ALT_SIZE);
	s->altstack = NULL;
}
