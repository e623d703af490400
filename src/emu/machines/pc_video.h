/* SPDX-License-Identifier: MIT */
/* The graphics cards of a PC. */
#ifndef EMU_MACHINES_PC_VIDEO_H
#define EMU_MACHINES_PC_VIDEO_H

#include "emu/machine.h"

struct pc_video;
struct pci;

int pc_video_new(struct pc_video **out, struct machine *m, struct pci *bus, struct err *e)
	MUST_CHECK;
void pc_video_reset(struct pc_video *p);
void pc_video_free(struct pc_video *p);

#endif
