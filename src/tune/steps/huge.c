/* SPDX-License-Identifier: MIT */
#include "tune/steps/huge.h"

#include "base/mem.h"
#include "base/str.h"
#include "hugepages/pools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As hugepages/size.h has it: larger ones come by luck alone once memory is in pieces.  That
 * they are there today does not change where the next boot gets them from. */
#define BOOT_PAGE (64ull << 20)

static int guests(const struct profile *p, struct hugesize *q, struct err *e)
{
	/* a number of pages stands for itself */
	if (p->huge_count) {
		q->reserve = p->huge_count;
		return 0;
	}
	q->guests = mem_zalloc(p->n_guests + !p->n_guests, sizeof(*q->guests), e);
	if (!q->guests)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_guests; i++)
		q->guests[q->n_guests++] = (struct hugeguest){ .bytes = p->guests[i].bytes,
							       .count = p->guests[i].count,
							       .backends = 1 };
	return 0;
}

/* An image tells neither its machine's memory nor its nodes: the sum alone. */
static int on_image(const struct stepping *s, struct huge_answer *a, struct err *e)
{
	const char *arch = host_arch(s->h);
	char text[HUGEPAGE_TEXT];
	struct hugesize *q = &a->size;

	if (!a->page && *arch && strcmp(arch, "x86_64") && strcmp(arch, "x86") &&
	    strcmp(arch, "aarch64") && strcmp(arch, "riscv64")) {
		a->state = HUGE_BLOCKED;
		snprintf(
			a->why, sizeof(a->why),
			"an image does not tell the kernel's page size on %s: name it (page =)",
			arch);
		return 0;
	}
	if (!a->page)
		a->page = 2 << 20;
	q->page = a->page;
	q->pages = q->reserve;
	for (size_t i = 0; i < q->n_guests; i++) {
		uint64_t each = (q->guests[i].bytes - 1) / a->page + 1, sum;

		if (__builtin_mul_overflow(each, q->guests[i].count, &sum) ||
		    __builtin_add_overflow(q->pages, sum, &q->pages))
			return err_set(e, -EOVERFLOW,
				       "the guests of the profile need more "
				       "pages than can be counted");
	}
	q->cmdline = str_printf(e, "hugepagesz=%s hugepages=%llu", hugepage_text(a->page, text),
				(unsigned long long)q->pages);
	return q->cmdline ? 0 : -ENOMEM;
}

static int on_host(const struct stepping *s, struct huge_answer *a, struct err *e)
{
	struct err why = { 0 };
	int r = hugehost_read(s->h, &a->page, &a->size.host, &why);

	if (r == -ENODEV) {
		a->state = HUGE_BLOCKED;
		a->page = 0;
		snprintf(a->why, sizeof(a->why), "%s", why.msg);
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	a->size.page = a->page;
	r = hugesize_plan(&a->size, e);
	if (r == 0 && !a->size.fits) {
		a->state = HUGE_BLOCKED;
		snprintf(a->why, sizeof(a->why), "%s", a->size.why);
	}
	return r;
}

int huge_work_out(const struct stepping *s, struct huge_answer **out, struct err *e)
{
	struct huge_answer *a = mem_zalloc(1, sizeof(*a), e);
	int r;

	*out = a;
	if (!a)
		return -ENOMEM;
	a->state = HUGE_NONE;
	if (s->p->huge != WISH_YES)
		return 0;
	a->state = HUGE_READY;
	a->page = s->p->huge_page;
	a->size.only_node = HUGEPOOL_ALL;
	r = guests(s->p, &a->size, e);
	if (r == 0)
		r = host_has_kernel(s->h) ? on_host(s, a, e) : on_image(s, a, e);
	a->at_boot = a->page >= BOOT_PAGE;
	return r;
}

void huge_free(struct huge_answer **a)
{
	if (*a)
		hugesize_free(&(*a)->size);
	free(*a);
	*a = NULL;
}
