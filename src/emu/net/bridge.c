/* SPDX-License-Identifier: MIT */
/*
 * A tap interface in a bridge of the host, made by QEMU's setuid helper: it reads
 * /etc/qemu/bridge.conf, puts a new interface into the bridge if a line there allows that, and
 * sends its descriptor over a socket.  So vemu itself needs no rights.
 */
#include "base/io.h"
#include "base/run.h"
#include "emu/net/backend.h"
#include "host/bridge_helper.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SECONDS 30u /* a helper that takes longer hangs */

static int helper_of(const char *given, const char **out, struct err *e)
{
	const char *path;

	if (given && *given != '/')
		return err_set(e, -EINVAL, "helper=%s: a whole path is needed", given);
	*out = given;
	for (size_t i = 0; !*out && (path = bridge_helper_path(i)); i++)
		if (run_find(-1, path))
			*out = path;
	if (!*out)
		return err_set(e, -ENOENT,
			       "qemu-bridge-helper, which puts a guest into a bridge, is not "
			       "installed: it comes with QEMU; helper= names another place");
	return 0;
}

/* The descriptor that was sent, or none. */
static int receive(int from, const char *helper, struct err *e)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	int fd;

	if (recvmsg(from, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 1)
		return err_set(e, -EPROTO, "%s sent no interface", helper);
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return err_set(e, -EPROTO, "%s sent no interface", helper);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Frames as they are, without a header of their own. */
static int check(int fd, const char *helper, struct err *e)
{
	struct ifreq r = { .ifr_flags = 0 };

	if (ioctl(fd, TUNGETIFF, &r) < 0)
		return err_set(e, -EPROTO, "what %s sent is no network interface", helper);
	if (!(r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI) ||
	    (r.ifr_flags & IFF_VNET_HDR))
		return err_set(e, -EPROTO,
			       "%s made an interface of another kind than was asked", helper);
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_errno(e, "an interface of %s", helper);
	return 0;
}

static int ask(const char *helper, const char *bridge, struct err *e)
{
	char fd_word[32], br_word[32];
	const char *const argv[] = { helper, fd_word, br_word, NULL };
	const struct run how = { .root = -1, .seconds = SECONDS };
	int pair[2], fd, r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "a socket for %s", helper);
	/* the helper's own end goes along */
	if (fcntl(pair[1], F_SETFD, 0) < 0) {
		r = err_errno(e, "a socket for %s", helper);
	} else {
		snprintf(fd_word, sizeof(fd_word), "--fd=%d", pair[1]);
		snprintf(br_word, sizeof(br_word), "--br=%s", bridge);
		r = run_ok(&how, argv, e);
	}
	io_close(pair[1]);
	fd = r == 0 ? receive(pair[0], helper, e) : r;
	io_close(pair[0]);
	r = fd < 0 ? fd : check(fd, helper, e);
	if (r < 0 && fd >= 0)
		io_close(fd);
	return r < 0 ? r : fd;
}

int net_bridge_fd(struct optset *o, struct err *e)
{
	const char *bridge = optset_get(o, "br"), *helper = NULL;
	int r = helper_of(optset_get(o, "helper"), &helper, e);

	if (!bridge)
		bridge = "br0";
	if (r == 0 && (!*bridge || strlen(bridge) >= IFNAMSIZ || strpbrk(bridge, "/ ")))
		r = err_set(e, -EINVAL, "br=%s is no name of a bridge", bridge);
	if (r == 0)
		r = ask(helper, bridge, e);
	return r < 0 ? err_wrap(e, r, "bridge %s", bridge) : r;
}
