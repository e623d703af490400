/* SPDX-License-Identifier: MIT */
#include "help_vmod.h"
#include "modules/cmds.h"

#include <string.h>

static const char *cmd_help(const char *cmd)
{
	for (size_t i = 0; help_vmod_cmds[i].cmd; i++)
		if (!strcmp(help_vmod_cmds[i].cmd, cmd))
			return help_vmod_cmds[i].text;
	return NULL;
}

static const struct tool_cmd cmds[] = {
	{ "load", cmd_load, cmd_load_opts, NULL },
	{ "nested", cmd_nested, cmd_nested_opts, NULL },
	{ "persist", cmd_persist, cmd_persist_opts, NULL },
	{ "status", cmd_status, cmd_status_opts, NULL },
	{ "unload", cmd_unload, cmd_load_opts, NULL },
	{ NULL, NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct tool tool = {
		.name = "vmod",
		.help = help_vmod,
		.cmds = cmds,
		.cmd_help = cmd_help,
	};

	return tool_main(&tool, argc, argv);
}
