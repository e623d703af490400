/* SPDX-License-Identifier: MIT */
/* Split rings, as drivers and as attackers write them. */
#include "base/bytes.h"
#include "emu/mem.h"
#include "emu/virtio/virtio.h"
#include "tests/unit/unit.h"

#include <string.h>

#define RAM   (1u << 20)
#define DESC  0x1000u
#define AVAIL 0x3000u
#define USED  0x4000u
#define TABLE 0x8000u /* an indirect one */
#define DATA  0x20000u
#define SIZE  16u

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

static uint8_t *ram;
static struct mem *mem;
static struct virtio v;
static struct virtq *q;
static struct virtq_chain chain;
static uint16_t avail;

static void desc(uint64_t table, unsigned i, uint64_t addr, uint32_t len, unsigned flags,
		 unsigned next)
{
	uint8_t *d = ram + table + 16 * i;

	store_le64(d, addr);
	store_le32(d + 8, len);
	store_le16(d + 12, (uint16_t)flags);
	store_le16(d + 14, (uint16_t)next);
}

static void offer(unsigned head)
{
	store_le16(ram + AVAIL + 4 + 2 * (avail % SIZE), (uint16_t)head);
	store_le16(ram + AVAIL + 2, ++avail);
}

static void start(uint64_t features)
{
	memset(&v, 0, sizeof(v));
	memset(ram, 0, RAM);
	avail = 0;
	v.mem = mem;
	v.accepted = features;
	v.status = VIRTIO_S_DRIVER_OK;
	v.queues = 1;
	q = &v.q[0];
	pthread_mutex_init(&q->lock, NULL);
	q->v = &v;
	q->size = SIZE;
	q->desc_at = DESC;
	q->avail_at = AVAIL;
	q->used_at = USED;
	assert_int_equal(virtq_enable(q), 0);
}

static int begin(void **state)
{
	(void)state;
	assert_int_equal(mem_new(&mem, NULL), 0);
	assert_int_equal(mem_alloc(RAM, NULL, false, &ram, NULL), 0);
	assert_int_equal(mem_map(mem, 0, RAM / 2, ram, true, NULL), 0);
	assert_int_equal(mem_map(mem, RAM / 2, RAM / 2, ram + RAM / 2, false, NULL), 0);
	start(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	mem_free(mem);
	mem_dealloc(ram, RAM);
	return 0;
}

static void test_requests(void **state)
{
	char buf[16] = "";

	(void)state;
	assert_int_equal(virtq_pop(q, &chain), 0);
	assert_false(virtq_more(q));
	/* two pieces to read, of which the second follows the first; one to write */
	memcpy(ram + DATA, "hello, world", 12);
	desc(DESC, 3, DATA, 5, NEXT, 7);
	desc(DESC, 7, DATA + 5, 7, NEXT, 1);
	desc(DESC, 1, DATA + 0x1000, 100, WRITE, 0);
	offer(3);
	assert_true(virtq_more(q));
	assert_int_equal(virtq_pop(q, &chain), 1);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.n_out, 1);
	assert_int_equal(chain.n_in, 1);
	assert_int_equal(chain.out_len, 12);
	assert_int_equal(chain.in_len, 100);
	assert_int_equal(virtq_read(&chain, 3, buf, sizeof(buf)), 9);
	assert_string_equal(buf, "lo, world");
	assert_int_equal(virtq_write(&v, &chain, 98, "xyz", 3), 2);
	assert_memory_equal(ram + DATA + 0x1000 + 98, "xy\0", 3);
	virtq_push(q, &chain, 2);
	assert_int_equal(load_le16(ram + USED + 2), 1);
	assert_int_equal(load_le32(ram + USED + 4), 3);
	assert_int_equal(load_le32(ram + USED + 8), 2);
	assert_int_equal(v.isr, 1);
	/* the driver does not want to be told */
	v.isr = 0;
	store_le16(ram + AVAIL, 1);
	offer(1);
	assert_int_equal(virtq_pop(q, &chain), 1);
	virtq_push(q, &chain, 0);
	assert_int_equal(v.isr, 0);
	/* many times around, past 65535 */
	for (unsigned i = 0; i < 70000; i++) {
		offer(1);
		assert_int_equal(virtq_pop(q, &chain), 1);
		virtq_push(q, &chain, i);
	}
	assert_int_equal(load_le16(ram + USED + 2), (uint16_t)70002);
	assert_int_equal(virtq_pop(q, &chain), 0);
}

static void test_events(void **state)
{
	(void)state;
	start(VIRTIO_F_EVENT);
	desc(DESC, 0, DATA, 8, WRITE, 0);
	/* told when the third comes back */
	store_le16(ram + AVAIL + 4 + 2 * SIZE, 2);
	for (unsigned i = 0; i < 4; i++)
		offer(0);
	/* 2: there is another */
	assert_int_equal(virtq_pop(q, &chain), 2);
	virtq_push(q, &chain, 0); /* the first always */
	v.isr = 0;
	assert_int_equal(virtq_pop(q, &chain), 2);
	virtq_push(q, &chain, 0);
	assert_int_equal(v.isr, 0);
	assert_int_equal(virtq_pop(q, &chain), 2);
	virtq_push(q, &chain, 0);
	assert_int_equal(v.isr, 1);
	/* something came while it was about to wait */
	assert_true(virtq_arm(q));
	assert_int_equal(virtq_pop(q, &chain), 1);
	assert_false(virtq_arm(q));
	assert_int_equal(load_le16(ram + USED + 4 + 8 * SIZE), 4);
}

static void test_indirect(void **state)
{
	(void)state;
	start(VIRTIO_F_INDIRECT);
	for (unsigned i = 0; i < 40; i++)
		desc(TABLE, i, DATA + 0x100 * i, 16,
		     i < 39 ? NEXT | (i > 19 ? WRITE : 0) : WRITE, i + 1);
	desc(DESC, 2, TABLE, 40 * 16, INDIRECT, 0);
	offer(2);
	assert_int_equal(virtq_pop(q, &chain), 1);
	assert_int_equal(chain.n_out, 20);
	assert_int_equal(chain.n_in, 20);
	assert_int_equal(chain.head, 2);
}

/* What @make does ends in a device that needs a reset, and nothing more comes of it. */
static void hostile(uint64_t features, void (*make)(void))
{
	start(features);
	make();
	assert_int_equal(virtq_pop(q, &chain), -EINVAL);
	assert_true(v.status & VIRTIO_S_RESET);
	assert_int_equal(virtq_pop(q, &chain), 0);
	virtq_push(q, &chain, 0);
}

static void loop(void)
{
	desc(DESC, 0, DATA, 8, NEXT, 1);
	desc(DESC, 1, DATA, 8, NEXT, 0);
	offer(0);
}

static void head_outside(void)
{
	offer(SIZE);
}

static void next_outside(void)
{
	desc(DESC, 0, DATA, 8, NEXT, 0xffff);
	offer(0);
}

static void no_memory(void)
{
	desc(DESC, 0, RAM, 8, 0, 0);
	offer(0);
}

static void over_the_end(void)
{
	desc(DESC, 0, RAM - 8, 9, 0, 0);
	offer(0);
}

static void wrapping(void)
{
	desc(DESC, 0, ~0ull - 3, 8, 0, 0);
	offer(0);
}

static void into_rom(void)
{
	desc(DESC, 0, RAM / 2 - 4, 8, WRITE, 0);
	offer(0);
}

static void reads_after_writes(void)
{
	desc(DESC, 0, DATA, 8, WRITE | NEXT, 1);
	desc(DESC, 1, DATA, 8, 0, 0);
	offer(0);
}

static void too_long(void)
{
	/* more than 4 GiB in all */
	for (unsigned i = 0; i < SIZE; i++)
		desc(DESC, i, 0, RAM / 2, i < SIZE - 1 ? NEXT : 0, i + 1);
	desc(DESC, SIZE - 1, 0, UINT32_MAX, 0, 0);
	offer(0);
}

static void too_many_ahead(void)
{
	store_le16(ram + AVAIL + 2, SIZE + 1);
}

static void indirect(void)
{
	desc(TABLE, 0, DATA, 8, 0, 0);
	desc(DESC, 0, TABLE, 16, INDIRECT, 0);
	offer(0);
}

static void indirect_in_indirect(void)
{
	desc(TABLE, 0, TABLE, 16, INDIRECT, 0);
	desc(DESC, 0, TABLE, 16, INDIRECT, 0);
	offer(0);
}

static void indirect_of_odd_length(void)
{
	desc(DESC, 0, TABLE, 24, INDIRECT, 0);
	offer(0);
}

static void indirect_of_nothing(void)
{
	desc(DESC, 0, TABLE, 0, INDIRECT, 0);
	offer(0);
}

static void indirect_nowhere(void)
{
	desc(DESC, 0, RAM - 16, 32, INDIRECT, 0);
	offer(0);
}

static void indirect_too_many(void)
{
	for (unsigned i = 0; i < VIRTQ_SEGS + 1; i++)
		desc(TABLE, i, DATA + 32 * (i % 100), 16, i < VIRTQ_SEGS ? NEXT : 0, i + 1);
	desc(DESC, 0, TABLE, 16 * (VIRTQ_SEGS + 1), INDIRECT, 0);
	offer(0);
}

static void test_hostile_rings(void **state)
{
	(void)state;
	hostile(0, loop);
	hostile(0, head_outside);
	hostile(0, next_outside);
	hostile(0, no_memory);
	hostile(0, over_the_end);
	hostile(0, wrapping);
	hostile(0, into_rom);
	hostile(0, reads_after_writes);
	hostile(0, too_long);
	hostile(0, too_many_ahead);
	hostile(0, indirect); /* not accepted */
	hostile(VIRTIO_F_INDIRECT, indirect_in_indirect);
	hostile(VIRTIO_F_INDIRECT, indirect_of_odd_length);
	hostile(VIRTIO_F_INDIRECT, indirect_of_nothing);
	hostile(VIRTIO_F_INDIRECT, indirect_nowhere);
	hostile(VIRTIO_F_INDIRECT, indirect_too_many);
}

static void test_rings_in_the_wrong_place(void **state)
{
	(void)state;
	q->enabled = false;
	q->desc_at = DESC + 8;
	assert_int_equal(virtq_enable(q), -EINVAL);
	q->desc_at = DESC;
	q->used_at = USED + 2;
	assert_int_equal(virtq_enable(q), -EINVAL);
	q->used_at = RAM / 2 - 8; /* into ROM */
	assert_int_equal(virtq_enable(q), -EFAULT);
	q->used_at = USED;
	q->avail_at = RAM - 2;
	assert_int_equal(virtq_enable(q), -EFAULT);
	q->avail_at = ~1ull;
	assert_int_equal(virtq_enable(q), -EFAULT);
	assert_int_equal(virtq_pop(q, &chain), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_requests, begin, end),
		cmocka_unit_test_setup_teardown(test_events, begin, end),
		cmocka_unit_test_setup_teardown(test_indirect, begin, end),
		cmocka_unit_test_setup_teardown(test_hostile_rings, begin, end),
		cmocka_unit_test_setup_teardown(test_rings_in_the_wrong_place, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
