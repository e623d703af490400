/* SPDX-License-Identifier: MIT */
#include "base/below.h"
#include "host/lines.h"
#include "modules/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_open(const struct tool_args *args, struct host **h, struct modules **m, struct err *e)
{
	int r = host_open(args->root, h, e);

	return r < 0 ? r : modules_open(*h, m, e);
}

int cmd_edit_read(const struct host *h, const char *path, struct cmd_edit *ed, struct err *e)
{
	struct err mine = { 0 };
	size_t len;
	int r;

	memset(ed, 0, sizeof(*ed));
	snprintf(ed->path, sizeof(ed->path), "%s", path);
	r = host_read(h, path, &ed->old, &len, &mine);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	if (strlen(ed->old) != len)
		return err_set(e, -EUCLEAN, "%s has zero bytes in it: not a text", path);
	return 0;
}

int cmd_edit_write(const struct host *h, const struct cmd_edit *ed, struct err *e)
{
	static const struct below_new fresh = { 0644, 0, 0 };
	char dir[sizeof(ed->path)];
	int r = 0;

	if (!ed->fresh)
		return 0;
	snprintf(dir, sizeof(dir), "%s", ed->path);
	*strrchr(dir, '/') = '\0';
	if (*dir)
		r = below_mkdirs(host_root_fd(h), dir, e);
	return r < 0 ? r
		     : below_replace(host_root_fd(h), ed->path, ed->fresh, strlen(ed->fresh),
				     &fresh, e);
}

void cmd_edit_free(struct cmd_edit *ed)
{
	free(ed->old);
	free(ed->fresh);
	ed->old = ed->fresh = NULL;
}

static bool has_line(const char *text, const char *line, size_t n)
{
	struct line l = { 0 };

	while (text && lines_next(text, strlen(text), &l))
		if (l.len == n && !memcmp(text + l.off, line, n))
			return true;
	return false;
}

/* The lines of @a that @b has not. */
static void print_lines(char sign, const char *a, const char *b)
{
	struct line l = { 0 };

	while (a && lines_next(a, strlen(a), &l)) {
		struct out_table t = { 0 };
		char *line;

		if (has_line(b, a + l.off, l.len))
			continue;
		line = malloc(l.len + 3);
		if (!line)
			return;
		snprintf(line, l.len + 3, "%c %.*s", sign, (int)l.len, a + l.off);
		out_row(&t, line);
		out_table(&t, 4);
		free(line);
	}
}

void cmd_edit_print(const struct cmd_edit *ed)
{
	if (!ed->fresh)
		return;
	printf("  %s%s\n", ed->path, ed->old ? "" : " (new)");
	print_lines('-', ed->old, ed->fresh);
	print_lines('+', ed->fresh, ed->old);
}

json_t *cmd_edit_json(const struct cmd_edit *ed)
{
	return json_pack("{s:s, s:o, s:o}", "path", ed->path, "before", out_text(ed->old),
			 "after", out_text(ed->fresh));
}
