/* SPDX-License-Identifier: MIT */
#include "emu/media.h"

#include "base/mem.h"
#include "emu/dev/scsi.h"
#include "emu/disk_filter.h"
#include "emu/machine.h"
#include "emu/options_int.h"
#include "img/blk.h"
#include "img/commit.h"
#include "img/img.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is(const char *a, const char *b)
{
	return a && *a && !strcmp(a, b);
}

int media_find(const struct machine *m, const char *name, unsigned *i, struct err *e)
{
	const struct machine_config *c = m->config;
	char own[MACHINE_DISK_NAME];

	for (*i = 0; *i < c->disks; ++*i) {
		if (c->disk[*i].gone)
			continue;
		machine_disk_name(c, *i, own);
		if (is(own, name) || is(c->disk[*i].dev, name))
			return 0;
	}
	return err_set(e, -ENODEV, "Device '%.100s' not found", name);
}

/* ---- no request is in work ---- */

/* vCPUs first: one that waits for the end of requests in a device's handler comes out while they can
 * still end. */
static void hold(struct machine *m, struct disk *d)
{
	vcpu_exclusive_begin(&m->group, NULL);
	disk_shut(d);
}

static void release(struct machine *m, struct disk *d)
{
	disk_unshut(d);
	vcpu_exclusive_end(&m->group, NULL);
}

/* ---- trays ---- */

static int removable(struct machine *m, unsigned i, struct disk **d, struct err *e)
{
	char name[MACHINE_DISK_NAME];

	*d = pc_disk(m, i);
	if ((*d)->unit)
		return 0;
	machine_disk_name(m->config, i, name);
	return err_set(e, -ENOTSUP, "Device '%s' is not removable", name);
}

static int open_one(struct machine *m, unsigned i, struct disk **d, struct err *e)
{
	bool open, locked;
	int r = removable(m, i, d, e);

	if (r < 0)
		return r;
	scsi_tray((*d)->unit, &open, &locked);
	return open ? 0 : err_set(e, -EINVAL, "Tray of device '%s' is not open", (*d)->name);
}

int media_open_tray(struct machine *m, unsigned i, bool force, struct err *e)
{
	struct disk *d;
	bool open, locked;
	int r = removable(m, i, &d, e);

	if (r < 0)
		return r;
	scsi_tray(d->unit, &open, &locked);
	if (open)
		return 0;
	if (locked && !force) {
		scsi_tray_button(d->unit);
		return err_set(e, -EACCES,
			       "Device '%s' is locked and force was not specified, wait for "
			       "tray to open and try again",
			       d->name);
	}
	if (scsi_tray_move(d->unit, true))
		d->tray(d, true);
	return 0;
}

int media_close_tray(struct machine *m, unsigned i, struct err *e)
{
	struct disk *d;
	int r = removable(m, i, &d, e);

	if (r == 0 && scsi_tray_move(d->unit, false))
		d->tray(d, false);
	return r;
}

/* ---- what lies in them ---- */

/* @node, or the drive's own @image.  What was there goes back or is closed. */
static int put(struct machine *m, struct disk *d, struct blk *image, struct node *node,
	       struct err *e)
{
	struct blk *old = d->image;
	struct node *was = d->node;

	hold(m, d);
	d->image = image;
	d->node = node;
	release(m, d);
	if (node)
		node->used = true;
	if (!was)
		return blk_close(old, e);
	was->used = false;
	return 0;
}

/* What is told of the medium. */
static int tell(struct config_disk *c, const char *file, const char *format, struct err *e)
{
	int r = 0;

	if (file) {
		r = options_string(&c->file, file, e);
	} else {
		free(c->file);
		c->file = NULL;
	}
	if (r == 0 && format) {
		r = options_string(&c->format, format, e);
	} else {
		free(c->format);
		c->format = NULL;
	}
	free(c->blk_opts);
	c->blk_opts = NULL;
	c->node = false;
	return r;
}

int media_remove(struct machine *m, unsigned i, struct err *e)
{
	struct disk *d;
	int r = open_one(m, i, &d, e);

	if (r == 0)
		r = put(m, d, NULL, NULL, e);
	return r < 0 ? r : tell(&m->config->disk[i], NULL, NULL, e);
}

int media_insert(struct machine *m, unsigned i, struct node *v, struct err *e)
{
	struct disk *d;
	int r = open_one(m, i, &d, e);

	if (r == 0 && d->image)
		r = err_set(e, -EEXIST, "There already is a medium in device '%s'", d->name);
	if (r == 0 && v->used)
		r = err_set(e, -EBUSY, "Node '%s' is already in use", v->c.id);
	if (r == 0 && !v->image)
		r = nodes_wake(&m->nodes, v, e);
	if (r == 0)
		r = tell(&m->config->disk[i], v->c.file, v->c.format, e);
	return r < 0 ? r : put(m, d, v->image, v, e);
}

int media_eject(struct machine *m, unsigned i, bool force, struct err *e)
{
	int r = media_open_tray(m, i, force, e);

	return r < 0 ? r : media_remove(m, i, e);
}

static int read_only_mode(const char *mode, struct err *e)
{
	if (!mode || !strcmp(mode, "retain") || !strcmp(mode, "read-only"))
		return 0;
	if (!strcmp(mode, "read-write"))
		return err_set(e, -ENOTSUP, "read-write: a CD-ROM drive does not write");
	return err_set(e, -EINVAL,
		       "'%.32s' is no read-only-mode: retain, read-only or read-write", mode);
}

int media_change(struct machine *m, unsigned i, const char *file, const char *format,
		 const char *mode, bool force, struct err *e)
{
	struct config_disk *c = &m->config->disk[i];
	AUTO_FREE char *name = mem_strdup(file, e);
	AUTO_FREE char *kind = format ? mem_strdup(format, e) : NULL;
	struct config_disk next = { .file = name,
				    .format = kind,
				    .cdrom = true,
				    .readonly = true,
				    .zeroes = c->zeroes,
				    .cache = c->cache };
	struct blk *image = NULL;
	struct disk *d;
	int r = removable(m, i, &d, e);

	if (!name || (format && !kind))
		return -ENOMEM;
	if (r == 0)
		r = read_only_mode(mode, e);
	if (r == 0)
		r = disk_open(&next, m->config->log, &image, e);
	if (r < 0)
		return r;
	r = media_open_tray(m, i, force, e);
	if (r == 0)
		r = tell(c, file, format, e);
	if (r < 0) {
		(void)blk_close(image, NULL);
		return r;
	}
	r = put(m, d, image, NULL, e);
	return r < 0 ? r : media_close_tray(m, i, e);
}

/* ---- commit ---- */

bool media_commits(const struct machine *m, unsigned i)
{
	const struct blk *b = disk_image(pc_disk(m, i)->image);

	return b && b->backing && (b->flags & BLK_WRITE);
}

int media_commit(struct machine *m, unsigned i, struct err *e)
{
	const struct img_commit how = { .threads = 0 };
	struct disk *d = pc_disk(m, i);
	struct blk *b = disk_image(d->image);
	bool was = m->running;
	int r;

	if (!b)
		return err_set(e, -ENOMEDIUM, "Device '%s' has no medium", d->name);
	if (!(b->flags & BLK_WRITE))
		return err_set(e, -EACCES, "Device '%s' is read-only", d->name);
	if (!b->backing)
		return err_set(e, -ENOTSUP, "Device '%s' has no image below its own", d->name);
	/* it is closed and opened again; a name that leads nowhere now would lose it */
	if (access(b->backing->filename, R_OK) < 0)
		return err_errno(e, "%s", b->backing->filename);
	/* a guest that found its backing image gone would read zeroes: it goes on afterwards only */
	machine_stop(m);
	hold(m, d);
	r = img_commit(b, &how, e);
	release(m, d);
	if (!b->backing)
		machine_request(m, MACHINE_FAILED, e && *e->msg ? e->msg : "commit");
	else if (was)
		machine_cont(m);
	return r;
}
