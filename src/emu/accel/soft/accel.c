/* SPDX-License-Identifier: MIT */
/* The software engine behind accel_ops. */
#include "base/mem.h"
#include "emu/accel/soft/soft.h"
#include "emu/accel/soft/trans.h"
#include "emu/mem.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XSAVE_BIT (1u << 26 | 1u << 27)
#define BMI2_BIT  (1u << 8)

static int probe(struct err *e)
{
	uint32_t a, b, c, d;

	__cpuid_count(1, 0, a, b, c, d);
	if ((c & XSAVE_BIT) != XSAVE_BIT)
		return err_set(e, -ENOTSUP, "this host's processor has no XSAVE");
	__cpuid_count(7, 0, a, b, c, d);
	if (!(b & BMI2_BIT))
		return err_set(e, -ENOTSUP, "this host's processor has no BMI2");
	return 0;
}

static void kick(struct vcpu *v)
{
	struct soft *s = v->accel;

	/* Loops look at v->request by themselves; other jumps find nothing now, and come out. */
	if (s)
		__atomic_store_n(&s->mode_tag, TAG_NONE, __ATOMIC_SEQ_CST);
}

static void changed(void *arg, uint64_t gpa, uint64_t size)
{
	struct soft_vm *vm = arg;

	(void)gpa;
	(void)size;
	for (unsigned i = 0; i < vm->n_cpus; i++) {
		atomic_store(&vm->cpus[i]->map_changed, true);
		atomic_fetch_or(&vm->cpus[i]->vcpu->request, VCPU_FLUSH);
		kick(vm->cpus[i]->vcpu);
	}
}

static void written(void *arg, uint64_t gpa, uint64_t len)
{
	codemap_wrote(arg, NULL, gpa, len);
}

static int vm_open(const struct accel_env *env, const char *opts, void **out, struct err *e)
{
	bool step = false;

	if (opts && *opts) {
		if (strcmp(opts, "step=on") != 0)
			return err_set(e, -EINVAL, "the software engine has no option '%s'",
				       opts);
		step = true;
	}
	int r = probe(e);

	if (r < 0)
		return r;
	r = signals_claim(e);
	if (r < 0)
		return r;
	struct soft_vm *vm = mem_zalloc(1, sizeof(*vm), e);

	if (!vm)
		return -ENOMEM;
	vm->env = *env;
	vm->step = step;
	const struct mem_listener l = { .changed = changed, .written = written, .arg = vm };

	r = codemap_open(vm, e);
	if (r == 0)
		r = mem_listen(env->mem, &l, e);
	if (r < 0) {
		codemap_close(vm);
		free(vm);
		return r;
	}
	*out = vm;
	return 0;
}

static void wrote(struct x86_exec *x, uint64_t gpa, unsigned len)
{
	struct soft *s = soft_of(x->c);

	codemap_wrote(s->vm, s, gpa, len);
}

static void flush(struct x86_exec *x, bool global)
{
	soft_tlb_flush(soft_of(x->c), global);
}

static void flush_page(struct x86_exec *x, uint64_t lin)
{
	soft_tlb_flush_page(soft_of(x->c), lin);
}

static int vcpu_init(void *arg, struct vcpu *v, struct err *e)
{
	struct soft_vm *vm = arg;
	struct soft *s = soft_of(v->x86);

	_Static_assert(SOFT_OFF + sizeof(struct soft) <= X86_CPU_ROOM, "room behind the state");
	if (vm->n_cpus == SOFT_CPUS)
		return err_set(e, -ENOTSUP, "the software engine runs at most %d vCPUs",
			       SOFT_CPUS);
	/* All zero, whatever was here, without touching it. */
	uint8_t *page =
		(uint8_t *)v->x86 + ((SOFT_OFF + MEM_PAGE - 1) & ~(size_t)(MEM_PAGE - 1));

	memset(s, 0, (size_t)(page - (uint8_t *)s));
	madvise(page, X86_CPU_ROOM - (size_t)(page - (uint8_t *)v->x86), MADV_DONTNEED);
	s->trans = mem_zalloc(1, sizeof(*s->trans), e);
	if (!s->trans)
		return -ENOMEM;
	s->self = (uint64_t)(uintptr_t)v->x86;
	s->request = (uint64_t)(uintptr_t)&v->request;
	s->fpu_empty = 1;
	s->host_mxcsr = 0x1f80;
	s->xmask = 3;
	if (__builtin_cpu_supports("avx"))
		s->xmask = 7;
	s->vcpu = v;
	s->vm = vm;
	s->x = (struct x86_exec){ .c = v->x86,
				  .mem = vm->env.mem,
				  .bus = vm->env.bus,
				  .translate = soft_translate,
				  .wrote = wrote,
				  .flush_page = flush_page,
				  .flush = flush,
				  .clock_ns = vm->env.clock_ns,
				  .clock_arg = vm->env.clock_arg };
	x86_decoder_init(&s->decoder, v->x86->cpuid);
	pthread_mutex_init(&s->lock, NULL);
	int r = codemap_cpu(s, e);

	if (r == 0)
		r = cache_new(&s->cache, s, e);
	if (r < 0) {
		codemap_cpu_end(s);
		free(s->trans);
		return r;
	}
	v->accel = s;
	vm->cpus[vm->n_cpus++] = s;
	return 0;
}

static void vcpu_fini(struct vcpu *v)
{
	struct soft *s = v->accel;
	struct soft_vm *vm;

	if (!s)
		return;
	vm = s->vm;
	for (unsigned i = 0; i < vm->n_cpus; i++)
		if (vm->cpus[i] == s)
			vm->cpus[i] = vm->cpus[--vm->n_cpus];
	signals_thread_end(s);
	cache_free(s->cache);
	codemap_cpu_end(s);
	pthread_mutex_destroy(&s->lock);
	free(s->trans);
	v->accel = NULL;
}

static void vm_close(void *vm)
{
	codemap_close(vm);
	free(vm);
}

const struct accel_ops accel_soft = {
	.name = "soft",
	.probe = probe,
	.open = vm_open,
	.vcpu_init = vcpu_init,
	.run = soft_run,
	.kick = kick,
	.vcpu_fini = vcpu_fini,
	.close = vm_close,
};
