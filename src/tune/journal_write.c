/* SPDX-License-Identifier: MIT */
#include "tune/journal_write.h"

#include "base/below.h"
#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Writes @obj as a line at the end and drops the reference; NULL is lack of memory. */
static int put(struct journal *j, json_t *obj, struct err *e)
{
	AUTO_FREE char *line = obj ? json_dumps(obj, JSON_COMPACT) : NULL;
	size_t len = line ? strlen(line) : 0;
	int r;

	json_decref(obj);
	if (!line)
		return err_set(e, -ENOMEM, "out of memory for the journal");
	if (j->end + len >= JOURNAL_MAX)
		return err_set(e, -EFBIG, "%s: full; 'vtune revert' empties it", JOURNAL_FILE);
	line[len] = '\n'; /* in place of its NUL */
	r = io_pwrite(j->fd, line, len + 1, j->end, e);
	if (r == 0)
		r = io_sync(j->fd, true, e);
	if (r < 0)
		return err_wrap(e, r, "%s", JOURNAL_FILE);
	j->end += len + 1;
	j->boot_at = j->end;
	return 0;
}

static void now(char out[32])
{
	time_t t = time(NULL);
	struct tm tm;

	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static int cut(struct journal *j, size_t at, struct err *e)
{
	int r = io_truncate(j->fd, at, e);

	if (r == 0)
		r = io_sync(j->fd, true, e);
	if (r < 0)
		return err_wrap(e, r, "%s", JOURNAL_FILE);
	j->end = j->boot_at = at;
	j->torn = false;
	return 0;
}

/* The folder's entry for the file is on disk too. */
static int sync_folder(const struct host *h, struct err *e)
{
	AUTO_CLOSE int dir = host_openat(h, JOURNAL_DIR, O_RDONLY | O_DIRECTORY, 0, e);

	return dir < 0 ? dir : io_sync(dir, true, e);
}

static int start(const struct host *h, struct journal *j, char *const *made, size_t n_made,
		 struct err *e)
{
	json_t *list = json_array(), *obj;
	int r = 0;

	for (size_t i = 0; list && i < n_made; i++)
		if (json_array_append_new(list, json_string(made[i])) ||
		    mem_grow((void **)&j->made, j->n_made + 1, sizeof(*j->made), e) < 0 ||
		    !(j->made[j->n_made] = mem_strdup(made[i], e)))
			r = -ENOMEM;
		else
			j->n_made++;
	obj = json_pack("{s:s, s:i, s:o}", "rec", "journal", "version", 1, "made", list);
	if (r < 0) {
		json_decref(obj);
		return r;
	}
	r = put(j, obj, e);
	if (r == 0)
		r = sync_folder(h, e);
	j->exists = r == 0;
	return r;
}

int journal_open(const struct host *h, struct journal *j, char *const *made, size_t n_made,
		 struct err *e)
{
	int r;

	j->fd = host_openat(h, JOURNAL_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, e);
	if (j->fd < 0)
		return j->fd;
	/* also what is not torn but was never read: an empty file */
	r = j->torn ? cut(j, j->end, e) : 0;
	return r == 0 && !j->exists ? start(h, j, made, n_made, e) : r;
}

int journal_begin(const struct host *h, struct journal *j, const char *profile, unsigned *n,
		  struct err *e)
{
	struct journal_apply a = { .offset = j->end };
	char time_text[32], boot[JOURNAL_BOOT_SIZE];
	int r = mem_grow((void **)&j->applies, j->n_applies + 1, sizeof(*j->applies), e);

	if (r < 0)
		return r;
	now(time_text);
	journal_boot_id(h, boot);
	a.n = j->n_applies ? j->applies[j->n_applies - 1].n + 1 : 1;
	r = put(j,
		json_pack("{s:s, s:i, s:s, s:s, s:s}", "rec", "apply", "n", (int)a.n, "time",
			  time_text, "boot", boot, "profile", profile),
		e);
	if (r < 0)
		return r;
	a.time = mem_strdup(time_text, e);
	a.boot = mem_strdup(boot, e);
	a.profile = mem_strdup(profile, e);
	j->applies[j->n_applies++] = a;
	*n = a.n;
	return a.time && a.boot && a.profile ? 0 : -ENOMEM;
}

static int dup_text(char **to, const char *from, struct err *e)
{
	*to = from ? mem_strdup(from, e) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

/* A copy of @c in memory, for who goes on with @j. */
static int keep(struct journal *j, unsigned apply, unsigned seq, const struct change *c,
		struct err *e)
{
	struct journal_change k = { .seq = seq, .apply = apply, .pid = getpid() };
	int r = mem_grow((void **)&j->v, j->n + 1, sizeof(*j->v), e);

	k.c.kind = c->kind;
	k.c.when = c->when;
	if (r == 0)
		r = dup_text(&k.step, c->step, e);
	if (r == 0)
		r = dup_text(&k.c.target, c->target, e);
	if (r == 0)
		r = dup_text(&k.c.old_val, c->old_val, e);
	if (r == 0)
		r = dup_text(&k.c.value, c->value, e);
	if (r == 0)
		r = dup_text(&k.c.old_meta, c->old_meta, e);
	if (r < 0) {
		journal_change_free(&k);
		return r;
	}
	k.c.step = k.step;
	j->v[j->n++] = k;
	return 0;
}

int journal_change(struct journal *j, unsigned apply, const struct change *c, unsigned *seq,
		   struct err *e)
{
	unsigned n = j->n ? j->v[j->n - 1].seq + 1 : 1;
	json_t *obj = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "rec", "change", "seq",
				(int)n, "apply", (int)apply, "step", c->step, "kind",
				c->kind->name, "target", c->target);
	int r;

	if (!obj || journal_put_text(obj, "old", c->old_val) < 0 ||
	    journal_put_text(obj, "meta", c->old_meta) < 0 ||
	    journal_put_text(obj, "value", c->value) < 0 ||
	    journal_put_text(obj, "when", journal_when_name(c->when)) < 0 ||
	    json_object_set_new(obj, "pid", json_integer(getpid()))) {
		json_decref(obj);
		return err_set(e, -ENOMEM, "out of memory for the journal");
	}
	/* room first: what stands in the file stands in memory */
	r = keep(j, apply, n, c, e);
	if (r == 0) {
		r = put(j, obj, e);
		if (r < 0)
			journal_change_free(&j->v[--j->n]);
	} else {
		json_decref(obj);
	}
	*seq = n;
	return r;
}

static int find(struct journal *j, unsigned seq, struct journal_change **out, struct err *e)
{
	for (size_t i = j->n; i-- > 0;) {
		*out = &j->v[i];
		if (j->v[i].seq == seq)
			return 0;
	}
	return err_set(e, -EINVAL, "%s: there is no change %u", JOURNAL_FILE, seq);
}

/* {"rec": @what, "seq": ..} */
static int progress(struct journal *j, const struct journal_change *c, const char *what,
		    struct err *e)
{
	json_t *obj = json_pack("{s:s, s:i}", "rec", what, "seq", (int)c->seq);

	if (obj && !strcmp(what, "undo"))
		json_object_set_new(obj, "pid", json_integer(getpid()));
	return put(j, obj, e);
}

int journal_done(struct journal *j, unsigned seq, struct err *e)
{
	struct journal_change *c = NULL;
	int r = find(j, seq, &c, e);

	if (r == 0)
		r = progress(j, c, "done", e);
	if (r < 0)
		return r;
	c->done = true;
	for (size_t i = 0; r == 0 && c->c.kind->trigger && i < j->n; i++) {
		struct journal_change *o = &j->v[i];

		if (o->done || o->undone || o->c.kind != c->c.kind ||
		    strcmp(o->c.target, c->c.target) != 0)
			continue;
		r = progress(j, o, "done", e);
		o->done = r == 0;
	}
	return r;
}

int journal_undo(struct journal *j, unsigned seq, struct err *e)
{
	struct journal_change *c = NULL;
	int r = find(j, seq, &c, e);

	if (r == 0)
		r = progress(j, c, "undo", e);
	if (r == 0) {
		c->undoing = true;
		c->pid = getpid();
	}
	return r;
}

int journal_undone(struct journal *j, unsigned seq, struct err *e)
{
	struct journal_change *c = NULL;
	int r = find(j, seq, &c, e);

	if (r == 0)
		r = progress(j, c, "undone", e);
	if (r == 0)
		c->undone = true;
	return r;
}

int journal_boot(const struct host *h, struct journal *j, struct err *e)
{
	char time_text[32], boot[JOURNAL_BOOT_SIZE];
	size_t at = j->boot_at;
	int r = 0;

	now(time_text);
	journal_boot_id(h, boot);
	/* one such record at the end is enough, however often the machine is started */
	if (j->boot_at < j->end)
		r = cut(j, j->boot_at, e);
	else
		at = j->end;
	if (r == 0)
		r = put(j,
			json_pack("{s:s, s:s, s:s}", "rec", "boot", "boot", boot, "time",
				  time_text),
			e);
	if (r < 0)
		return r;
	j->boot_at = at;
	free(j->boot);
	j->boot = mem_strdup(boot, e);
	return j->boot ? 0 : -ENOMEM;
}

int journal_forget(struct journal *j, unsigned to, struct err *e)
{
	for (size_t i = 0; i < j->n_applies; i++) {
		if (j->applies[i].n <= to)
			continue;
		/* the changes in memory are undone and have no part in anything */
		return cut(j, j->applies[i].offset, e);
	}
	return 0;
}

/* What is not empty, or is gone, is somebody else's affair. */
static int remove_folder(const struct host *h, const char *path, struct err *e)
{
	int r = below_remove(host_root_fd(h), path, 1, e);

	return r == -ENOTEMPTY || r == -EEXIST || r == -ENOENT || r == -EBUSY ? 0 : r;
}

int journal_remove(const struct host *h, struct journal *j, struct err *e)
{
	int r = below_remove(host_root_fd(h), JOURNAL_FILE, 0, e);

	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = remove_folder(h, JOURNAL_DIR, e);
	for (size_t i = j->n_made; r == 0 && i-- > 0;)
		r = remove_folder(h, j->made[i], e);
	j->exists = r < 0 && j->exists;
	return r;
}
