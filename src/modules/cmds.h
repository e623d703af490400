/* SPDX-License-Identifier: MIT */
/* The commands of vmod. */
#ifndef MODULES_CMDS_H
#define MODULES_CMDS_H

#include "base/out.h"
#include "base/tool.h"
#include "modules/module.h"

int cmd_status(const struct tool_cmd *c, int argc, char **argv);
int cmd_load(const struct tool_cmd *c, int argc, char **argv);
int cmd_unload(const struct tool_cmd *c, int argc, char **argv);
int cmd_nested(const struct tool_cmd *c, int argc, char **argv);
int cmd_persist(const struct tool_cmd *c, int argc, char **argv);

extern const struct cli_opt cmd_status_opts[], cmd_load_opts[], cmd_nested_opts[],
	cmd_persist_opts[];

/* The host of --root and its modules; both are to be closed. */
int cmd_open(const struct tool_args *args, struct host **h, struct modules **m, struct err *e)
	MUST_CHECK;

/*
 * A file that a command writes, whole: what it was, what it becomes.  Shown as the lines that
 * go and come; written unless --dry-run.
 */
struct cmd_edit {
	char path[128];
	char *old;   /* NULL: there is none */
	char *fresh; /* NULL: it stays */
};

int cmd_edit_read(const struct host *h, const char *path, struct cmd_edit *ed, struct err *e)
	MUST_CHECK;
int cmd_edit_write(const struct host *h, const struct cmd_edit *ed, struct err *e) MUST_CHECK;
void cmd_edit_free(struct cmd_edit *ed);
/* "/etc/modules: + tun" lines, indented. */
void cmd_edit_print(const struct cmd_edit *ed);
/* {"path": .., "before": .., "after": ..} */
json_t *cmd_edit_json(const struct cmd_edit *ed);

#endif
