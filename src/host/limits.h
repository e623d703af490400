/* SPDX-License-Identifier: MIT */
/*
 * How much memory a user's processes may lock, by the files that decide it at login (pam_limits,
 * limits.conf(5)) and for services (OpenRC's rc_ulimit).  Where no PAM is installed
 * (Alpine's busybox login) the files are there for nothing: @pam says.
 */
#ifndef HOST_LIMITS_H
#define HOST_LIMITS_H

#include "host/users.h"

#define LIMIT_UNLIMITED UINT64_MAX

/* One line: domain type item value. */
struct limit_row {
	char domain[64]; /* "alice", "@kvm", "*", "@1000:", "1000:2000" */
	char type;       /* 's' soft, 'h' hard, '-' both */
	char item[16];   /* "memlock", "nofile" */
	uint64_t value;  /* memlock: bytes; others as written; LIMIT_UNLIMITED */
};

struct limit_rows {
	struct limit_row *v; /* free() it */
	size_t n;
	unsigned bad_lines;
};

/* Adds the rows of @text. */
int limits_parse(const char *text, size_t len, struct limit_rows *out, struct err *e)
	MUST_CHECK;
/* /etc/security/limits.conf and limits.d/ in their order. */
int limits_read(const struct host *h, struct limit_rows *out, struct err *e) MUST_CHECK;

struct limit {
	bool has_soft, has_hard; /* a line says it; else the kernel's default holds */
	uint64_t soft, hard;
};

/* What @item will be for @user after a login: a user's own line beats a group's, and that
 * beats "*"; within one kind the last counts.  */
void limits_for(const struct limit_rows *rows, const struct users *u, const char *user,
		const char *item, struct limit *out);

struct limits_info {
	struct limit memlock; /* of the files */
	bool pam;             /* pam_limits is installed */
	bool has_process;
	uint64_t process_soft, process_hard; /* of who asks, /proc/self/limits */
	char rc_ulimit[96];                  /* rc_ulimit= of /etc/rc.conf, "" */
};

int limits_memlock(const struct host *h, const struct users *u, const char *user,
		   struct limits_info *out, struct err *e) MUST_CHECK;

#endif
