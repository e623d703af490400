/* SPDX-License-Identifier: MIT */
#include "hostcheck/cmds.h"
#include "hostcheck/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_json(json_t *root)
{
	char *s = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

	json_decref(root);
	if (!s) {
		tool_error("out of memory");
		return TOOL_FAILED;
	}
	puts(s);
	free(s);
	return TOOL_OK;
}

static json_t *needs_of(const struct check *c)
{
	return c->needs ? json_string(c->needs) : json_null();
}

static int list_json(const struct pick *p)
{
	json_t *list = json_array();

	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++)
			if (pick_wants(p, *g, c))
				json_array_append_new(list,
						      json_pack("{s:s, s:s, s:s, s:o}", "id",
								c->id, "group", (*g)->id,
								"title", c->title, "needs",
								needs_of(c)));
	return print_json(
		json_pack("{s:s, s:o}", "schema", "hostcheck-list/1", "checks", list));
}

int cmd_list(const struct tool_args *args, const struct pick *p)
{
	int width = 0;

	if (args->json)
		return list_json(p);
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++)
			if ((int)strlen(c->id) > width)
				width = (int)strlen(c->id);
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++)
			if (pick_wants(p, *g, c))
				printf("%-*s  %s\n", width, c->id, c->title);
	return TOOL_OK;
}

static json_t *explain_json(const struct check *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", c->id, "title", c->title,
			 "why", c->why, "how", c->how, "mend", c->mend, "needs", needs_of(c));
}

static void explain(const struct check *c, struct str *out)
{
	int columns = tool_columns();
	const struct {
		const char *head, *text;
	} parts[] = { { "Why", c->why },
		      { "How it is read", c->how },
		      { "What to do", c->mend } };

	str_addf(out, "%s: %s\n", c->id, c->title);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		str_addf(out, "\n  %s\n", parts[i].head);
		report_fill(out, parts[i].text, 4, columns);
	}
	if (c->needs)
		str_addf(out, "\n  Asked only if %s neither failed nor was skipped.\n",
			 c->needs);
}

int cmd_explain(const struct tool_args *args, const char *id)
{
	const struct check *one = check_find(id, NULL);
	const struct check_group *group = one ? NULL : check_find_group(id);
	json_t *list = json_array();
	struct str out = STR_INIT;
	struct err e = { 0 };
	size_t n = 0;

	if (!one && !group) {
		pick_unknown(id, &e);
		json_decref(list);
		return tool_usage("%s", e.msg);
	}
	for (const struct check *c = group ? group->checks : one; c->id; c++) {
		if (n++)
			str_add(&out, "\n");
		explain(c, &out);
		json_array_append_new(list, explain_json(c));
		if (!group)
			break;
	}
	if (args->json) {
		str_free(&out);
		return print_json(json_pack("{s:s, s:o}", "schema", "hostcheck-explain/1",
					    "checks", list));
	}
	json_decref(list);
	if (out.failed) {
		str_free(&out);
		tool_error("out of memory");
		return TOOL_FAILED;
	}
	fputs(out.s, stdout);
	str_free(&out);
	return TOOL_OK;
}
