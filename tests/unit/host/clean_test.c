/* SPDX-License-Identifier: MIT */
#include "host/recorder/clean.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void becomes(enum clean_how how, const char *text, const char *want)
{
	char *out = NULL;
	size_t len;

	assert_int_equal(clean_text(text, strlen(text), how, &out, &len, NULL), 0);
	assert_string_equal(out, want);
	assert_int_equal(len, strlen(want));
	free(out);
}

static void secrets(void **state)
{
	(void)state;
	becomes(CLEAN_SECRETS, "//srv /mnt cifs user=a,password=b,rw 0 0\n",
		"//srv /mnt cifs user=a,password=*,rw 0 0\n");
	becomes(CLEAN_PASSWD, "a:$6$x:1000:1000:Ann Example:/home/a:/bin/sh",
		"a:x:1000:1000::/home/a:/bin/sh");
	becomes(CLEAN_GROUP, "kvm:!:34:a,b\n", "kvm:x:34:a,b\n");
	becomes(CLEAN_STATUS, "Name:\thostcheck\nUid:\t1\t1\t1\t1\n", "Uid:\t1\t1\t1\t1\n");
}

static void routes(void **state)
{
	(void)state;
	becomes(CLEAN_ROUTES,
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n"
		"eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n",
		"eth0\t00000000\t00000000\t0003\t0\t0\t0\t00000000\n");
	becomes(CLEAN_ROUTES,
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe8000000000000002005efffe005301 00000400 00000001 00000000 00450003 eth0\n"
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n",
		"00000000000000000000000000000000\t00\t00000000000000000000000000000000\t00\t"
		"00000000000000000000000000000000\t00000400\t00000001\t00000000\t00450003\t"
		"eth0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets),
		cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
