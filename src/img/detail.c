/* SPDX-License-Identifier: MIT */
#include "img/detail.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct detail *detail_new(void)
{
	struct detail *d = calloc(1, sizeof(*d));

	if (d) {
		d->kind = DETAIL_GROUP;
		d->root = d;
	}
	return d;
}

/* As deep as formats nest: three levels. */
void detail_free(struct detail *d)
{
	while (d) {
		struct detail *next = d->next;

		detail_free(d->first);
		free(d->text);
		free(d);
		d = next;
	}
}

static struct detail *add(struct detail *in, enum detail_kind kind, const char *key)
{
	struct detail **at, *d;

	if (!in)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d) {
		in->root->lost = true;
		return NULL;
	}
	d->kind = kind;
	d->key = key;
	d->root = in->root;
	for (at = &in->first; *at; at = &(*at)->next)
		;
	*at = d;
	return d;
}

void detail_text(struct detail *in, const char *key, const char *text)
{
	struct detail *d = text ? add(in, DETAIL_TEXT, key) : NULL;

	if (!d)
		return;
	d->text = strdup(text);
	if (!d->text)
		d->root->lost = true;
}

void detail_number(struct detail *in, const char *key, uint64_t v)
{
	struct detail *d = add(in, DETAIL_NUMBER, key);

	if (d)
		d->number = v;
}

void detail_bool(struct detail *in, const char *key, bool v)
{
	struct detail *d = add(in, DETAIL_BOOL, key);

	if (d)
		d->number = v;
}

struct detail *detail_group(struct detail *in, const char *key)
{
	return add(in, DETAIL_GROUP, key);
}

struct detail *detail_list(struct detail *in, const char *key)
{
	return add(in, DETAIL_LIST, key);
}

static void sort(struct detail *in)
{
	struct detail *left = in->first, **at;

	for (struct detail *d = in->first; d; d = d->next)
		sort(d);
	if (in->kind != DETAIL_GROUP)
		return;
	in->first = NULL;
	while (left) {
		struct detail *d = left;

		left = d->next;
		for (at = &in->first; *at && json_key_cmp((*at)->key, d->key) <= 0;
		     at = &(*at)->next)
			;
		d->next = *at;
		*at = d;
	}
}

int detail_end(struct detail *root, struct err *e)
{
	if (!root || root->lost)
		return err_set(e, -ENOMEM, "out of memory");
	sort(root);
	return 0;
}
