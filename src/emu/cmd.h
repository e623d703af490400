/* SPDX-License-Identifier: MIT */
/* Between the files that print. */
#ifndef EMU_CMD_H
#define EMU_CMD_H

#include "emu/options.h"

/* The text that was asked for, to standard output; an exit status. */
int help_answer(const struct options_answer *a);

#endif
