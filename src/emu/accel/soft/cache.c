/* SPDX-License-Identifier: MIT */
/*
 * Translated code: one memory mapped twice, to write and to execute, never both at one
 * address; blocks found by where they were translated from, by the physical page their bytes
 * are in, and by host address.
 */
#include "base/io.h"
#include "base/mem.h"
#include "emu/accel/soft/emit.h"
#include "emu/accel/soft/soft.h"
#include "emu/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_SIZE      (64u << 20)
#define DATA_SIZE      (96u << 20)
#define STUB_ROOM      8192u
#define HASH_BITS      16
#define HASH_SIZE      (1u << HASH_BITS)
#define PAGE_HASH_BITS 14
#define PAGE_HASH      (1u << PAGE_HASH_BITS)
#define MAX_BLOCKS     (1u << 20)

struct page {
	uint64_t gpa;
	struct block *blocks;
	struct page *next;
};

struct cache {
	struct soft *s;
	uint8_t *w;
	const uint8_t *x;
	size_t used, stubs_end;
	uint8_t *data;
	size_t data_used;
	struct block **hash;
	struct page **pages;
	struct block **order; /* by host address */
	size_t n_order;
	struct stubs stubs;
};

static void *anon(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int map_code(struct cache *c, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("vemu-code", MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "memory for translated code");
	int r = io_truncate(fd, CODE_SIZE, e);

	if (r < 0)
		return r;
	c->w = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c->w == MAP_FAILED)
		return err_errno(e, "mapping translated code");
	void *x = mmap(NULL, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

	if (x == MAP_FAILED) {
		r = err_errno(e, "mapping translated code to run");
		munmap(c->w, CODE_SIZE);
		return r;
	}
	c->x = x;
	return 0;
}

int cache_new(struct cache **out, struct soft *s, struct err *e)
{
	struct cache *c = mem_zalloc(1, sizeof(*c), e);

	if (!c)
		return -ENOMEM;
	int r = map_code(c, e);

	if (r < 0) {
		free(c);
		return r;
	}
	c->s = s;
	c->data = anon(DATA_SIZE);
	c->hash = anon(HASH_SIZE * sizeof(*c->hash));
	c->pages = anon(PAGE_HASH * sizeof(*c->pages));
	c->order = anon(MAX_BLOCKS * sizeof(*c->order));
	if (!c->data || !c->hash || !c->pages || !c->order) {
		cache_free(c);
		return err_set(e, -ENOMEM, "no memory for the tables of translated code");
	}
	stubs_make(c, s);
	c->stubs_end = c->used;
	*out = c;
	return 0;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	munmap(c->w, CODE_SIZE);
	munmap((void *)(uintptr_t)c->x, CODE_SIZE);
	if (c->data)
		munmap(c->data, DATA_SIZE);
	if (c->hash)
		munmap(c->hash, HASH_SIZE * sizeof(*c->hash));
	if (c->pages)
		munmap(c->pages, PAGE_HASH * sizeof(*c->pages));
	if (c->order)
		munmap(c->order, MAX_BLOCKS * sizeof(*c->order));
	free(c);
}

struct stubs *cache_stubs(struct cache *c)
{
	return &c->stubs;
}

void cache_flush(struct cache *c)
{
	for (unsigned i = 0; i < PAGE_HASH; i++)
		for (const struct page *p = c->pages[i]; p; p = p->next)
			codemap_release(c->s, p->gpa << 12);
	c->used = c->stubs_end;
	c->data_used = 0;
	c->n_order = 0;
	memset(c->hash, 0, HASH_SIZE * sizeof(*c->hash));
	memset(c->pages, 0, PAGE_HASH * sizeof(*c->pages));
	soft_tlb_flush(c->s, true);
	c->s->flushed = true;
}

uint8_t *cache_room(struct cache *c, size_t need)
{
	if (c->used + need > CODE_SIZE || c->data_used + need > DATA_SIZE ||
	    c->n_order == MAX_BLOCKS)
		cache_flush(c);
	return c->w + c->used;
}

void cache_used(struct cache *c, size_t n)
{
	c->used += (n + 15) & ~15ul;
}

void *cache_alloc(struct cache *c, size_t n)
{
	uint8_t *p = c->data + c->data_used;

	c->data_used += (n + 15) & ~15ul;
	memset(p, 0, n);
	return p;
}

const uint8_t *cache_exec(const struct cache *c, const uint8_t *p)
{
	return c->x + (p - c->w);
}

uint8_t *cache_writable(const struct cache *c, const uint8_t *p)
{
	return c->w + (p - c->x);
}

bool cache_holds(const struct cache *c, uint64_t pc)
{
	return pc - (uint64_t)(uintptr_t)c->x < CODE_SIZE;
}

static size_t hash_of(uint64_t rip, uint64_t base, uint32_t mode, uint64_t gpa)
{
	uint64_t h =
		(rip + base * 31 + (gpa >> 12) * 0x85ebca6b + (uint64_t)mode * 0x9e3779b9) *
		0x9e3779b97f4a7c15ull;

	return h >> (64 - HASH_BITS);
}

static struct page **page_slot(struct cache *c, uint64_t gpa)
{
	struct page **p =
		&c->pages[(gpa >> 12) * 0x9e3779b97f4a7c15ull >> (64 - PAGE_HASH_BITS)];

	while (*p && (*p)->gpa != gpa >> 12)
		p = &(*p)->next;
	return p;
}

/* Where the bytes of the second page of @b are now, as the fetch at @lin sees them. */
static bool second_page(struct cache *c, const struct block *b, uint64_t lin)
{
	struct x86_exec *x = &c->s->x;
	struct x86_ref r = x->translate(x, (lin | 4095) + 1, x86_access(x->c) | X86_ACC_FETCH);

	return (r.gpa & ~4095ull) == b->gpa[1];
}

struct block *cache_find(struct cache *c, uint64_t rip, uint64_t base, uint32_t mode,
			 uint64_t gpa, uint64_t lin)
{
	struct block *b = c->hash[hash_of(rip, base, mode, gpa)];

	for (; b; b = b->hash_next)
		if (b->rip == rip && b->base == base && b->mode == mode && b->gpa[0] == gpa &&
		    (b->gpa[1] == ~0ull || second_page(c, b, lin)))
			return b;
	return NULL;
}

static void add_to_page(struct cache *c, struct block *b, unsigned which)
{
	uint64_t gpa = b->gpa[which], n = gpa >> 12;
	struct page **p = page_slot(c, gpa);

	if (!*p) {
		*p = cache_alloc(c, sizeof(**p));
		(*p)->gpa = n;
	}
	b->page_next[which] = (*p)->blocks;
	(*p)->blocks = b;
}

void cache_add(struct cache *c, struct block *b)
{
	struct block **h = &c->hash[hash_of(b->rip, b->base, b->mode, b->gpa[0])];

	b->hash_next = *h;
	*h = b;
	c->order[c->n_order++] = b;
	add_to_page(c, b, 0);
	if (b->gpa[1] != ~0ull)
		add_to_page(c, b, 1);
}

struct block *cache_by_pc(struct cache *c, uint64_t pc)
{
	size_t lo = 0, hi = c->n_order;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if ((uint64_t)(uintptr_t)c->order[mid]->host <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	struct block *b = c->order[lo - 1];

	return pc - (uint64_t)(uintptr_t)b->host < b->host_len ? b : NULL;
}

void cache_chain(struct cache *c, struct site *site, struct block *to)
{
	if (site->to || to->dead || site->from->dead)
		return;
	e_patch(site->patch,
		cache_writable(c, to->host) + (site->flags_saved ? 0 : FLAGS_ENTRY));
	site->to = to;
	site->next = to->in;
	to->in = site;
}

static void unlink_in(struct cache *c, struct block *b)
{
	for (struct site *s = b->in; s; s = s->next) {
		e_patch(s->patch, s->stub);
		s->to = NULL;
	}
	b->in = NULL;
	/* It leads nowhere either: its sites must not stay in the lists of others. */
	for (unsigned i = 0; i < 2; i++) {
		struct site *s = b->sites[i];

		if (!s || !s->to)
			continue;
		for (struct site **p = &s->to->in; *p; p = &(*p)->next)
			if (*p == s) {
				*p = s->next;
				break;
			}
		s->to = NULL;
	}
	struct jump_entry *j = &c->s->jc[b->rip & (JC_SIZE - 1)];

	if (j->host == (uint64_t)(uintptr_t)b->host)
		j->neg = j->ntag = 0;
}

static void remove_from_page(struct cache *c, struct block *b, unsigned which)
{
	struct page **p = page_slot(c, b->gpa[which]);
	struct block **q;

	if (!*p)
		return;
	for (q = &(*p)->blocks; *q && *q != b;) {
		/* A block is in two lists: this page is its first or its second. */
		unsigned k = (*q)->gpa[0] >> 12 == (*p)->gpa ? 0 : 1;

		q = &(*q)->page_next[k];
	}
	if (*q)
		*q = b->page_next[which];
	if (!(*p)->blocks)
		codemap_release(c->s, (*p)->gpa << 12);
}

static void kill_block(struct cache *c, struct block *b)
{
	struct block **h = &c->hash[hash_of(b->rip, b->base, b->mode, b->gpa[0])];

	while (*h && *h != b)
		h = &(*h)->hash_next;
	if (*h)
		*h = b->hash_next;
	b->dead = true;
	unlink_in(c, b);
	remove_from_page(c, b, 0);
	if (b->gpa[1] != ~0ull)
		remove_from_page(c, b, 1);
	/* The chain of blocks that ran may have ended in this one. */
	c->s->smc_self = true;
}

static bool overlaps(const struct block *b, uint64_t page, uint64_t gpa, uint64_t len)
{
	uint64_t from = b->gpa[0], to;

	if (from >> 12 == page) {
		to = from + b->len;
		if (b->gpa[1] != ~0ull)
			to = (from | 4095) + 1;
	} else {
		from = b->gpa[1];
		to = from + b->len - (4096 - (b->gpa[0] & 4095));
	}
	return gpa < to && from < gpa + len;
}

void cache_written(struct cache *c, uint64_t gpa, uint64_t len)
{
	uint64_t end = gpa + len;

	for (uint64_t page = gpa >> 12; page <= (end - 1) >> 12; page++) {
		if (!codemap_has(c->s, page << 12))
			continue;
		struct page **p = page_slot(c, page << 12);
		struct block *b = *p ? (*p)->blocks : NULL;

		while (b) {
			struct block *next = b->page_next[b->gpa[0] >> 12 == page ? 0 : 1];

			if (overlaps(b, page, gpa, len))
				kill_block(c, b);
			b = next;
		}
		/* Nothing came of a translation that had begun. */
		if (!*p || !(*p)->blocks)
			codemap_release(c->s, page << 12);
	}
}
