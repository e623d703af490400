/* SPDX-License-Identifier: MIT */
/* A tree for each test, and a host opened on it. */
#ifndef TESTS_UNIT_HOST_FIXTURE_H
#define TESTS_UNIT_HOST_FIXTURE_H

#include "host/host.h"
#include "tests/lib/tree.h"
#include "tests/unit/unit.h"

static int fixture_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	tree_make(t);
	*state = t;
	return 0;
}

static int fixture_teardown(void **state)
{
	tree_remove(*state);
	free(*state);
	return 0;
}

/* With @record as its /.hostkit-record; NULL: as it is, an image. */
static struct host *fixture_open(const struct tree *t, const char *record)
{
	struct host *h = NULL;

	if (record)
		tree_file(t, "/.hostkit-record", record);
	assert_int_equal(host_open(t->root, &h, NULL), 0);
	return h;
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
