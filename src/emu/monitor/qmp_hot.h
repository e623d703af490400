/* SPDX-License-Identifier: MIT */
/* QMP's commands for what is plugged in and out. */
#ifndef EMU_MONITOR_QMP_HOT_H
#define EMU_MONITOR_QMP_HOT_H

#include "emu/monitor/command.h"

json_t *hot_qmp_device_add(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_device_del(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_blockdev_add(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_blockdev_del(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_netdev_add(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_netdev_del(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_object_add(struct machine *m, const json_t *args, struct err *e);
json_t *hot_qmp_object_del(struct machine *m, const json_t *args, struct err *e);

#endif
