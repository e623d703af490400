/* SPDX-License-Identifier: MIT */
#include "emu/chardev/chardev.h"

#include "emu/chardev/telnet.h"
#include "emu/loop.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ID (char *)

/* A user that keeps what comes. */
struct sink {
	size_t room, n;
	char got[1024];
	unsigned ups, downs, focus, brks, drains;
};

static size_t room(void *arg)
{
	return ((struct sink *)arg)->room;
}

static void input(void *arg, const uint8_t *p, size_t n)
{
	struct sink *s = arg;

	assert_true(n <= s->room && s->n + n < sizeof(s->got));
	s->room -= n;
	memcpy(s->got + s->n, p, n);
	s->n += n;
}

static void connected(void *arg, bool there)
{
	struct sink *s = arg;

	s->ups += there;
	s->downs += !there;
}

static void focus(void *arg)
{
	((struct sink *)arg)->focus++;
}

static void broke(void *arg)
{
	((struct sink *)arg)->brks++;
}

static void drained(void *arg)
{
	((struct sink *)arg)->drains++;
}

static struct chardev_user user(struct sink *s)
{
	return (struct chardev_user){ room, input, drained, connected, focus, broke, s };
}

struct rig {
	struct loop *loop;
	struct chardevs *all;
	struct chardev *c;
	unsigned quits, commits;
	char told[256];
};

static void quit(void *arg)
{
	((struct rig *)arg)->quits++;
}

static void commit(void *arg)
{
	((struct rig *)arg)->commits++;
}

static void tell(void *arg, const char *line)
{
	struct rig *r = arg;

	snprintf(r->told, sizeof(r->told), "%s", line);
}

static void start(struct rig *r, const struct config_chardev *config, uint8_t escape)
{
	const struct chardev_env env = {
		.quit = quit, .commit = commit, .tell = tell, .arg = r, .escape = escape
	};
	struct chardev_env with = env;
	struct err e = { 0 };

	*r = (struct rig){ 0 };
	assert_int_equal(loop_new(&r->loop, &e), 0);
	with.loop = r->loop;
	if (chardevs_new(&r->all, &with, config, 1, &e) < 0)
		fail_msg("%s", e.msg);
	r->c = chardevs_find(r->all, config->id);
	assert_ptr_equal(r->c, chardevs_at(r->all, 0));
	assert_null(chardevs_at(r->all, 1));
	assert_null(chardevs_find(r->all, "other"));
}

static void end(struct rig *r)
{
	chardevs_free(r->all);
	loop_free(r->loop);
}

static void turn(struct rig *r)
{
	struct err e = { 0 };

	for (int i = 0; i < 8; i++)
		assert_int_equal(loop_once(r->loop, 1000000, &e), 0);
}

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(fd, (void *)&a, sizeof(a)), 0);
	return fd;
}

/* What can be read now. */
static size_t heard(int fd, char *to, size_t max)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, 0) > 0 ? read(fd, to, max - 1) : 0;

	to[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static void one_user(void **state)
{
	const struct config_chardev config = { .id = ID "a", .kind = CHARDEV_NULL };
	struct sink one = { 0 }, two = { 0 };
	struct chardev_user u = user(&one), v = user(&two);
	struct err e = { 0 };
	struct rig r;

	start(&r, &config, 0);
	assert_false(chardev_used(r.c));
	assert_int_equal(chardev_use(r.c, "a", &u, &e), 0);
	assert_int_equal(one.ups, 1);
	assert_int_equal(one.focus, 1);
	assert_int_equal(chardev_use(r.c, "a", &v, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "mux=on"));
	chardev_leave(r.c, &two);
	assert_true(chardev_used(r.c));
	chardev_leave(r.c, &one);
	assert_int_equal(chardev_use(r.c, "a", &v, &e), 0);
	assert_int_equal(chardev_use(NULL, "zebra", &v, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "zebra"));
	assert_int_equal(chardev_write(r.c, "abc", 3), 3);
	end(&r);
}

static void mux(void **state)
{
	char path[] = "/tmp/chardev.XXXXXX", sock[64], text[1024];
	struct sink one = { .room = 500 }, two = { .room = 500 };
	struct chardev_user u = user(&one), v = user(&two);
	struct config_chardev config = {
		.id = ID "a", .kind = CHARDEV_UNIX, .server = true, .mux = true
	};
	struct err e = { 0 };
	struct rig r;
	int fd;

	assert_non_null(mkdtemp(path));
	snprintf(sock, sizeof(sock), "%s/s", path);
	config.path = sock;
	start(&r, &config, 0);
	assert_int_equal(chardev_use(r.c, "a", &u, &e), 0);
	assert_int_equal(chardev_use(r.c, "a", &v, &e), 0);
	assert_int_equal(one.ups + two.ups, 0);
	assert_false(chardev_open(r.c));
	fd = dial(sock);
	turn(&r);
	assert_true(chardev_open(r.c));
	assert_int_equal(one.ups, 1);
	assert_int_equal(two.ups, 1);
	assert_int_equal(one.focus, 1);
	assert_int_equal(two.focus, 0);
	/* to the first, then switched, then both keys of ours, then back */
	assert_int_equal(write(fd, "ab\1\1c\1bd\1cef\1cg\1s\1?\1q", 21), 21);
	turn(&r);
	assert_string_equal(one.got, "ab\1cdg");
	assert_string_equal(two.got, "ef");
	assert_int_equal(one.brks, 1);
	assert_int_equal(two.focus, 1);
	assert_int_equal(r.commits, 1);
	assert_true(heard(fd, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "C-a x  end the machine"));
	assert_int_equal(r.quits, 0);
	/* a user that takes nothing does not keep our keys away */
	one.room = 0;
	assert_int_equal(write(fd, "xyz\1x", 5), 5);
	turn(&r);
	assert_int_equal(r.quits, 1);
	assert_int_equal(one.n, 6);
	one.room = 2;
	chardev_more(r.c);
	turn(&r);
	assert_string_equal(one.got, "ab\1cdgxy");
	/* what any of them writes goes out */
	chardev_write(r.c, "out", 3);
	turn(&r);
	assert_true(heard(fd, text, sizeof(text)) == 3);
	close(fd);
	turn(&r);
	assert_int_equal(one.downs, 1);
	assert_int_equal(two.downs, 1);
	end(&r);
	/* the socket goes with it */
	assert_int_equal(rmdir(path), 0);
}

static void another_escape(void **state)
{
	int in[2];
	const struct config_chardev config = { .id = ID "a", .kind = CHARDEV_PTY, .mux = true };
	struct sink one = { .room = 100 };
	struct chardev_user u = user(&one);
	struct err e = { 0 };
	struct rig r;
	char text[512] = "";

	(void)state;
	in[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (in[0] < 0) {
		print_message("# no pseudo terminals here\n");
		skip();
	}
	close(in[0]);
	start(&r, &config, 'T' - '@');
	assert_int_equal(chardev_use(r.c, "a", &u, &e), 0);
	assert_int_equal(strncmp(r.told, "a is at /dev/pts/", 17), 0);
	assert_int_equal(strncmp(chardev_about(r.c), "pty:/dev/pts/", 13), 0);
	/* nobody has it open: what is written is not kept for the next */
	assert_false(chardev_open(r.c));
	chardev_write(r.c, "lost", 4);
	for (int i = 0; i < 2; i++) {
		in[0] = open(chardev_about(r.c) + 4, O_RDWR | O_NOCTTY);
		assert_true(in[0] >= 0);
		for (int t = 0; t < 500 && !chardev_open(r.c); t++)
			turn(&r);
		assert_int_equal(one.ups, i + 1);
		chardev_write(r.c, "kept", 4);
		turn(&r);
		assert_int_equal(heard(in[0], text, sizeof(text)), 4);
		assert_string_equal(text, "kept");
		assert_int_equal(write(in[0], "\1a\024x", 4), 4);
		turn(&r);
		assert_int_equal(r.quits, i + 1);
		close(in[0]);
		turn(&r);
		assert_false(chardev_open(r.c));
	}
	assert_string_equal(one.got, "\1a\1a");
	end(&r);
}

static void full(void **state)
{
	int fd[2];
	char dir[] = "/tmp/chardev.XXXXXX", path[64];
	static char big[70000], text[8192];
	struct sink one = { .room = 100 };
	struct chardev_user u = user(&one);
	struct config_chardev config = { .id = ID "a", .kind = CHARDEV_PIPE };
	size_t taken, got = 0;
	struct err e = { 0 };
	struct rig r;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/p", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd[0] = open(path, O_RDWR | O_NONBLOCK);
	/* the pipe takes nothing */
	while (write(fd[0], big, 4096) > 0)
		;
	config.path = path;
	start(&r, &config, 0);
	one.room = 0;
	assert_int_equal(chardev_use(r.c, "a", &u, &e), 0);
	taken = chardev_write(r.c, big, sizeof(big));
	assert_int_equal(taken, 65536);
	assert_int_equal(chardev_write(r.c, big, 1), 0);
	turn(&r);
	assert_int_equal(one.drains, 0);
	for (int i = 0; i < 64 && !one.drains; i++) {
		got += heard(fd[0], text, sizeof(text));
		turn(&r);
	}
	assert_int_equal(one.drains, 1);
	assert_true(got > 0);
	assert_int_equal(chardev_write(r.c, big, 1), 1);
	close(fd[0]);
	end(&r);
	unlink(path);
	rmdir(dir);
}

static void ring_and_log(void **state)
{
	char name[] = "/tmp/chardev.XXXXXX", text[64] = "";
	const int fd = mkstemp(name);
	const struct config_chardev config = {
		.id = ID "a", .kind = CHARDEV_RING, .size = 8, .log = name
	};
	struct err e = { 0 };
	struct rig r;
	size_t n;

	start(&r, &config, 0);
	assert_int_equal(chardev_write(r.c, "abcdefghij", 10), 10);
	assert_int_equal(chardev_ring_take(r.c, text, 3, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "cde", 3);
	assert_int_equal(chardev_ring_take(r.c, text, sizeof(text), &n, &e), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(text, "fghij", 5);
	end(&r);
	assert_int_equal(read(fd, text, sizeof(text)), 10);
	assert_memory_equal(text, "abcdefghij", 10);
	close(fd);
	unlink(name);
}

static void telnet(void **state)
{
	uint8_t in[] =
		"a\377\375\001b\377\372\030x\377\377y\377\360c\377\377d\r\0e\377\363f\r\ng";
	struct telnet t = { 0 };
	bool brk = false, any = false;
	char out[64] = "";
	size_t n = 0;

	/* byte by byte, as the network may deliver it */
	for (size_t i = 0; i < sizeof(in) - 1; i++) {
		uint8_t c = in[i];

		if (telnet_input(&t, &c, 1, &brk))
			out[n++] = (char)c;
		any |= brk;
	}
	assert_string_equal(out, "abc\377d\ref\r\ng");
	assert_true(any);
	t = (struct telnet){ 0 };
	n = telnet_input(&t, in, sizeof(in) - 1, &brk);
	assert_memory_equal(in, out, n);
	assert_true(brk);
}

static void bad(void **state)
{
	static const struct config_chardev all[] = {
		{ .id = ID "a", .kind = CHARDEV_FILE, .path = ID "/no/such/dir/f" },
		{ .id = ID "a", .kind = CHARDEV_UNIX, .path = ID "/no/dir/s", .server = true },
		{ .id = ID "a", .kind = CHARDEV_UNIX, .path = ID "/no/dir/s" },
		{ .id = ID "a", .kind = CHARDEV_PIPE, .path = ID "/no/pipe" },
		{ .id = ID "a", .kind = CHARDEV_TTY, .path = ID "/dev/null" },
		{ .id = ID "a", .kind = CHARDEV_NULL, .log = ID "/no/such/dir/f" },
		{ .id = ID "a", .kind = CHARDEV_TCP, .host = ID "127.0.0.1", .port = ID "no" },
	};
	struct chardev_env env = { 0 };
	struct err e = { 0 };
	struct chardevs *s;

	assert_int_equal(loop_new(&env.loop, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		e.msg[0] = '\0';
		assert_true(chardevs_new(&s, &env, &all[i], 1, &e) < 0);
		assert_int_equal(strncmp(e.msg, "a: ", 3), 0);
	}
	loop_free(env.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_user),
		cmocka_unit_test(mux),
		cmocka_unit_test(another_escape),
		cmocka_unit_test(full),
		cmocka_unit_test(ring_and_log),
		cmocka_unit_test(telnet),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
