/* SPDX-License-Identifier: MIT */
/* Changes of pools, as reserve and release make them and show what came of each. */
#ifndef HUGEPAGES_CMD_POOLS_H
#define HUGEPAGES_CMD_POOLS_H

#include "hugepages/cmds.h"

struct cmd_pool {
	uint64_t page;
	int node;
	uint64_t before; /* pages it has, without surplus */
	uint64_t wanted;
	uint64_t got;   /* in the end */
	bool unchanged; /* it was so already */
	struct err e;   /* e.code is 0 where it was done */
};

/* Reads what the pool has: 0, or a negative errno that is in p->e too. */
int cmd_pool_look(const struct host *h, struct cmd_pool *p);
/* Makes it so, with progress on a terminal. */
void cmd_pool_set(const struct host *h, struct cmd_pool *p, bool compact);
/* "2M on node 1" */
const char *cmd_pool_name(const struct cmd_pool *p, char out[48]);
json_t *cmd_pool_json(const struct cmd_pool *p, bool dry_run);

#endif
