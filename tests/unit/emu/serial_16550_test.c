/* SPDX-License-Identifier: MIT */
#include "emu/dev/serial_16550.h"

#include "emu/chardev/chardev.h"
#include "emu/loop.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int level;

static void set(void *arg, unsigned pin, int l)
{
	assert_int_equal(pin, 4);
	level = l;
}

struct rig {
	struct loop *loop;
	struct bus *bus;
	struct chardevs *all;
	struct chardev *c;
	struct serial *s;
};

static struct rig rig(const struct config_chardev *config)
{
	struct err e = { 0 };
	struct rig r = { 0 };

	assert_int_equal(loop_new(&r.loop, &e), 0);
	assert_int_equal(bus_new(&r.bus, &e), 0);
	if (config) {
		const struct chardev_env env = { .loop = r.loop };

		if (chardevs_new(&r.all, &env, config, 1, &e) < 0)
			fail_msg("%s", e.msg);
		r.c = chardevs_find(r.all, "serial0");
		assert_non_null(r.c);
	}
	assert_int_equal(serial_new(&r.s, r.bus, 0x3f8, (struct irq){ set, NULL, 4 }, r.c, &e),
			 0);
	return r;
}

static void unrig(struct rig *r)
{
	serial_free(r->s);
	chardevs_free(r->all);
	bus_free(r->bus);
	loop_free(r->loop);
}

static unsigned in(struct rig *r, unsigned reg)
{
	return (unsigned)bus_read(r->bus, BUS_PORT, 0x3f8 + reg, 1);
}

static void out(struct rig *r, unsigned reg, unsigned v)
{
	bus_write(r->bus, BUS_PORT, 0x3f8 + reg, 1, v);
}

/* What drivers do to find out what it is. */
static void probing(void **state)
{
	struct rig r = rig(NULL);

	out(&r, 1, 0xff);
	assert_int_equal(in(&r, 1), 0x0f);
	out(&r, 7, 0x5a);
	assert_int_equal(in(&r, 7), 0x5a);
	out(&r, 2, 1);
	assert_int_equal(in(&r, 2) & 0xc0, 0xc0);
	out(&r, 3, 0x80);
	out(&r, 0, 0x34);
	out(&r, 1, 0x12);
	assert_int_equal(in(&r, 0), 0x34);
	assert_int_equal(in(&r, 1), 0x12);
	out(&r, 3, 3);
	/* loopback: outputs come back as inputs, bytes too */
	out(&r, 4, 0x1a);
	assert_int_equal(in(&r, 6) & 0xf0, 0x90);
	out(&r, 0, 'x');
	assert_int_equal(in(&r, 5) & 0x61, 0x61);
	assert_int_equal(in(&r, 0), 'x');
	assert_int_equal(in(&r, 5) & 1, 0);
	unrig(&r);
}

static void interrupts(void **state)
{
	struct rig r = rig(NULL);

	level = 0;
	out(&r, 1, 2);
	assert_int_equal(level, 1);
	assert_int_equal(in(&r, 2) & 0xf, 2);
	assert_int_equal(level, 0);
	assert_int_equal(in(&r, 2) & 0xf, 1);
	out(&r, 0, 'a');
	assert_int_equal(level, 1);
	out(&r, 1, 0);
	assert_int_equal(level, 0);
	/* received data: below the trigger it is a timeout */
	out(&r, 4, 0x10);
	out(&r, 2, 0x41);
	out(&r, 1, 1);
	out(&r, 0, 'b');
	assert_int_equal(level, 1);
	assert_int_equal(in(&r, 2) & 0xf, 0xc);
	for (int i = 0; i < 4; i++)
		out(&r, 0, 'c');
	assert_int_equal(in(&r, 2) & 0xf, 4);
	for (int i = 0; i < 20; i++)
		out(&r, 0, 'd');
	assert_int_equal(in(&r, 5) & 3, 3);
	out(&r, 2, 3);
	assert_int_equal(in(&r, 5) & 1, 0);
	assert_int_equal(level, 0);
	unrig(&r);
}

static void to_file(void **state)
{
	char name[] = "/tmp/serial.XXXXXX", buf[200000] = "";
	int fd = mkstemp(name);
	struct err e = { 0 };
	struct rig r;

	r = rig(&(struct config_chardev){
		.id = (char *)"serial0", .kind = CHARDEV_FILE, .path = name });
	/* more than is buffered: THR says when to wait */
	for (int i = 0; i < 100000; i++) {
		while (!(in(&r, 5) & 0x20))
			assert_int_equal(loop_once(r.loop, 0, &e), 0);
		out(&r, 0, 'a' + i % 26);
	}
	unrig(&r);
	assert_int_equal(read(fd, buf, sizeof(buf)), 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf[i], 'a' + i % 26);
	close(fd);
	unlink(name);
}

static void over_socket(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/serial.XXXXXX", got[8] = "";
	struct err e = { 0 };
	struct rig r;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	for (int round = 0; round < 2; round++) {
		r = rig(&(struct config_chardev){ .id = (char *)"serial0",
						  .kind = CHARDEV_UNIX,
						  .path = a.sun_path,
						  .server = true });
		out(&r, 0, 'L'); /* nobody hears it */
		for (int again = 0; again < 2; again++) {
			fd = socket(AF_UNIX, SOCK_STREAM, 0);
			assert_int_equal(connect(fd, (void *)&a, sizeof(a)), 0);
			for (int i = 0; i < 5; i++)
				assert_int_equal(loop_once(r.loop, 1000000, &e), 0);
			assert_int_equal(write(fd, "hi", 2), 2);
			out(&r, 0, 'y');
			for (int i = 0; i < 5; i++)
				assert_int_equal(loop_once(r.loop, 1000000, &e), 0);
			assert_int_equal(read(fd, got, sizeof(got)), 1);
			assert_int_equal(got[0], 'y');
			assert_int_equal(in(&r, 0), 'h');
			for (int i = 0; i < 3; i++)
				assert_int_equal(loop_once(r.loop, 1000000, &e), 0);
			assert_int_equal(in(&r, 0), 'i');
			close(fd);
			for (int i = 0; i < 5; i++)
				assert_int_equal(loop_once(r.loop, 1000000, &e), 0);
		}
		unrig(&r);
	}
	unlink(a.sun_path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probing),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(to_file),
		cmocka_unit_test(over_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
