/* SPDX-License-Identifier: MIT */
#include "help_vhuge.h"
#include "hugepages/cmds.h"

#include <string.h>

static const char *cmd_help(const char *cmd)
{
	for (size_t i = 0; help_vhuge_cmds[i].cmd; i++)
		if (!strcmp(help_vhuge_cmds[i].cmd, cmd))
			return help_vhuge_cmds[i].text;
	return NULL;
}

static const struct tool_cmd cmds[] = {
	{ "mount", cmd_mount, cmd_mount_opts, NULL },
	{ "release", cmd_release, cmd_release_opts, NULL },
	{ "reserve", cmd_reserve, cmd_reserve_opts, NULL },
	{ "size", cmd_size, cmd_size_opts, NULL },
	{ "status", cmd_status, cmd_status_opts, NULL },
	{ "umount", cmd_umount, cmd_umount_opts, NULL },
	{ NULL, NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct tool tool = {
		.name = "vhuge",
		.help = help_vhuge,
		.cmds = cmds,
		.cmd_help = cmd_help,
	};

	return tool_main(&tool, argc, argv);
}
