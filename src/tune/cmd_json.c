/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tune/cmds.h"
#include "tune/diff.h"

#include <stdio.h>
#include <stdlib.h>

/* Sets a text as it is, or what of it is not UTF-8 in hexadecimal; NULL is null. */
static void set_text(json_t *obj, const char *key, const char *text)
{
	if (text)
		(void)journal_put_text(obj, key, text);
	else
		json_object_set_new(obj, key, json_null());
}

json_t *json_head(const struct vtune *v, const char *schema)
{
	json_t *o = json_object();

	json_object_set_new(o, "schema", json_string(schema));
	set_text(o, "root", host_root(v->h));
	set_text(o, "profile", v->p ? v->p->name : NULL);
	return o;
}

json_t *json_change(const struct change *c)
{
	json_t *o = json_object();

	set_text(o, "step", c->step);
	set_text(o, "kind", c->kind->name);
	set_text(o, "target", c->target);
	set_text(o, "old", c->old_val);
	set_text(o, "value", c->value);
	set_text(o, "when", journal_when_name(c->when));
	if (c->reason)
		set_text(o, "reason", c->reason);
	json_object_set_new(o, "foreign", json_boolean(c->foreign));
	if (c->foreign)
		set_text(o, "ours", c->ours);
	if (c->kind == &kind_file) {
		char *diff = diff_unified(c->target, c->old_val, c->value, NULL);

		set_text(o, "diff", diff);
		free(diff);
	}
	return o;
}

json_t *json_changes(const struct plan *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(a, json_change(&p->v[i]));
	return a;
}

json_t *json_notes(const struct plan *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->n_notes; i++) {
		json_t *o = json_object();

		set_text(o, "step", p->notes[i].step);
		set_text(o, "text", p->notes[i].text);
		json_object_set_new(o, "blocks", json_boolean(p->notes[i].blocks));
		json_array_append_new(a, o);
	}
	return a;
}

int json_print(json_t *obj)
{
	int r = obj ? json_dumpf(obj, stdout, JSON_INDENT(2)) : -1;

	json_decref(obj);
	if (r < 0) {
		tool_error("out of memory for JSON");
		return TOOL_FAILED;
	}
	putchar('\n');
	return TOOL_OK;
}
