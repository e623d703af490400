/* SPDX-License-Identifier: MIT */
#include "emu/mem.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MEM_SLOTS 256

/* The map as others read it, while it may change. */
struct view {
	size_t n;
	struct mem_slot v[MEM_SLOTS];
};

/*
 * `v` is who changes it works on.  It is copied to the view that is not shown, then `turn` shows
 * that one.  Who reads while the turn stays the same has read a whole view: the next change
 * writes to the other, and only the one after to this.
 */
struct mem {
	struct mem_slot v[MEM_SLOTS]; /* by gpa, none overlapping */
	size_t n;
	struct view view[2];
	unsigned turn;
	struct mem_listener listeners[MEM_LISTENERS];
	size_t n_listeners;
};

int mem_new(struct mem **out, struct err *e)
{
	struct mem *m = mem_zalloc(1, sizeof(*m), e);

	if (!m)
		return -ENOMEM;
	*out = m;
	return 0;
}

void mem_free(struct mem *m)
{
	if (!m)
		return;
	free(m);
}

int mem_listen(struct mem *m, const struct mem_listener *l, struct err *e)
{
	if (m->n_listeners == MEM_LISTENERS)
		return err_set(e, -ENOSPC, "more than %d listen to the memory map",
			       MEM_LISTENERS);
	m->listeners[m->n_listeners++] = *l;
	return 0;
}

/* Index of the first slot that ends above @gpa. */
static size_t first_above(const struct mem *m, uint64_t gpa)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->v[mid].gpa + (m->v[mid].size - 1) < gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Takes [gpa, end] out of the list, in place; room for one slot more is there. */
static void cut(struct mem *m, uint64_t gpa, uint64_t last)
{
	size_t i = first_above(m, gpa);

	while (i < m->n && m->v[i].gpa <= last) {
		struct mem_slot *s = &m->v[i];
		uint64_t s_last = s->gpa + (s->size - 1);
		bool head = s->gpa<gpa, tail = s_last> last;

		if (head && tail) {
			memmove(s + 1, s, (m->n - i) * sizeof(*s));
			m->n++;
			s[1].size = s_last - last;
			s[1].host += last + 1 - s[1].gpa;
			s[1].gpa = last + 1;
			s->size = gpa - s->gpa;
			return;
		}
		if (head) {
			s->size = gpa - s->gpa;
			i++;
		} else if (tail) {
			s->host += last + 1 - s->gpa;
			s->gpa = last + 1;
			s->size = s_last - last;
			return;
		} else {
			memmove(s, s + 1, (m->n - i - 1) * sizeof(*s));
			m->n--;
		}
	}
}

/* Makes one of slot @i and the next, where they are one run of bytes. */
static void join(struct mem *m, size_t i)
{
	struct mem_slot *s = &m->v[i];

	if (i + 1 >= m->n || s[0].gpa + s[0].size != s[1].gpa ||
	    s[0].host + s[0].size != s[1].host || s[0].writable != s[1].writable)
		return;
	s->size += s[1].size;
	memmove(s + 1, s + 2, (m->n - i - 2) * sizeof(*s));
	m->n--;
}

/* Each part of a slot by itself: a reader may see a view half written, and then looks again. */
static void publish(struct mem *m)
{
	unsigned turn = m->turn + 1;
	struct view *w = &m->view[turn & 1];

	for (size_t i = 0; i < m->n; i++) {
		__atomic_store_n(&w->v[i].gpa, m->v[i].gpa, __ATOMIC_RELEASE);
		__atomic_store_n(&w->v[i].size, m->v[i].size, __ATOMIC_RELEASE);
		__atomic_store_n(&w->v[i].host, m->v[i].host, __ATOMIC_RELEASE);
		__atomic_store_n(&w->v[i].writable, m->v[i].writable, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w->n, m->n, __ATOMIC_RELEASE);
	__atomic_store_n(&m->turn, turn, __ATOMIC_RELEASE);
}

/* The slot of @w that holds @gpa.  Bounded, whatever half written it reads. */
static bool look(const struct view *w, uint64_t gpa, struct mem_slot *out)
{
	size_t lo = 0, hi = __atomic_load_n(&w->n, __ATOMIC_ACQUIRE);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct mem_slot *s = &w->v[mid];

		out->gpa = __atomic_load_n(&s->gpa, __ATOMIC_ACQUIRE);
		out->size = __atomic_load_n(&s->size, __ATOMIC_ACQUIRE);
		if (gpa < out->gpa) {
			hi = mid;
		} else if (gpa - out->gpa >= out->size) {
			lo = mid + 1;
		} else {
			out->host = __atomic_load_n(&s->host, __ATOMIC_ACQUIRE);
			out->writable = __atomic_load_n(&s->writable, __ATOMIC_ACQUIRE);
			return true;
		}
	}
	return false;
}

bool mem_slot_at(const struct mem *m, uint64_t gpa, struct mem_slot *out)
{
	for (;;) {
		unsigned turn = __atomic_load_n(&m->turn, __ATOMIC_ACQUIRE);
		bool found = look(&m->view[turn & 1], gpa, out);

		if (__atomic_load_n(&m->turn, __ATOMIC_ACQUIRE) == turn)
			return found;
	}
}

int mem_map(struct mem *m, uint64_t gpa, uint64_t size, uint8_t *host, bool writable,
	    struct err *e)
{
	uint64_t last = gpa + (size - 1);
	size_t i;

	if (!size || last < gpa || (gpa | size) % MEM_PAGE)
		return err_set(e, -EINVAL, "memory cannot lie at %#llx, %#llx bytes",
			       (unsigned long long)gpa, (unsigned long long)size);
	/* one for the new slot, one for a slot cut in two */
	if (m->n + 2 > MEM_SLOTS)
		return err_set(e, -ENOSPC, "the memory map has more than %d pieces",
			       MEM_SLOTS - 2);
	cut(m, gpa, last);
	if (host) {
		i = first_above(m, gpa);
		memmove(&m->v[i + 1], &m->v[i], (m->n - i) * sizeof(*m->v));
		m->v[i] = (struct mem_slot){ gpa, size, host, writable };
		m->n++;
		join(m, i);
		if (i)
			join(m, i - 1);
	}
	publish(m);
	for (i = 0; i < m->n_listeners; i++)
		if (m->listeners[i].changed)
			m->listeners[i].changed(m->listeners[i].arg, gpa, size);
	return 0;
}

const struct mem_slot *mem_slots(const struct mem *m, size_t *n)
{
	*n = m->n;
	return m->v;
}

void *mem_ptr(const struct mem *m, uint64_t gpa, uint64_t len, bool write)
{
	struct mem_slot s;

	if (!mem_slot_at(m, gpa, &s) || len > s.size - (gpa - s.gpa) || (write && !s.writable))
		return NULL;
	return s.host + (gpa - s.gpa);
}

/* How much of [gpa, gpa + len) the slot at @gpa holds, and where; 0: nothing is there. */
static size_t piece(const struct mem *m, uint64_t gpa, size_t len, bool write, uint8_t **at)
{
	struct mem_slot s;
	uint64_t room;

	if (!mem_slot_at(m, gpa, &s) || (write && !s.writable))
		return 0;
	room = s.size - (gpa - s.gpa);
	*at = s.host + (gpa - s.gpa);
	return room < len ? (size_t)room : len;
}

#ifdef __SANITIZE_THREAD__
/*
 * Races over the guest's bytes are the guest's affair, not to be reported, and what the guest
 * does to keep its accesses apart is not seen: translated code is not instrumented.
 */
__attribute__((no_sanitize_thread)) static void unseen(volatile uint8_t *to,
						       const volatile uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

/* A word that somebody waits for comes after all before it, and that is seen. */
static void copy_bytes(void *to, const void *from, size_t n)
{
	uint32_t v;

	if (n != 4) {
		unseen(to, from, n);
		return;
	}
	if ((uintptr_t)from % 4)
		unseen((uint8_t *)&v, from, 4);
	else
		v = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);
	if ((uintptr_t)to % 4)
		unseen(to, (const uint8_t *)&v, 4);
	else
		__atomic_store_n((uint32_t *)to, v, __ATOMIC_RELEASE);
}

void mem_copy(void *to, const void *from, size_t n)
{
	unseen(to, from, n);
}
#else
static void copy_bytes(void *to, const void *from, size_t n)
{
	uint64_t v;

	/* of known size: one instruction each way, whatever the C library does */
	switch (n) {
	case 1:
		*(uint8_t *)to = *(const uint8_t *)from;
		break;
	case 2:
		memcpy(&v, from, 2);
		memcpy(to, &v, 2);
		break;
	case 4:
		memcpy(&v, from, 4);
		memcpy(to, &v, 4);
		break;
	case 8:
		memcpy(&v, from, 8);
		memcpy(to, &v, 8);
		break;
	default:
		memcpy(to, from, n);
		break;
	}
}

void mem_copy(void *to, const void *from, size_t n)
{
	copy_bytes(to, from, n);
}
#endif

int mem_read(const struct mem *m, uint64_t gpa, void *buf, size_t len)
{
	uint8_t *out = buf, *at;

	while (len) {
		size_t n = piece(m, gpa, len, false, &at);

		if (!n)
			return -EFAULT;
		copy_bytes(out, at, n);
		out += n;
		gpa += n;
		len -= n;
	}
	return 0;
}

void mem_written(struct mem *m, uint64_t gpa, uint64_t len)
{
	for (size_t i = 0; i < m->n_listeners; i++)
		if (m->listeners[i].written)
			m->listeners[i].written(m->listeners[i].arg, gpa, len);
}

int mem_write(struct mem *m, uint64_t gpa, const void *buf, size_t len)
{
	const uint8_t *in = buf;
	uint8_t *at;

	while (len) {
		size_t n = piece(m, gpa, len, true, &at);

		if (!n)
			return -EFAULT;
		copy_bytes(at, in, n);
		mem_written(m, gpa, n);
		in += n;
		gpa += n;
		len -= n;
	}
	return 0;
}
