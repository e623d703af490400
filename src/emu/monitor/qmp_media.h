/* SPDX-License-Identifier: MIT */
/* QMP's commands for drives. */
#ifndef EMU_MONITOR_QMP_MEDIA_H
#define EMU_MONITOR_QMP_MEDIA_H

#include "emu/monitor/command.h"

json_t *media_qmp_change(struct machine *m, const json_t *args, struct err *e);
json_t *media_qmp_close(struct machine *m, const json_t *args, struct err *e);
json_t *media_qmp_insert(struct machine *m, const json_t *args, struct err *e);
json_t *media_qmp_open(struct machine *m, const json_t *args, struct err *e);
json_t *media_qmp_remove(struct machine *m, const json_t *args, struct err *e);
json_t *media_qmp_eject(struct machine *m, const json_t *args, struct err *e);

#endif
