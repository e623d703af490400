/* SPDX-License-Identifier: MIT */
/* Split virtqueues: specification 2.7. */
#include "base/bytes.h"
#include "emu/mem.h"
#include "emu/virtio/virtio.h"

#define D_NEXT       1
#define D_WRITE      2
#define D_INDIRECT   4
#define NO_INTERRUPT 1
#define DESC         16u

/* Ring fields are shared with a guest that runs: read and written once, in order. */
static uint16_t get16(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static void put16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, v, __ATOMIC_RELEASE);
}

static uint8_t *avail_idx(const struct virtq *q)
{
	return q->avail + 2;
}

/* What the driver writes: interrupt me when you get here. */
static uint8_t *used_event(const struct virtq *q)
{
	return q->avail + 4 + 2 * q->size;
}

/* What we write: kick me when you get here. */
static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + 4 + 8 * q->size;
}

int virtq_enable(struct virtq *q)
{
	struct mem *m = q->v->mem;
	uint64_t n = q->size;

	if (q->desc_at % 16 || q->avail_at % 2 || q->used_at % 4)
		return -EINVAL;
	q->desc = mem_ptr(m, q->desc_at, n * DESC, true);
	q->avail = mem_ptr(m, q->avail_at, 6 + 2 * n, true);
	q->used = mem_ptr(m, q->used_at, 6 + 8 * n, true);
	if (!q->desc || !q->avail || !q->used)
		return -EFAULT;
	q->next = q->used_idx = 0;
	q->signalled_valid = false;
	q->enabled = true;
	return 0;
}

/* Adds [gpa, gpa + len), in as many pieces as the memory map makes of it. */
static bool add_piece(struct virtq *q, struct virtq_chain *c, uint64_t gpa, uint64_t len,
		      bool write)
{
	if (len > (write ? UINT32_MAX - c->in_len : UINT32_MAX - c->out_len))
		return false;
	if (write)
		c->in_len += len;
	else
		c->out_len += len;
	while (len) {
		struct mem_slot s;
		unsigned n = c->n_out + c->n_in;
		struct sg_seg *last = n ? &c->seg[n - 1] : NULL;
		uint64_t take;

		if (!mem_slot_at(q->v->mem, gpa, &s) || (write && !s.writable))
			return false;
		take = min_u64(len, s.size - (gpa - s.gpa));
		/* neighbours become one, unless that would join what is read and written */
		if (last && last->host + last->len == s.host + (gpa - s.gpa) &&
		    last->gpa + last->len == gpa && (write ? c->n_in > 0 : c->n_in == 0)) {
			last->len += take;
		} else {
			if (n == VIRTQ_SEGS)
				return false;
			c->seg[n] =
				(struct sg_seg){ s.host + (gpa - s.gpa), gpa, (size_t)take };
			if (write)
				c->n_in++;
			else
				c->n_out++;
		}
		gpa += take;
		len -= take;
	}
	return true;
}

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static struct desc fetch(const uint8_t *table, unsigned i)
{
	uint8_t raw[DESC];

	mem_copy(raw, table + i * DESC, DESC);
	return (struct desc){ load_le64(raw), load_le32(raw + 8), load_le16(raw + 12),
			      load_le16(raw + 14) };
}

static bool walk(struct virtq *q, struct virtq_chain *c, const uint8_t *table, unsigned count,
		 unsigned i, bool indirect_ok)
{
	bool wrote = false;

	/* no chain is longer than the table it lies in */
	for (unsigned steps = 0; steps < count; steps++) {
		struct desc d;

		if (i >= count)
			return false;
		d = fetch(table, i);
		if (d.flags & D_INDIRECT) {
			const uint8_t *t = mem_ptr(q->v->mem, d.addr, d.len, false);

			if (!indirect_ok || !t || !d.len || d.len % DESC ||
			    (d.flags & D_NEXT) || c->n_out + c->n_in ||
			    !(q->v->accepted & VIRTIO_F_INDIRECT))
				return false;
			return walk(q, c, t, d.len / DESC, 0, false);
		}
		if (wrote && !(d.flags & D_WRITE))
			return false;
		wrote = d.flags & D_WRITE;
		if (!add_piece(q, c, d.addr, d.len, wrote))
			return false;
		if (!(d.flags & D_NEXT))
			return true;
		i = d.next;
	}
	return false;
}

int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	uint16_t idx;
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (!q->enabled || !virtio_running(q->v))
		goto out;
	idx = get16(avail_idx(q));
	if (idx == q->next)
		goto out;
	c->n_out = c->n_in = 0;
	c->out_len = c->in_len = 0;
	c->head = get16(q->avail + 4 + 2 * (q->next % q->size));
	r = 1;
	if ((uint16_t)(idx - q->next) > q->size ||
	    !walk(q, c, q->desc, q->size, c->head, true)) {
		virtio_broken(q->v);
		r = -EINVAL;
		goto out;
	}
	q->next++;
	if (idx != q->next)
		r = 2;
out:
	pthread_mutex_unlock(&q->lock);
	return r;
}

bool virtq_more(struct virtq *q)
{
	bool more;

	pthread_mutex_lock(&q->lock);
	more = q->enabled && get16(avail_idx(q)) != q->next;
	pthread_mutex_unlock(&q->lock);
	return more;
}

bool virtq_arm(struct virtq *q)
{
	bool more = false;

	pthread_mutex_lock(&q->lock);
	if (q->enabled && virtio_running(q->v)) {
		if (q->v->accepted & VIRTIO_F_EVENT)
			put16(avail_event(q), q->next);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		more = get16(avail_idx(q)) != q->next;
	}
	pthread_mutex_unlock(&q->lock);
	return more;
}

static bool wants_interrupt(struct virtq *q)
{
	uint16_t event, old = q->signalled;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(q->v->accepted & VIRTIO_F_EVENT))
		return !(get16(q->avail) & NO_INTERRUPT);
	event = get16(used_event(q));
	if (q->signalled_valid &&
	    !((uint16_t)(q->used_idx - event - 1) < (uint16_t)(q->used_idx - old)))
		return false;
	q->signalled = q->used_idx;
	q->signalled_valid = true;
	return true;
}

void virtq_push(struct virtq *q, struct virtq_chain *c, uint32_t written)
{
	bool irq = false;

	pthread_mutex_lock(&q->lock);
	if (q->enabled) {
		uint8_t *e = q->used + 4 + 8 * (q->used_idx % q->size);

		store_le32(e, c->head);
		store_le32(e + 4, written);
		q->used_idx++;
		put16(q->used + 2, q->used_idx);
		mem_written(q->v->mem, q->used_at, 6 + 8 * (uint64_t)q->size);
		irq = wants_interrupt(q);
	}
	pthread_mutex_unlock(&q->lock);
	if (irq)
		virtio_notify(q->v, q->vector, 1);
}

size_t virtq_read(const struct virtq_chain *c, size_t off, void *buf, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < c->n_out && done < len; i++) {
		const struct sg_seg *s = &c->seg[i];
		size_t n;

		if (off >= s->len) {
			off -= s->len;
			continue;
		}
		n = s->len - off < len - done ? s->len - off : len - done;
		memcpy((uint8_t *)buf + done, s->host + off, n);
		done += n;
		off = 0;
	}
	return done;
}

size_t virtq_write(struct virtio *v, struct virtq_chain *c, size_t off, const void *buf,
		   size_t len)
{
	size_t done = 0;

	for (unsigned i = c->n_out; i < c->n_out + c->n_in && done < len; i++) {
		const struct sg_seg *s = &c->seg[i];
		size_t n;

		if (off >= s->len) {
			off -= s->len;
			continue;
		}
		n = s->len - off < len - done ? s->len - off : len - done;
		memcpy(s->host + off, (const uint8_t *)buf + done, n);
		mem_written(v->mem, s->gpa + off, n);
		done += n;
		off = 0;
	}
	return done;
}
