/* SPDX-License-Identifier: MIT */
#include "hostcheck/pick.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Ids are short; what is longer is near to none. */
#define ID_MAX 40

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to add, drop or change to make @a of @b (Levenshtein, one row kept). */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[ID_MAX + 1];

	if (la > ID_MAX || lb > ID_MAX)
		return ID_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = least(change, least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[lb];
}

/* How far @id is from @known: also from its part behind the point, which people remember. */
static size_t far(const char *id, const char *known)
{
	const char *dot = strchr(known, '.');
	size_t d = distance(id, known);

	if (dot)
		d = least(d, distance(id, dot + 1) + 1);
	if (strlen(id) >= 3 && strstr(known, id))
		d = least(d, 1);
	return d;
}

int pick_unknown(const char *id, struct err *e)
{
	size_t best = strlen(id) < 6 ? 3 : 4, shown = 0;
	struct str s = STR_INIT;
	int r;

	for (size_t want = 0; want < best && shown < 3; want++)
		for (const struct check_group *const *g = check_groups; *g; g++) {
			if (far(id, (*g)->id) == want && shown < 3)
				str_addf(&s, "%s%s", shown++ ? ", " : "", (*g)->id);
			for (const struct check *c = (*g)->checks; c->id; c++)
				if (far(id, c->id) == want && shown < 3)
					str_addf(&s, "%s%s", shown++ ? ", " : "", c->id);
		}
	if (shown && s.s)
		r = err_set(e, -EINVAL, "there is no check '%.60s'; did you mean %s?", id, s.s);
	else
		r = err_set(e, -EINVAL, "there is no check '%.60s'; --list shows them all", id);
	str_free(&s);
	return r;
}

static int add(char ***v, size_t *n, const char *list, struct err *e)
{
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ",");
		AUTO_FREE char *id = str_printf(e, "%.*s", (int)len, p);
		int r;

		if (!id)
			return -ENOMEM;
		if (!check_find(id, NULL) && !check_find_group(id))
			return pick_unknown(id, e);
		r = mem_grow((void **)v, *n + 1, sizeof(**v), e);
		if (r < 0)
			return r;
		(*v)[(*n)++] = id;
		id = NULL;
		p += len;
		if (!*p)
			return 0;
	}
}

int pick_only(struct pick *p, const char *list, struct err *e)
{
	return add(&p->only, &p->n_only, list, e);
}

int pick_skip(struct pick *p, const char *list, struct err *e)
{
	return add(&p->skip, &p->n_skip, list, e);
}

static bool named(char *const *v, size_t n, const struct check_group *g, const struct check *c)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i], g->id) || !strcmp(v[i], c->id))
			return true;
	return false;
}

bool pick_wants(const struct pick *p, const struct check_group *g, const struct check *c)
{
	return (!p->n_only || named(p->only, p->n_only, g, c)) &&
	       !named(p->skip, p->n_skip, g, c);
}

void pick_free(struct pick *p)
{
	for (size_t i = 0; i < p->n_only; i++)
		free(p->only[i]);
	for (size_t i = 0; i < p->n_skip; i++)
		free(p->skip[i]);
	free(p->only);
	free(p->skip);
	memset(p, 0, sizeof(*p));
}
