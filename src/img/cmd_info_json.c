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

static json_t *bitmaps(const struct img_info *i)
{
	json_t *list = json_array();

	for (size_t k = 0; k < i->bitmaps_n; k++) {
		const struct img_bitmap *b = &i->bitmaps[k];
		json_t *o = json_object(), *flags = json_array();

		if (b->in_use)
			json_array_append_new(flags, json_string("in-use"));
		if (b->automatic)
			json_array_append_new(flags, json_string("auto"));
		json_object_set_new(o, "flags", flags);
		put_text(o, "name", b->name);
		put_int(o, "granularity", b->granularity);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *qcow2(const struct img_info *i)
{
	json_t *o = json_object(), *data = json_object();

	put_text(data, "compat", i->compat == 2 ? "0.10" : "1.1");
	put_text(data, "compression-type", i->zstd ? "zstd" : "zlib");
	put_int(data, "refcount-bits", i->refcount_bits);
	if (i->compat > 2) {
		put_bool(data, "lazy-refcounts", i->lazy_refcounts);
		put_bool(data, "corrupt", i->corrupt);
		put_bool(data, "extended-l2", i->extended_l2);
	}
	if (i->data_file) {
		put_text(data, "data-file", i->data_file);
		put_bool(data, "data-file-raw", i->data_file_raw);
	}
	if (i->bitmaps_n)
		json_object_set_new(data, "bitmaps", bitmaps(i));
	put_text(o, "type", "qcow2");
	json_object_set_new(o, "data", data);
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
	put_int(o, "actual-size", i->actual_size);
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
	if (i->is_qcow2)
		json_object_set_new(o, "format-specific", qcow2(i));
	return o;
}
