/* SPDX-License-Identifier: MIT */
#include "hostcheck/report.h"

#include <jansson.h>
#include <stdlib.h>

static const char *const
	kinds[] = { [HOST_LIVE] = "live", [HOST_IMAGE] = "image", [HOST_RECORD] = "record" };

/* The texts of findings are ASCII; names of roots and users need not be. */
static json_t *text(const char *s)
{
	json_t *v = s && *s ? json_string(s) : json_null();

	return v ? v : json_string("?");
}

static json_t *items(const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_items; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s}", "name", f->items[i].name,
						"verdict", verdict_name(f->items[i].verdict),
						"value", f->items[i].text));
	return list;
}

static json_t *line(const struct report_line *l)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", l->check->id,
			 "group", l->group->id, "title", l->check->title, "verdict",
			 verdict_name(l->f.verdict), "value", l->f.value, "advice",
			 text(l->f.advice), "fix", text(l->f.fix), "remedy",
			 text(remedy_name(l->f.remedy)), "items", items(&l->f));
}

static json_t *summary(const struct report *r)
{
	json_t *o = json_object();

	for (int i = 0; i < V_COUNT; i++)
		json_object_set_new(o, verdict_name((enum verdict)i),
				    json_integer((json_int_t)r->count[i]));
	return o;
}

int report_json(const struct report *r, struct str *out, struct err *e)
{
	json_t *list = json_array();
	json_t *root;
	char *s;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list, line(&r->v[i]));
	root = json_pack("{s:s, s:{s:s, s:o, s:o, s:o}, s:o, s:o, s:o}", "schema",
			 "hostcheck/1", "host", "kind", kinds[r->kind], "root", text(r->root),
			 "arch", text(r->arch), "kernel", text(r->kernel), "user",
			 text(r->user), "summary", summary(r), "checks", list);
	s = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	str_addf(out, "%s\n", s);
	free(s);
	return 0;
}
