/* SPDX-License-Identifier: MIT */
#include "host/kvm.h"

#include "base/io.h"
#include "host/kvm_guest.h"
#include "tests/unit/host/fixture.h"

#include <fcntl.h>

static void probe(const struct tree *t, const char *record, struct kvm *k)
{
	AUTO_HOST struct host *h = fixture_open(t, record);

	assert_int_equal(kvm_probe(h, k, NULL), 0);
}

static void one_that_works(void **state)
{
	struct kvm k;

	probe(*state,
	      "arch = x86_64\nkvm api = 12\nkvm create_vm = 0\nkvm cap 9 = 8\n"
	      "kvm cap 66 = 1024\nkvm cap 10 = 32764\nkvm cap 157 = 4224\nkvm device 7 = 0\n",
	      &k);
	assert_true(kvm_works(&k));
	assert_true(k.vcpus == 8 && k.vcpus_max == 1024 && k.memslots == 32764);
	assert_int_equal(k.nested_state, 4224);
	/* no such question there */
	assert_true(k.gic_v3 == TRI_UNKNOWN && k.ipa_bits == 0);
}

static void arm64(void **state)
{
	struct kvm k;

	probe(*state,
	      "arch = aarch64\nkvm api = 12\nkvm create_vm = 0\nkvm cap 165 = 48\n"
	      "kvm device 7 = 0\nkvm device 5 = ENODEV\n",
	      &k);
	assert_true(kvm_works(&k) && k.ipa_bits == 48);
	assert_true(k.gic_v3 == TRI_YES && k.gic_v2 == TRI_NO && k.its == TRI_UNKNOWN);
}

static void ways_to_fail(void **state)
{
	struct kvm k;

	probe(*state, "arch = x86_64\nkvm api = EACCES\n", &k);
	assert_true(k.open == -EACCES && !kvm_works(&k) && k.api == -ENODATA);
	probe(*state, "arch = x86_64\nkvm api = ENODEV\n", &k);
	assert_int_equal(k.open, -ENODEV);
	probe(*state, "arch = x86_64\nkvm api = 12\nkvm create_vm = EBUSY\n", &k);
	assert_true(k.open == 0 && k.api == 12 && k.create_vm == -EBUSY && !kvm_works(&k));
	probe(*state, "arch = x86_64\nkvm api = 10\nkvm create_vm = 0\n", &k);
	assert_false(kvm_works(&k));
	probe(*state, "arch = x86_64\n", &k);
	assert_int_equal(k.open, -ENODATA);
	probe(*state,
	      "arch = x86_64\nkvm api = 12\nkvm create_vm = 0\nkvm cap 9 = 99999999999\n", &k);
	assert_int_equal(k.vcpus, 0);
}

/* That it makes guests does not say that it runs them. */
static void opens_but_runs_no_kernel(void **state)
{
	struct kvm k;

	probe(*state, "arch = x86_64\nkvm api = 12\nkvm create_vm = 0\n", &k);
	assert_true(k.runs == -ENODATA && !kvm_runs_no_kernel(&k));
	probe(*state, "arch = x86_64\nkvm api = 12\nkvm create_vm = 0\nkvm runs = 0\n", &k);
	assert_true(k.runs == 0 && !kvm_runs_no_kernel(&k));
	probe(*state, "arch = x86_64\nkvm api = 12\nkvm create_vm = 0\nkvm runs = ENOTSUP\n",
	      &k);
	assert_true(kvm_works(&k) && kvm_runs_no_kernel(&k) && k.why_not[0]);
	/* where no guest can be made, none ran either, and that is said elsewhere */
	probe(*state, "arch = x86_64\nkvm api = 12\nkvm create_vm = EBUSY\nkvm runs = 0\n", &k);
	assert_false(kvm_runs_no_kernel(&k));
}

static void not_in_an_image(void **state)
{
	AUTO_HOST struct host *h = fixture_open(*state, NULL);
	struct kvm k;

	assert_int_equal(kvm_probe(h, &k, NULL), -ENOTSUP);
	assert_false(kvm_works(&k));
}

/* Whatever it is here, it does not contradict itself. */
static void this_machine(void **state)
{
	AUTO_HOST struct host *h = NULL;
	struct kvm k;

	assert_int_equal(host_open(NULL, &h, NULL), 0);
	assert_int_equal(kvm_probe(h, &k, NULL), 0);
	assert_true(k.open <= 0);
	if (k.open < 0)
		assert_true(k.api == -ENODATA && k.vcpus == 0 && k.create_vm == -ENODATA);
	else if (kvm_works(&k))
		assert_true(k.vcpus_max >= 1 && k.memslots >= 1);
	/* asked anew, the test guest says the same */
	if (kvm_works(&k)) {
		AUTO_CLOSE int fd = host_openat(h, KVM_NODE, O_RDWR, 0, NULL);

		assert_true(fd >= 0);
		assert_int_equal(kvm_guest_try(fd, NULL), k.runs);
		assert_true(k.runs == 0 || k.why_not[0]);
	}
	assert_true(host_exists(h, KVM_NODE) || k.open == -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(one_that_works),  in_tree(arm64),
		in_tree(ways_to_fail),    in_tree(opens_but_runs_no_kernel),
		in_tree(not_in_an_image), cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
