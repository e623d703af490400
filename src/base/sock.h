/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets: the local kind and TCP.  Descriptors are close-on-exec and block; io_close()
 * ends them.  A peer that is gone is an error, never a signal.
 */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Listens at @path, which only this user can connect to.  A socket there that nobody listens
 * at any more is replaced; -EADDRINUSE: somebody does.
 */
int sock_listen_unix(const char *path, struct err *e) MUST_CHECK;
/* Listens at an address or a name, with @port 0 at any free port; *@port is then the one. */
int sock_listen_tcp(const char *host, uint16_t *port, struct err *e) MUST_CHECK;
/* True if all addresses of @host are this machine's own (127.0.0.0/8, ::1). */
bool sock_is_loopback(const char *host);
/* Whether @fd is a socket that waits for connections. */
bool sock_listens(int fd);

/* The next connection; TCP sends at once and notices a peer that died.  0 if there is none
 * after all. */
int sock_accept(int listener, int *fd, struct err *e) MUST_CHECK;
/*
 * Waits until one of @fds (at most 4) can be read, for @ms milliseconds (-1: for ever), with
 * the signals of @mask blocked (NULL: as they are).  *@ready: which as bits; 0 after a signal
 * or the time.
 */
int sock_wait(const int *fds, unsigned n, int ms, const sigset_t *mask, unsigned *ready,
	      struct err *e) MUST_CHECK;

/* What there is, at most @len bytes, waiting for the first; 0 bytes: the peer ended. */
int sock_recv(int fd, void *buf, size_t len, size_t *got, struct err *e) MUST_CHECK;
/* Exactly the bytes of @v, which is changed on the way. */
int sock_sendv(int fd, struct iovec *v, unsigned n, struct err *e) MUST_CHECK;
/* @len bytes of the file @file from @off on, which are not copied where that can be helped: what
 * is written there while they are under way may be seen.  -ENODATA: the file ends before. */
int sock_sendfile(int fd, int file, uint64_t off, size_t len, struct err *e) MUST_CHECK;
/* From now on a call gives up with -ETIMEDOUT when nothing moves for @ms (0: never). */
void sock_timeout(int fd, unsigned ms);
/* Whoever reads or writes there comes back at once, in other threads too. */
void sock_shutdown(int fd);

#endif
