/* SPDX-License-Identifier: MIT */
/* Commands about chardevs that are memory, for programs and for people. */
#ifndef EMU_MONITOR_RINGBUF_H
#define EMU_MONITOR_RINGBUF_H

#include "emu/monitor/command.h"

/* As command_run(). */
json_t *ringbuf_read(struct machine *m, const json_t *args, struct err *e);
json_t *ringbuf_write(struct machine *m, const json_t *args, struct err *e);
/* As command_line(): "ID SIZE", "ID TEXT". */
void ringbuf_show(struct machine *m, const char *arg, struct str *out);
void ringbuf_add(struct machine *m, const char *arg, struct str *out);

#endif
