/* SPDX-License-Identifier: MIT */
/* A command of a person's, while it is done. */
#ifndef EMU_MONITOR_ASK_H
#define EMU_MONITOR_ASK_H

#include "emu/monitor/command.h"

struct ask {
	struct machine *m;
	unsigned cpu; /* the one that is looked at; "cpu" changes it */
	struct str *out;
};

/* info.c: "info WHAT". */
void info_run(struct ask *a, const char *what);

/* look.c: memory, ports, registers, numbers. */
void look_x(struct ask *a, const char *arg);
void look_xp(struct ask *a, const char *arg);
void look_print(struct ask *a, const char *arg);
void look_in(struct ask *a, const char *arg);
void look_out(struct ask *a, const char *arg);

/* pages.c: what page tables say. */
void pages_mem(struct ask *a);
void pages_tlb(struct ask *a);

/* hmp_media.c: drives and networks. */
void do_change(struct ask *a, const char *arg);
void do_eject(struct ask *a, const char *arg);
void do_commit(struct ask *a, const char *arg);
void do_hostfwd_add(struct ask *a, const char *arg);
void do_hostfwd_remove(struct ask *a, const char *arg);

/* hmp_hot.c: what is plugged in and out. */
void do_device_add(struct ask *a, const char *arg);
void do_device_del(struct ask *a, const char *arg);
void do_drive_add(struct ask *a, const char *arg);
void do_drive_del(struct ask *a, const char *arg);
void do_netdev_add(struct ask *a, const char *arg);
void do_netdev_del(struct ask *a, const char *arg);
void do_object_add(struct ask *a, const char *arg);
void do_object_del(struct ask *a, const char *arg);

/* Cuts @line at blanks into at most @max words, which lie in @buf (COMMAND_LINE bytes); "..." is one word,
 * and a backslash in it takes what follows as it is.  How many, or -EINVAL: too many, or a quote that
 * does not end. */
int words_cut(const char *line, char *buf, const char **word, unsigned max);

/* value.c: a number such as "0x10 * ($rsp + 4)" at *@p, which moves behind it; -EINVAL says what is
 * wrong with it. */
int value_parse(const struct ask *a, const char **p, uint64_t *v, struct err *e) MUST_CHECK;

#endif
