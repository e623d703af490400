/* SPDX-License-Identifier: MIT */
#include "hostcheck/drift.h"

#include "base/mem.h"
#include "hostcheck/finding.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int parse_check(json_t *c, struct saved *s, size_t i, struct err *e)
{
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *value = json_string_value(json_object_get(c, "value"));
	const char *name = json_string_value(json_object_get(c, "verdict"));
	int v = name ? verdict_find(name) : -1;
	struct saved_check *t;
	int r;

	if (!id || !*id || !value || v < 0)
		return err_set(e, -EINVAL, "check %zu lacks an id, a value or a known verdict",
			       i + 1);
	for (size_t k = 0; k < s->n; k++)
		if (!strcmp(s->v[k].id, id))
			return err_set(e, -EINVAL, "check '%.60s' is there twice", id);
	r = mem_grow((void **)&s->v, s->n + 1, sizeof(*s->v), e);
	if (r < 0)
		return r;
	t = &s->v[s->n++];
	t->verdict = (enum verdict)v;
	t->id = mem_strdup(id, e);
	t->value = mem_strdup(value, e);
	if (!t->id || !t->value)
		return -ENOMEM;
	/* they are shown on a terminal, and anybody may have written the file */
	finding_clean(t->id);
	finding_clean(t->value);
	return 0;
}

/* As many as there could ever be; a larger list is none of ours. */
#define CHECKS_MAX 1000

static int parse_root(json_t *root, struct saved *out, struct err *e)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const char *kernel =
		json_string_value(json_object_get(json_object_get(root, "host"), "kernel"));
	json_t *list = json_object_get(root, "checks");
	int r = 0;

	if (!schema || strcmp(schema, "hostcheck/1"))
		return err_set(e, -EINVAL, "not a report of schema hostcheck/1");
	if (!json_is_array(list) || json_array_size(list) > CHECKS_MAX)
		return err_set(e, -EINVAL, "a report without a list of checks");
	out->kernel = mem_strdup(kernel ? kernel : "", e);
	if (!out->kernel)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = parse_check(json_array_get(list, i), out, i, e);
	return r;
}

int saved_parse(const char *text, size_t len, struct saved *out, struct err *e)
{
	json_error_t je;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	int r;

	memset(out, 0, sizeof(*out));
	if (!root)
		return err_set(e, -EINVAL, "line %d: not JSON: %s", je.line, je.text);
	r = parse_root(root, out, e);
	json_decref(root);
	if (r < 0)
		saved_free(out);
	return r;
}

void saved_free(struct saved *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].id);
		free(s->v[i].value);
	}
	free(s->v);
	free(s->kernel);
	memset(s, 0, sizeof(*s));
}

static int add(struct drift *d, struct drift_line l, struct err *e)
{
	int r = mem_grow((void **)&d->v, d->n + 1, sizeof(*d->v), e);

	if (r == 0)
		d->v[d->n++] = l;
	return r;
}

static const struct saved_check *find_saved(const struct saved *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].id, id))
			return &s->v[i];
	return NULL;
}

static const struct report_line *find_line(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].check->id, id))
			return &r->v[i];
	return NULL;
}

int drift_find(const struct saved *was, const struct report *is, const struct pick *p,
	       struct drift *out, struct err *e)
{
	int r = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; r == 0 && i < is->n; i++) {
		const struct report_line *l = &is->v[i];
		const struct saved_check *s = find_saved(was, l->check->id);
		struct drift_line d = { DRIFT_NEW, l->check->id, s, l };

		if (s && s->verdict != l->f.verdict)
			d.kind = DRIFT_VERDICT;
		else if (s && !l->check->moving && strcmp(s->value, l->f.value))
			d.kind = DRIFT_VALUE;
		else if (s)
			continue;
		r = add(out, d, e);
	}
	for (size_t i = 0; r == 0 && i < was->n; i++) {
		struct drift_line d = { DRIFT_GONE, was->v[i].id, &was->v[i], NULL };
		const struct check_group *g;
		const struct check *c = check_find(d.id, &g);

		/* left out of this run on purpose: not gone */
		if (find_line(is, d.id) || (c && !pick_wants(p, g, c)) ||
		    (!c && (p->n_only || p->n_skip)))
			continue;
		r = add(out, d, e);
	}
	if (r < 0)
		drift_free(out);
	return r;
}

void drift_free(struct drift *d)
{
	free(d->v);
	d->v = NULL;
	d->n = 0;
}

static const char *const kinds[] = { "verdict", "value", "new", "gone" };

static void add_state(struct str *out, const char *label, enum verdict v, const char *value,
		      bool color)
{
	str_addf(out, "  %-4s%s%-7s%s  %s\n", label, report_paint(v, color), verdict_name(v),
		 report_unpaint(color), value);
}

void drift_text(const struct drift *d, bool color, struct str *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct drift_line *l = &d->v[i];

		str_addf(out, "%s\n", l->id);
		if (l->was)
			add_state(out, "was", l->was->verdict, l->was->value, color);
		else
			str_add(out, "  was not asked\n");
		if (l->is)
			add_state(out, "is", l->is->f.verdict, l->is->f.value, color);
		else
			str_add(out, "  is  no check any more\n");
	}
	if (d->n)
		str_addf(out, "\n%zu check%s changed\n", d->n, d->n == 1 ? " has" : "s have");
	else
		str_add(out, "Nothing has changed.\n");
}

static json_t *state(enum verdict v, const char *value)
{
	return json_pack("{s:s, s:s}", "verdict", verdict_name(v), "value", value);
}

int drift_json(const struct drift *d, struct str *out, struct err *e)
{
	json_t *list = json_array();
	json_t *root;
	char *s;

	for (size_t i = 0; i < d->n; i++) {
		const struct drift_line *l = &d->v[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o, s:o}", "id", l->id, "change",
						kinds[l->kind], "was",
						l->was ? state(l->was->verdict, l->was->value)
						       : json_null(),
						"is",
						l->is ? state(l->is->f.verdict, l->is->f.value)
						      : json_null()));
	}
	root = json_pack("{s:s, s:o}", "schema", "hostcheck-drift/1", "drift", list);
	s = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	if (!s)
		return err_set(e, -ENOMEM, "out of memory");
	str_addf(out, "%s\n", s);
	free(s);
	return 0;
}
