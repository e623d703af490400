/* SPDX-License-Identifier: MIT */
/* Between hot.c and hot_parse.c. */
#ifndef EMU_HOT_INT_H
#define EMU_HOT_INT_H

#include "emu/hot.h"
#include "emu/net/net.h"
#include "emu/options_int.h"

struct node;

/* What a text asks for; strings are the plan's. */
struct hot_plan {
	enum hot_kind kind;
	struct config_disk disk;
	struct node *node; /* of the disk */
	struct config_net net;
	struct config_device device;
};

int hot_plan_device(struct machine *m, const char *text, struct hot_plan *out, struct err *e)
	MUST_CHECK;
int hot_copy_disk(const struct config_disk *from, struct config_disk *to, struct err *e)
	MUST_CHECK;
/* Keeps @n for another card, with @c's name and kind, which it takes over.  False: no room. */
bool hot_keep_net(struct machine *m, struct config_net *c, struct net *n);
/* A card has it now. */
void hot_forget_net(struct machine *m, const char *id);

#endif
