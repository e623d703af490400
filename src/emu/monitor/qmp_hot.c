/* SPDX-License-Identifier: MIT */
#include "emu/monitor/qmp_hot.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "emu/hot.h"

#include <stdlib.h>
#include <string.h>

static json_t *done(int r)
{
	return r < 0 ? NULL : json_object();
}

/* A comma in a text of the command line is written twice. */
static void add_text(struct str *s, const char *v)
{
	for (; *v; v++) {
		char c[3] = { *v, *v == ',' ? ',' : '\0', '\0' };

		str_add(s, c);
	}
}

static int add_value(struct str *s, const char *key, const json_t *v, struct err *e)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		add_text(s, json_string_value(v));
		return 0;
	case JSON_TRUE:
		str_add(s, "on");
		return 0;
	case JSON_FALSE:
		str_add(s, "off");
		return 0;
	case JSON_INTEGER:
		str_addf(s, "%lld", (long long)json_integer_value(v));
		return 0;
	default:
		return err_set(e, -EINVAL, "Parameter '%.100s' is no text, number or boolean",
			       key);
	}
}

/* QEMU writes lists of texts as [{"str": "..."}]. */
static int add_key(struct str *s, const char *key, const json_t *v, struct err *e)
{
	size_t n = json_is_array(v) ? json_array_size(v) : 1;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;

		if (json_is_object(one) && json_object_get(one, "str"))
			one = json_object_get(one, "str");
		str_add(s, ",");
		add_text(s, key);
		str_add(s, "=");
		r = add_value(s, key, one, e);
	}
	return r;
}

/* "FIRST,key=value,...": what the object has as the command line has it. */
static int text_of(const json_t *args, const char *first, struct str *s, struct err *e)
{
	json_t *all = json_deep_copy(args), *v;
	const char *key;
	int r = 0;

	if (!all)
		return err_set(e, -ENOMEM, "out of memory");
	add_text(s, json_string_value(json_object_get(all, first)));
	json_object_foreach(all, key, v)
	{
		if (r == 0 && strcmp(key, first) != 0)
			r = add_key(s, key, v, e);
	}
	json_decref(all);
	return r == 0 && s->failed ? err_set(e, -ENOMEM, "out of memory") : r;
}

static json_t *run(struct machine *m, const json_t *args, const char *first,
		   int (*fn)(struct machine *m, const char *text, struct err *e), struct err *e)
{
	struct str s = STR_INIT;
	int r = text_of(args, first, &s, e);

	if (r == 0)
		r = fn(m, s.s, e);
	str_free(&s);
	return done(r);
}

static const char *text(const json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

json_t *hot_qmp_device_add(struct machine *m, const json_t *args, struct err *e)
{
	return run(m, args, "driver", hot_device_add, e);
}

json_t *hot_qmp_device_del(struct machine *m, const json_t *args, struct err *e)
{
	return done(hot_device_del(m, text(args, "id"), e));
}

json_t *hot_qmp_blockdev_add(struct machine *m, const json_t *args, struct err *e)
{
	char *json = json_dumps(args, JSON_COMPACT);
	int r = json ? hot_blockdev_add(m, json, e) : err_set(e, -ENOMEM, "out of memory");

	free(json);
	return done(r);
}

json_t *hot_qmp_blockdev_del(struct machine *m, const json_t *args, struct err *e)
{
	return done(hot_image_del(m, text(args, "node-name"), true, e));
}

json_t *hot_qmp_netdev_add(struct machine *m, const json_t *args, struct err *e)
{
	return run(m, args, "type", hot_netdev_add, e);
}

json_t *hot_qmp_netdev_del(struct machine *m, const json_t *args, struct err *e)
{
	return done(hot_netdev_del(m, text(args, "id"), e));
}

json_t *hot_qmp_object_add(struct machine *m, const json_t *args, struct err *e)
{
	return run(m, args, "qom-type", hot_object_add, e);
}

json_t *hot_qmp_object_del(struct machine *m, const json_t *args, struct err *e)
{
	return done(hot_object_del(m, text(args, "id"), e));
}
