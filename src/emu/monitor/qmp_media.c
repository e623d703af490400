/* SPDX-License-Identifier: MIT */
#include "emu/monitor/qmp_media.h"

#include "emu/machine.h"
#include "emu/media.h"

/* What has the types that the table of commands says. */
static const char *text(const json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

static int which(struct machine *m, const json_t *args, unsigned *i, struct err *e)
{
	const char *device = text(args, "device"), *id = text(args, "id");

	if (!device == !id)
		return err_set(e, -EINVAL, "Need exactly one of 'device' and 'id'");
	return media_find(m, device ? device : id, i, e);
}

static bool forced(const json_t *args)
{
	return json_is_true(json_object_get(args, "force"));
}

static json_t *done(int r)
{
	return r < 0 ? NULL : json_object();
}

json_t *media_qmp_open(struct machine *m, const json_t *args, struct err *e)
{
	unsigned i;
	int r = which(m, args, &i, e);

	return done(r < 0 ? r : media_open_tray(m, i, forced(args), e));
}

json_t *media_qmp_close(struct machine *m, const json_t *args, struct err *e)
{
	unsigned i;
	int r = which(m, args, &i, e);

	return done(r < 0 ? r : media_close_tray(m, i, e));
}

json_t *media_qmp_remove(struct machine *m, const json_t *args, struct err *e)
{
	unsigned i;
	int r = which(m, args, &i, e);

	return done(r < 0 ? r : media_remove(m, i, e));
}

json_t *media_qmp_insert(struct machine *m, const json_t *args, struct err *e)
{
	const char *name = text(args, "node-name");
	struct node *v = nodes_find(&m->nodes, name);
	unsigned i;
	int r = which(m, args, &i, e);

	if (r == 0 && !v)
		r = err_set(e, -ENOENT, "Node '%.100s' not found", name);
	return done(r < 0 ? r : media_insert(m, i, v, e));
}

json_t *media_qmp_eject(struct machine *m, const json_t *args, struct err *e)
{
	unsigned i;
	int r = which(m, args, &i, e);

	return done(r < 0 ? r : media_eject(m, i, forced(args), e));
}

json_t *media_qmp_change(struct machine *m, const json_t *args, struct err *e)
{
	unsigned i;
	int r = which(m, args, &i, e);

	return done(r < 0 ? r
			  : media_change(m, i, text(args, "filename"), text(args, "format"),
					 text(args, "read-only-mode"), forced(args), e));
}
