/* SPDX-License-Identifier: MIT */
/* The commands of vhuge. */
#ifndef HUGEPAGES_CMDS_H
#define HUGEPAGES_CMDS_H

#include "base/out.h"
#include "base/tool.h"
#include "hugepages/pools.h"
#include "hugepages/size.h"

int cmd_status(const struct tool_cmd *c, int argc, char **argv);
int cmd_size(const struct tool_cmd *c, int argc, char **argv);
int cmd_reserve(const struct tool_cmd *c, int argc, char **argv);
int cmd_release(const struct tool_cmd *c, int argc, char **argv);
int cmd_mount(const struct tool_cmd *c, int argc, char **argv);
int cmd_umount(const struct tool_cmd *c, int argc, char **argv);

extern const struct cli_opt cmd_status_opts[], cmd_size_opts[], cmd_reserve_opts[],
	cmd_release_opts[], cmd_mount_opts[], cmd_umount_opts[];

enum {
	OPT_GUEST = 1,
	OPT_PAGE,
	OPT_RESERVE,
	OPT_NODE,
	OPT_COMPACT,
	OPT_BOOT,
	OPT_GROUP,
	OPT_PERSIST
};

/* Takes --guest, --page, --reserve and --node for a question; others are left to @next. */
struct cmd_question {
	struct hugesize s;
	cli_each *next;
	void *ctx;
};

int cmd_question_opt(void *question, unsigned id, const char *value, struct err *e);
/* Reads the host into s->host, and works the question out. */
int cmd_question_plan(const struct host *h, struct hugesize *s, struct err *e) MUST_CHECK;
/* A decimal number; -EINVAL names @what. */
int cmd_number(const char *text, const char *what, uint64_t max, uint64_t *out, struct err *e)
	MUST_CHECK;
/* All there is to know of a plan. */
json_t *cmd_size_json(const struct hugesize *s);

#endif
