/* SPDX-License-Identifier: MIT */
/* Answers about devices, for programs; as command_run(). */
#ifndef EMU_MONITOR_QMP_QUERY_H
#define EMU_MONITOR_QMP_QUERY_H

#include "emu/monitor/command.h"

typedef json_t *qmp_fn(struct machine *m, const json_t *args, struct err *e);

qmp_fn query_block, query_pci, query_memory, query_events, send_key;

#endif
