/* SPDX-License-Identifier: MIT */
#include "hugepages/size.h"

#include "hugepages/pools.h"
#include "tests/unit/hugepages/tree.h"

/* A question for a made up host of @nodes equal nodes. */
struct ask {
	struct hugesize s;
	struct hugeguest guests[4];
	struct hugenode nodes[4];
};

static struct hugesize *ask(struct ask *a, uint64_t total, size_t nodes, uint64_t page,
			    const char *const *guests)
{
	memset(a, 0, sizeof(*a));
	a->s = (struct hugesize){ .page = page,
				  .guests = a->guests,
				  .only_node = HUGEPOOL_ALL };
	a->s.host = (struct hugehost){ .total = total,
				       .nodes = a->nodes,
				       .n_nodes = nodes,
				       .numa = nodes > 1,
				       .x86 = true,
				       .have_page = true };
	for (size_t i = 0; i < nodes; i++) {
		a->nodes[i].node = (int)i;
		a->nodes[i].total = total / nodes;
	}
	for (; guests && *guests; guests++)
		assert_int_equal(hugeguest_parse(*guests, &a->guests[a->s.n_guests++], NULL),
				 0);
	return &a->s;
}

#define GUESTS(...)               \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static void guests_as_text(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		unsigned count, backends;
	} good[] = {
		{ "4G", 4 * GIB, 1, 1 },    { "2x4G", 4 * GIB, 2, 1 },
		{ "8G/2", 8 * GIB, 1, 2 },  { "3x1.5G/4", 3 * GIB / 2, 3, 4 },
		{ "65536x1", 1, 65536, 1 },
	};
	static const char *const bad[] = { "",
					   "G",
					   "0",
					   "0x10",
					   "x4G",
					   "2x",
					   "4G/",
					   "4G/0",
					   "4G/65",
					   "4G/2x",
					   "2y4G",
					   "-4G",
					   "65537x1G",
					   "2x4G/2/2",
					   "4G 8G",
					   "99999999999999999G",
					   "1111111111111111111111111111111111111111" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct hugeguest g;

		assert_int_equal(hugeguest_parse(good[i].text, &g, NULL), 0);
		assert_int_equal(g.bytes, good[i].bytes);
		assert_int_equal(g.count, good[i].count);
		assert_int_equal(g.backends, good[i].backends);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct hugeguest g;
		struct err e = { 0 };

		if (hugeguest_parse(bad[i], &g, &e) != -EINVAL || e.code != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void what_the_host_keeps(void **state)
{
	assert_int_equal(hugesize_keep(512 * MIB), 128 * MIB);
	assert_int_equal(hugesize_keep(2 * GIB), 512 * MIB);
	assert_int_equal(hugesize_keep(4 * GIB), GIB);
	assert_int_equal(hugesize_keep(8 * GIB), GIB);
	assert_int_equal(hugesize_keep(100 * GIB), 10 * GIB);
	assert_int_equal(hugesize_keep(0), 0);
}

/* The sums that a much read recipe gets wrong: 4096 MiB in pages of 2M and of 1G. */
static void one_guest(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 16 * GIB, 1, 2 * MIB, GUESTS("4G"));

	s->reserve = 1024;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->guest_pages, 2048);
	assert_int_equal(s->pages, 3072);
	assert_int_equal(s->bytes, 6 * GIB);
	assert_int_equal(s->left, 10 * GIB);
	assert_int_equal(s->add, 3072);
	assert_true(s->fits);
	assert_false(s->boot);
	assert_string_equal(s->cmdline, "hugepagesz=2M hugepages=3072");
	free(s->cmdline);

	s = ask(&a, 16 * GIB, 1, GIB, GUESTS("4G"));
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->pages, 4);
	assert_true(s->boot);
	assert_string_equal(s->cmdline, "hugepagesz=1G hugepages=4");
	free(s->cmdline);
}

static void each_part_is_rounded_up(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 64 * GIB, 1, GIB, GUESTS("3G/2", "2x1.5G", "1G"));

	assert_int_equal(hugesize_plan(s, NULL), 0);
	/* 2 x ceil(1.5) */
	assert_int_equal(s->guests[0].pages, 4);
	assert_int_equal(s->guests[0].waste, GIB);
	assert_int_equal(s->guests[1].pages, 2);
	assert_int_equal(s->guests[1].waste, GIB / 2);
	assert_int_equal(s->guests[2].pages, 1);
	assert_int_equal(s->guests[2].waste, 0);
	assert_int_equal(s->guest_pages, 4 + 2 * 2 + 1);
	free(s->cmdline);
}

static void a_starving_host_is_refused(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 8 * GIB, 1, 2 * MIB, GUESTS("7G"));

	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_true(s->fits);
	assert_int_equal(s->left, GIB);
	free(s->cmdline);
	/* one page more is one too many */
	s = ask(&a, 8 * GIB, 1, 2 * MIB, GUESTS("7G"));
	s->reserve = 1;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_false(s->fits);
	assert_true(strstr(s->why, "7 GiB of such pages are the most") != NULL);
	free(s->cmdline);
	/* more than there is */
	s = ask(&a, 8 * GIB, 1, 2 * MIB, GUESTS("100G"));
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_false(s->fits);
	assert_int_equal(s->left, 0);
	free(s->cmdline);
	/* pages of other sizes count */
	s = ask(&a, 8 * GIB, 1, 2 * MIB, GUESTS("4G"));
	a.nodes[0].other = 4 * GIB;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_false(s->fits);
	free(s->cmdline);
}

static void what_is_there_counts(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 16 * GIB, 1, 2 * MIB, GUESTS("4G"));

	a.nodes[0].now = 2000;
	s->host.available = GIB;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->add, 48);
	assert_true(s->now_fits);
	free(s->cmdline);
	a.nodes[0].now = 0;
	s->cmdline = NULL;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_true(s->fits);
	assert_false(s->now_fits);
	free(s->cmdline);
	a.nodes[0].now = 4096;
	s->cmdline = NULL;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->add, 0);
	assert_true(s->now_fits);
	free(s->cmdline);
}

static uint64_t sum(const struct hugesize *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->host.n_nodes; i++)
		n += s->host.nodes[i].pages;
	return n;
}

static void guests_go_whole_to_nodes(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 32 * GIB, 2, 2 * MIB, GUESTS("4G", "10G", "2x3G"));

	assert_int_equal(hugesize_plan(s, NULL), 0);
	/* 10 to the first; 4, 3 and 3 to the second, which has the most room until then */
	assert_int_equal(a.nodes[0].pages, 10 * 512);
	assert_int_equal(a.nodes[1].pages, 10 * 512);
	assert_int_equal(s->spread, 0);
	assert_int_equal(sum(s), s->pages);
	assert_string_equal(s->cmdline, "hugepagesz=2M hugepages=0:5120,1:5120");
	free(s->cmdline);
}

static void one_that_fits_on_no_node_is_spread(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 32 * GIB, 2, GIB, GUESTS("20G"));

	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->spread, 1);
	assert_int_equal(sum(s), 20);
	assert_true(a.nodes[0].pages <= a.nodes[0].room);
	assert_true(a.nodes[1].pages <= a.nodes[1].room);
	assert_true(s->fits);
	free(s->cmdline);
	/* in two parts it fits */
	s = ask(&a, 32 * GIB, 2, GIB, GUESTS("20G/2"));
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(s->spread, 0);
	assert_int_equal(a.nodes[0].pages, 10);
	assert_int_equal(a.nodes[1].pages, 10);
	free(s->cmdline);
}

static void all_on_one_node(void **state)
{
	struct ask a;
	struct err e = { 0 };
	struct hugesize *s = ask(&a, 32 * GIB, 2, GIB, GUESTS("4G"));

	s->only_node = 1;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(a.nodes[0].pages, 0);
	assert_int_equal(a.nodes[1].pages, 4);
	assert_string_equal(s->cmdline, "hugepagesz=1G hugepages=1:4");
	free(s->cmdline);
	/* enough in the host, not on the node */
	s = ask(&a, 32 * GIB, 2, GIB, GUESTS("16G"));
	s->only_node = 1;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_false(s->fits);
	assert_true(strstr(s->why, "node 1 has room for 14 GiB") != NULL);
	free(s->cmdline);
	s = ask(&a, 32 * GIB, 2, GIB, GUESTS("1G"));
	s->only_node = 7;
	assert_int_equal(hugesize_plan(s, &e), -ENODEV);
}

static void a_reserve_is_even(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 32 * GIB, 4, 2 * MIB, NULL);

	s->reserve = 1001;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(sum(s), 1001);
	for (size_t i = 0; i < 4; i++)
		assert_in_range(a.nodes[i].pages, 250, 251);
	free(s->cmdline);
	/* beyond all room the sum is right all the same */
	s = ask(&a, 32 * GIB, 4, 2 * MIB, NULL);
	s->reserve = 1000000;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_int_equal(sum(s), 1000000);
	assert_false(s->fits);
	free(s->cmdline);
}

static void sizes_that_are_not_there(void **state)
{
	struct ask a;
	struct hugesize *s = ask(&a, 32 * GIB, 1, GIB, GUESTS("4G"));

	s->host.have_page = false;
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_false(s->fits);
	assert_true(strstr(s->why, "pdpe1gb") != NULL);
	free(s->cmdline);
	s = ask(&a, 32 * GIB, 1, 64 << 10, GUESTS("4G"));
	s->host.have_page = false;
	snprintf(s->host.sizes, sizeof(s->host.sizes), "2M, 1G");
	assert_int_equal(hugesize_plan(s, NULL), 0);
	assert_true(strstr(s->why, "64K; it has 2M, 1G") != NULL);
	free(s->cmdline);
}

static void questions_that_are_none(void **state)
{
	struct ask a;
	struct err e = { 0 };
	struct hugesize *s = ask(&a, 32 * GIB, 1, 2 * MIB, NULL);

	assert_int_equal(hugesize_plan(s, &e), -EINVAL);
	s->reserve = UINT64_MAX;
	assert_int_equal(hugesize_plan(s, &e), -EOVERFLOW);
	s = ask(&a, 32 * GIB, 1, 3 * MIB, GUESTS("4G"));
	assert_int_equal(hugesize_plan(s, &e), -EINVAL);
	s = ask(&a, 32 * GIB, 1, 2 * MIB, GUESTS("65536x7E"));
	assert_int_equal(hugesize_plan(s, &e), -EOVERFLOW);
	s = ask(&a, 32 * GIB, 1, 2 * MIB, GUESTS("60000x1M", "60000x1M"));
	assert_int_equal(hugesize_plan(s, &e), -EINVAL);
	s = ask(&a, 0, 1, 2 * MIB, GUESTS("1M"));
	assert_int_equal(hugesize_plan(s, &e), -EINVAL);
}

static void the_host_as_it_is(void **state)
{
	struct world *w = *state;
	struct hugehost host = { 0 };
	uint64_t page = 0;

	world_record(&w->t, 2);
	world_pools(&w->t, -1, 2048, 512, 256, 10, 0);
	world_pools(&w->t, -1, 1048576, 2, 2, 0, 0);
	for (int i = 0; i < 2; i++) {
		world_pools(&w->t, i, 2048, 256, 128, 0, 0);
		world_pools(&w->t, i, 1048576, 1, 1, 0, 0);
	}
	world_open(w);
	assert_int_equal(hugehost_read(w->h, &page, &host, NULL), 0);
	assert_int_equal(page, 2 * MIB);
	assert_int_equal(host.total, 16 * GIB);
	assert_true(host.numa && host.have_page && host.x86);
	assert_int_equal(host.n_nodes, 2);
	assert_int_equal(host.nodes[1].node, 1);
	assert_int_equal(host.nodes[1].total, 8 * GIB);
	assert_int_equal(host.nodes[1].now, 256);
	assert_int_equal(host.nodes[1].used, 128);
	assert_int_equal(host.nodes[1].other, GIB);
	assert_string_equal(host.sizes, "2M, 1G");
	hugehost_free(&host);
}

static void a_host_without_nodes(void **state)
{
	struct world *w = *state;
	struct hugehost host = { 0 };
	struct err e = { 0 };
	uint64_t page = GIB;

	world_record(&w->t, 0);
	world_pools(&w->t, -1, 2048, 512, 256, 10, 0);
	world_open(w);
	assert_int_equal(hugehost_read(w->h, &page, &host, NULL), 0);
	assert_false(host.have_page);
	assert_false(host.numa);
	assert_int_equal(host.n_nodes, 1);
	assert_int_equal(host.nodes[0].total, 16 * GIB);
	assert_int_equal(host.nodes[0].now, 0);
	assert_int_equal(host.nodes[0].other, GIB);
	hugehost_free(&host);
	host_close(w->h);
	tree_remove(&w->t);
	tree_make(&w->t);
	tree_dir(&w->t, "/etc");
	world_open(w);
	assert_int_equal(hugehost_read(w->h, &page, &host, &e), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_as_text),
		cmocka_unit_test(what_the_host_keeps),
		cmocka_unit_test(one_guest),
		cmocka_unit_test(each_part_is_rounded_up),
		cmocka_unit_test(a_starving_host_is_refused),
		cmocka_unit_test(what_is_there_counts),
		cmocka_unit_test(guests_go_whole_to_nodes),
		cmocka_unit_test(one_that_fits_on_no_node_is_spread),
		cmocka_unit_test(all_on_one_node),
		cmocka_unit_test(a_reserve_is_even),
		cmocka_unit_test(sizes_that_are_not_there),
		cmocka_unit_test(questions_that_are_none),
		world_test(the_host_as_it_is),
		world_test(a_host_without_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
