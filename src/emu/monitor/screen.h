/* SPDX-License-Identifier: MIT */
/* Pictures of the screen, by word and by JSON. */
#ifndef EMU_MONITOR_SCREEN_H
#define EMU_MONITOR_SCREEN_H

#include "base/str.h"

#include <jansson.h>

struct machine;

void screen_dump(struct machine *m, const char *arg, struct str *out);
json_t *screen_dump_json(struct machine *m, const json_t *args, struct err *e);

#endif
