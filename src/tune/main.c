/* SPDX-License-Identifier: MIT */
/* vtune: plan, make, verify and take back what makes a machine a virtualization host. */
#include "help_vtune.h"
#include "tune/cmds.h"

#include <string.h>

static const struct tool_cmd cmds[] = {
	{ "plan", cmd_plan, cmd_plan_opts, NULL },
	{ "apply", cmd_apply, cmd_apply_opts, NULL },
	{ "status", cmd_status, cmd_status_opts, NULL },
	{ "verify", cmd_verify, cmd_verify_opts, NULL },
	{ "diff", cmd_diff, cmd_diff_opts, NULL },
	{ "revert", cmd_revert, cmd_revert_opts, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const char *cmd_help(const char *cmd)
{
	for (size_t i = 0; help_vtune_cmds[i].cmd; i++)
		if (!strcmp(help_vtune_cmds[i].cmd, cmd))
			return help_vtune_cmds[i].text;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct tool vtune = {
		.name = "vtune", .help = help_vtune, .cmds = cmds, .cmd_help = cmd_help
	};

	return tool_main(&vtune, argc, argv);
}
