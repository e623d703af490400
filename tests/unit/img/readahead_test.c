/* SPDX-License-Identifier: MIT */
#include "img/proto/readahead.h"

#include "base/mem.h"
#include "base/threads.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, WORKERS = 4 };

/* A file whose bytes tell where they are, and what was asked of it. */
static struct {
	pthread_mutex_t lock;
	uint64_t size, bytes, largest, fail_at; /* fail_at: a byte that cannot be had */
	unsigned requests, at_once, most_at_once, fails;
	struct readahead *ra;
} far;

static uint8_t byte_at(uint64_t off)
{
	return (uint8_t)(off * 2654435761u >> 13);
}

static int fetch(void *arg, unsigned worker, uint64_t off, uint64_t len,
		 struct readahead_job *j, struct err *e)
{
	uint8_t buf[10000];
	uint64_t end = off + len;

	assert_true(worker < WORKERS && len && end <= far.size);
	pthread_mutex_lock(&far.lock);
	far.requests++;
	far.bytes += len;
	far.largest = len > far.largest ? len : far.largest;
	if (++far.at_once > far.most_at_once)
		far.most_at_once = far.at_once;
	pthread_mutex_unlock(&far.lock);
	usleep(500);
	while (off < end) {
		size_t n = end - off < sizeof(buf) ? (size_t)(end - off) : sizeof(buf);
		bool bad = far.fails && far.fail_at >= off && far.fail_at < off + n;

		if (bad)
			n = (size_t)(far.fail_at - off);
		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(off + i);
		readahead_put(j, buf, n);
		off += n;
		if (bad)
			break;
	}
	pthread_mutex_lock(&far.lock);
	far.at_once--;
	if (off < end)
		far.fails--;
	pthread_mutex_unlock(&far.lock);
	return off < end ? err_set(e, -EIO, "no byte %llu", (unsigned long long)off) : 0;
}

static void start(uint64_t size, size_t memory)
{
	struct readahead_conf c = {
		.size = size,
		.workers = WORKERS,
		.least = 128 << 10,
		.memory = memory,
		.fetch = fetch,
	};

	memset(&far, 0, sizeof(far));
	pthread_mutex_init(&far.lock, NULL);
	far.size = size;
	assert_int_equal(readahead_new(&c, &far.ra, NULL), 0);
}

static int check_read(uint64_t off, size_t len, struct err *e)
{
	AUTO_FREE uint8_t *buf = mem_zalloc(1, len + 1, NULL);
	int r = readahead_read(far.ra, buf, len, off, e);

	for (size_t i = 0; r == 0 && i < len; i++)
		if (buf[i] != byte_at(off + i))
			return err_set(e, -EBADMSG, "byte %llu is wrong",
				       (unsigned long long)(off + i));
	return r;
}

static void reads(uint64_t off, size_t len)
{
	struct err e = { 0 };

	if (check_read(off, len, &e) < 0)
		fail_msg("%zu at %llu: %s", len, (unsigned long long)off, e.msg);
}

static void scattered_reads_fetch_little(void **state)
{
	start(1000 * (uint64_t)MIB + 777, 8 * MIB);
	for (unsigned i = 0; i < 20; i++)
		reads(((uint64_t)i * 7919 % 97) * 10 * MIB + 123, 3000);
	reads(far.size - 5, 5);
	assert_true(far.requests <= 21);
	assert_true(far.bytes <= 21ull * (256 << 10));
	reads(0, 0);
	reads(far.size, 0);
	assert_int_equal(readahead_read(far.ra, NULL, 1, far.size, NULL), -EINVAL);
	readahead_free(far.ra);
}

static void what_is_there_is_not_fetched_again(void **state)
{
	unsigned before;

	start(4 * MIB, 8 * MIB);
	reads(0, 4 * MIB);
	before = far.requests;
	assert_int_equal(far.bytes, 4 * MIB);
	reads(12345, 2 * MIB);
	assert_int_equal(far.requests, before);
	readahead_free(far.ra);
}

static void reading_on_fetches_ahead_in_large_pieces(void **state)
{
	start(200 * (uint64_t)MIB + 1, 32 * MIB);
	for (uint64_t at = 0; at < far.size; at += 128 << 10) {
		size_t n = far.size - at < 128 << 10 ? (size_t)(far.size - at) : 128 << 10;

		reads(at, n);
	}
	assert_int_equal(far.bytes, far.size); /* nothing twice */
	assert_true(far.requests < 400);       /* of 1600 reads */
	assert_true(far.largest >= MIB);
	assert_true(far.most_at_once > 1);
	readahead_free(far.ra);
}

static int part(void *arg, unsigned worker, struct err *e)
{
	for (uint64_t at = worker * (uint64_t)MIB; at < far.size; at += 8 * (uint64_t)MIB) {
		size_t n = far.size - at < MIB ? (size_t)(far.size - at) : MIB;
		int r = check_read(at, n, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* More readers than the cache can hold the pieces of. */
static void readers_side_by_side(void **state)
{
	struct err e = { 0 };

	start(100 * (uint64_t)MIB + 4321, 2 * MIB);
	if (threads_run(8, part, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	readahead_free(far.ra);
}

static void failures_reach_who_waits_and_pass(void **state)
{
	struct err e = { 0 };

	start(10 * MIB, 4 * MIB);
	far.fails = 1;
	far.fail_at = 200000;
	assert_int_equal(check_read(0, 300000, &e), -EIO);
	assert_string_equal(e.msg, "no byte 200000");
	reads(0, 300000);
	far.fails = 100;
	far.fail_at = 5 * MIB;
	reads(4 * MIB, MIB); /* what is read ahead and fails is nobody's trouble */
	assert_int_equal(check_read(5 * MIB, 1, &e), -EIO);
	far.fails = 0;
	reads(5 * MIB, MIB);
	readahead_free(far.ra);
}

static void seeded(void **state)
{
	uint8_t buf[200000];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = byte_at(i);
	start(sizeof(buf), MIB);
	assert_int_equal(readahead_seed(far.ra, buf, sizeof(buf), NULL), 0);
	reads(0, sizeof(buf));
	assert_int_equal(far.requests, 0);
	readahead_free(far.ra);
	start(10 * MIB, MIB);
	assert_int_equal(readahead_seed(far.ra, buf, sizeof(buf), NULL), 0);
	reads(1, READAHEAD_CHUNK * 3 - 1);
	assert_int_equal(far.requests, 0);
	reads(1, READAHEAD_CHUNK * 3);
	assert_true(far.requests > 0);
	readahead_free(far.ra);
	readahead_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scattered_reads_fetch_little),
		cmocka_unit_test(what_is_there_is_not_fetched_again),
		cmocka_unit_test(reading_on_fetches_ahead_in_large_pieces),
		cmocka_unit_test(readers_side_by_side),
		cmocka_unit_test(failures_reach_who_waits_and_pass),
		cmocka_unit_test(seeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
