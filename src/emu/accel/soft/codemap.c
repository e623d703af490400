/* SPDX-License-Identifier: MIT */
/*
 * Which physical pages have translated code, shared by all vCPUs: each has translations of its
 * own, all see all writes.
 *
 * Three bits a page: `code` and `writes` for each vCPU, `any` for all.  A write that is not made
 * through an entry of the inline TLB looks at `any` after it; an entry for writes is only made
 * where `any` is not set, and `writes` remembers that it was.  Who is about to read bytes to
 * translate sets `code` and `any` first; where another vCPU may have an entry, that one is told
 * to drop it and is seen outside guest code before the bytes are read.  So either the
 * translator reads what was written, or the writer finds the bit and tells the translator.
 *
 * Who is told sees to it before it goes on after any special instruction, interrupt or jump back,
 * into another page or to a target in a register.  All serializing instructions are special:
 * that is what cross-modifying code needs (Intel SDM volume 3, 9.1.3).
 */
#include "emu/accel/soft/soft.h"
#include "emu/mem.h"

#include <sys/mman.h>

#define GPA_BITS  40
#define MAP_PAGES (1ull << (GPA_BITS - 12))
#define MAP_SIZE  (MAP_PAGES / 8)

static bool get(const uint8_t *map, uint64_t n)
{
	return __atomic_load_n(&map[n / 8], __ATOMIC_SEQ_CST) >> (n & 7) & 1;
}

static void set(uint8_t *map, uint64_t n)
{
	__atomic_fetch_or(&map[n / 8], (uint8_t)(1u << (n & 7)), __ATOMIC_SEQ_CST);
}

static void clear(uint8_t *map, uint64_t n)
{
	__atomic_fetch_and(&map[n / 8], (uint8_t) ~(1u << (n & 7)), __ATOMIC_SEQ_CST);
}

/* Touched only where it is used. */
static int new_map(uint8_t **out, struct err *e)
{
	void *p = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return err_errno(e, "no memory for the map of translated pages");
	*out = p;
	return 0;
}

static void free_map(uint8_t *map)
{
	if (map)
		munmap(map, MAP_SIZE);
}

int codemap_open(struct soft_vm *vm, struct err *e)
{
	pthread_mutex_init(&vm->code_lock, NULL);
	return new_map(&vm->any, e);
}

void codemap_close(struct soft_vm *vm)
{
	free_map(vm->any);
	pthread_mutex_destroy(&vm->code_lock);
}

int codemap_cpu(struct soft *s, struct err *e)
{
	int r = new_map(&s->code, e);

	return r < 0 ? r : new_map(&s->writes, e);
}

void codemap_cpu_end(struct soft *s)
{
	free_map(s->code);
	free_map(s->writes);
	s->code = s->writes = NULL;
}

/* Tells @to of a write, or (@len 0) of a page that it may not write unseen any more. */
static void post(struct soft *to, uint64_t gpa, uint64_t len)
{
	pthread_mutex_lock(&to->lock);
	struct soft_note *last = to->n_notes ? &to->notes[to->n_notes - 1] : NULL;

	if (last && last->len && len && last->gpa >> 12 == gpa >> 12 &&
	    (gpa & 4095) + len <= MEM_PAGE && (last->gpa & 4095) + last->len <= MEM_PAGE) {
		/* both in one page: all between them */
		uint64_t end =
			last->gpa + last->len > gpa + len ? last->gpa + last->len : gpa + len;

		if (gpa < last->gpa)
			last->gpa = gpa;
		last->len = end - last->gpa;
	} else if (to->n_notes < SOFT_NOTES) {
		to->notes[to->n_notes++] = (struct soft_note){ gpa, len };
	} else {
		atomic_store(&to->map_changed, true);
	}
	pthread_mutex_unlock(&to->lock);
	vcpu_ask(to->vcpu, VCPU_FLUSH);
}

static void protect(struct soft *s, uint64_t gpa)
{
	if (gpa >> 12 >= MAP_PAGES)
		return;
	clear(s->writes, gpa >> 12);
	soft_tlb_protect(s, gpa);
}

void codemap_serve(struct soft *s)
{
	struct soft_note notes[SOFT_NOTES];
	unsigned n;

	if (atomic_exchange(&s->map_changed, false)) {
		cache_flush(s->cache);
		s->site = NULL;
	}
	pthread_mutex_lock(&s->lock);
	n = s->n_notes;
	for (unsigned i = 0; i < n; i++)
		notes[i] = s->notes[i];
	s->n_notes = 0;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < n; i++)
		if (notes[i].len)
			cache_written(s->cache, notes[i].gpa, notes[i].len);
		else
			protect(s, notes[i].gpa);
}

void codemap_catch_up(struct soft *s)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_notes; i++)
		if (!s->notes[i].len)
			protect(s, s->notes[i].gpa);
	pthread_mutex_unlock(&s->lock);
	if (atomic_load(&s->map_changed))
		soft_tlb_flush(s, true);
}

bool codemap_has(const struct soft *s, uint64_t gpa)
{
	return gpa >> 12 < MAP_PAGES && get(s->code, gpa >> 12);
}

bool codemap_claim(struct soft *s, uint64_t gpa)
{
	struct soft_vm *vm = s->vm;
	struct vcpu_group *g = s->vcpu->group;
	uint64_t n = gpa >> 12;
	bool others = false;

	if (n >= MAP_PAGES || get(s->code, n))
		return false;
	pthread_mutex_lock(&vm->code_lock);
	set(s->code, n);
	set(vm->any, n);
	pthread_mutex_unlock(&vm->code_lock);
	if (get(s->writes, n))
		protect(s, gpa);
	for (unsigned i = 0; i < vm->n_cpus; i++) {
		struct soft *o = vm->cpus[i];

		if (o == s || !get(o->writes, n))
			continue;
		post(o, gpa & ~4095ull, 0);
		others = true;
	}
	if (!others || !g)
		return false;
	vcpu_exclusive_begin(g, s->vcpu);
	vcpu_exclusive_end(g, s->vcpu);
	codemap_catch_up(s);
	return true;
}

void codemap_release(struct soft *s, uint64_t gpa)
{
	struct soft_vm *vm = s->vm;
	uint64_t n = gpa >> 12;
	bool used = false;

	if (!codemap_has(s, gpa))
		return;
	pthread_mutex_lock(&vm->code_lock);
	clear(s->code, n);
	for (unsigned i = 0; i < vm->n_cpus && !used; i++)
		used = get(vm->cpus[i]->code, n);
	if (!used)
		clear(vm->any, n);
	pthread_mutex_unlock(&vm->code_lock);
}

bool codemap_writable(struct soft *s, uint64_t gpa)
{
	uint64_t n = gpa >> 12;

	if (n >= MAP_PAGES)
		return true;
	if (!get(s->writes, n))
		set(s->writes, n); /* a barrier, too */
	return !get(s->vm->any, n);
}

void codemap_wrote(struct soft_vm *vm, struct soft *self, uint64_t gpa, uint64_t len)
{
	/* The bytes are there before the bits are looked at. */
	if (!self || vm->n_cpus > 1)
		atomic_thread_fence(memory_order_seq_cst);
	for (uint64_t at = gpa, end = gpa + len; at < end;) {
		uint64_t next = (at | 4095) + 1, n = at >> 12;
		uint64_t part = (next < end ? next : end) - at;

		if (n >= MAP_PAGES)
			return;
		if (get(vm->any, n)) {
			if (self && get(self->code, n))
				cache_written(self->cache, at, part);
			for (unsigned i = 0; i < vm->n_cpus; i++)
				if (vm->cpus[i] != self && get(vm->cpus[i]->code, n))
					post(vm->cpus[i], at, part);
		}
		at = next;
	}
}
