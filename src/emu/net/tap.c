/* SPDX-License-Identifier: MIT */
#include "base/io.h"
#include "base/mem.h"
#include "emu/net/backend.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

struct tap {
	struct net *net;
	int fd, index;
	uint8_t buf[NET_FRAME];
};

static int refuse_script(struct optset *o, const char *key, struct err *e)
{
	const char *v = optset_get(o, key);

	if (v && *v && strcmp(v, "no") != 0)
		return err_set(e, -ENOTSUP,
			       "%s=%s: scripts are not run; set the interface up before", key,
			       v);
	return 0;
}

/* Takes @fd, also where it fails. */
static int adopt(struct net *n, int fd, void **back, struct err *e)
{
	struct tap *t = mem_zalloc(1, sizeof(*t), e);

	if (!t) {
		io_close(fd);
		return -ENOMEM;
	}
	t->net = n;
	t->fd = fd;
	*back = t;
	return 0;
}

/* fd=N: an interface that somebody opened before, such as a program that starts vemu without rights. */
static int tap_inherit(struct net *n, struct optset *o, void **back, struct err *e)
{
	struct ifreq r = { 0 };
	uint64_t fd = 0;
	int code = optset_u64(o, "fd", &fd, e);

	if (code == 0 && optset_get(o, "ifname"))
		code = err_set(e, -EINVAL,
			       "fd= has an interface already; ifname= is for others");
	if (code == 0 && (fd < 3 || fd > INT32_MAX))
		code = err_set(e, -EINVAL, "fd=%llu is no interface", (unsigned long long)fd);
	if (code == 0 && ioctl((int)fd, TUNGETIFF, &r) < 0)
		code = err_errno(e, "fd=%llu is no interface", (unsigned long long)fd);
	if (code < 0)
		return code;
	if ((r.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) != (IFF_TAP | IFF_NO_PI))
		return err_set(
			e, -ENOTSUP,
			"fd=%llu: the interface must be opened with IFF_TAP and IFF_NO_PI, "
			"without IFF_VNET_HDR",
			(unsigned long long)fd);
	if (fcntl((int)fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_errno(e, "fd=%llu", (unsigned long long)fd);
	return adopt(n, (int)fd, back, e);
}

static int tap_open(struct net *n, struct optset *o, void **back, struct err *e)
{
	const char *name = optset_get(o, "ifname");
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, code = refuse_script(o, "script", e);

	if (code == 0)
		code = refuse_script(o, "downscript", e);
	if (code == 0 && optset_get(o, "fd"))
		return tap_inherit(n, o, back, e);
	if (code < 0)
		return code;
	if (name && strlen(name) >= sizeof(r.ifr_name))
		return err_set(e, -EINVAL, "ifname=%s: longer than %zu bytes", name,
			       sizeof(r.ifr_name) - 1);
	if (name)
		memcpy(r.ifr_name, name, strlen(name));
	fd = io_open("/dev/net/tun", O_RDWR | O_NONBLOCK, 0, e);
	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETIFF, &r) < 0) {
		code = err_errno(e, "interface %s", name ? name : "tap%d");
		io_close(fd);
		return code;
	}
	return adopt(n, fd, back, e);
}

static int bridge_open(struct net *n, struct optset *o, void **back, struct err *e)
{
	int fd = net_bridge_fd(o, e);

	return fd < 0 ? fd : adopt(n, fd, back, e);
}

static void tap_prepare(void *back, int *timeout)
{
	struct tap *t = back;

	(void)timeout;
	t->index = net_has_room(t->net) ? net_add_fd(t->net, t->fd, POLLIN) : -1;
}

static void tap_work(void *back)
{
	struct tap *t = back;
	size_t got;

	if (!net_events(t->net, t->index))
		return;
	for (unsigned i = 0; i < 64 && net_has_room(t->net); i++) {
		if (io_read_some(t->fd, t->buf, sizeof(t->buf), &got, NULL) < 0 || !got)
			return;
		net_receive(t->net, t->buf, got);
	}
}

static void tap_send(void *back, const uint8_t *frame, size_t len)
{
	struct tap *t = back;
	int r = io_write(t->fd, frame, len, NULL);

	/* a full queue of the interface loses frames, as a cable does */
	(void)r;
}

static void tap_close(void *back)
{
	struct tap *t = back;

	io_close(t->fd);
	free(t);
}

const struct net_ops net_tap_ops = {
	tap_open, tap_prepare, tap_work, tap_send, tap_close, NULL
};
const struct net_ops net_bridge_ops = { bridge_open, tap_prepare, tap_work,
					tap_send,    tap_close,   NULL };
