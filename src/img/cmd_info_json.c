/* SPDX-License-Identifier: MIT */
/* info as JSON; the order of members is made when it is printed. */
#include "img/cmd_info.h"

/* File names are bytes, not always UTF-8. */
static void put_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, json_string_nocheck(text));
}

static void put_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void put_bool(json_t *o, const char *key, bool v)
{
	json_object_set_new(o, key, json_boolean(v));
}

static json_t *detail(const struct detail *d)
{
	json_t *o;

	switch (d->kind) {
	case DETAIL_TEXT:
		return json_string_nocheck(d->text);
	case DETAIL_NUMBER:
		return json_integer((json_int_t)d->number);
	case DETAIL_BOOL:
		return json_boolean(d->number);
	case DETAIL_LIST:
		o = json_array();
		for (const struct detail *m = d->first; m; m = m->next)
			json_array_append_new(o, detail(m));
		return o;
	case DETAIL_GROUP:
		break;
	}
	o = json_object();
	for (const struct detail *m = d->first; m; m = m->next)
		json_object_set_new(o, m->key, detail(m));
	return o;
}

static json_t *specific(const struct img_info *i)
{
	json_t *o = json_object();

	put_text(o, "type", i->format);
	json_object_set_new(o, "data", detail(i->specific));
	return o;
}

static json_t *snapshots(const struct img_info *i)
{
	json_t *list = json_array();

	for (size_t k = 0; k < i->snapshots_n; k++) {
		const struct img_snapshot *s = &i->snapshots[k];
		json_t *o = json_object();

		if (s->icount != UINT64_MAX)
			put_int(o, "icount", s->icount);
		put_int(o, "vm-clock-nsec", s->vm_clock_nsec % 1000000000);
		put_int(o, "vm-clock-sec", s->vm_clock_nsec / 1000000000);
		put_text(o, "name", s->name);
		put_int(o, "date-sec", s->date_sec);
		put_int(o, "date-nsec", s->date_nsec);
		put_text(o, "id", s->id);
		put_int(o, "vm-state-size", s->vm_state_size);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *info_json(const char *filename, const struct img_info *i)
{
	json_t *o = json_object();

	put_text(o, "filename", filename);
	put_text(o, "format", i->format);
	put_int(o, "virtual-size", i->virtual_size);
	if (i->actual_size != UINT64_MAX)
		put_int(o, "actual-size", i->actual_size);
	if (!i->no_flags)
		put_bool(o, "dirty-flag", i->dirty);
	if (i->cluster_size)
		put_int(o, "cluster-size", i->cluster_size);
	if (i->encrypted)
		put_bool(o, "encrypted", true);
	if (i->compressed)
		put_bool(o, "compressed", true);
	put_text(o, "backing-filename", i->backing_filename);
	put_text(o, "full-backing-filename", i->full_backing_filename);
	put_text(o, "backing-filename-format", i->backing_format);
	if (i->snapshots_n)
		json_object_set_new(o, "snapshots", snapshots(i));
	if (i->specific)
		json_object_set_new(o, "format-specific", specific(i));
	return o;
}
