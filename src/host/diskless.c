/* SPDX-License-Identifier: MIT */
#include "host/diskless.h"

#include "base/str.h"
#include "host/record.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TMPFS 0x01021994u
#define RAMFS 0x858458f6u

/* A shell variable of lbu.conf, plain or in one kind of quotes. */
static void read_media(const struct host *h, struct diskless *out)
{
	struct span rest, line, key;
	char *text;
	size_t len;

	if (host_read(h, "/etc/lbu/lbu.conf", &text, &len, NULL) < 0)
		return;
	rest = (struct span){ text, len };
	while (span_line(&rest, &line)) {
		line = span_trim(line);
		if (!line.len || line.s[0] == '#' || !span_cut(&line, '=', &key) ||
		    !span_is(key, "LBU_MEDIA"))
			continue;
		line = span_trim(line);
		if (line.len >= 2 && (line.s[0] == '"' || line.s[0] == '\'') &&
		    line.s[line.len - 1] == line.s[0]) {
			line.s++;
			line.len -= 2;
		}
		/* the name of a folder below /media */
		if (!memchr(line.s, '/', line.len))
			span_copy(line, out->media, sizeof(out->media));
	}
	free(text);
}

static void newest_overlay(const struct host *h, const char *dir, struct diskless *out,
			   int64_t *mtime)
{
	AUTO_LIST struct host_list l = { 0 };

	if (host_list(h, dir, &l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		struct host_stat st;
		char path[256];

		/* also .tar.gz.aes-256-cbc and its kind */
		if (!strstr(l.v[i], ".apkovl.tar.gz") || strlen(l.v[i]) > 100)
			continue;
		snprintf(path, sizeof(path), "%.140s/%.100s", dir, l.v[i]);
		if (host_stat(h, path, &st, NULL) < 0 || st.node != NODE_FILE)
			continue;
		if (out->overlay[0] && st.mtime <= *mtime)
			continue;
		snprintf(out->overlay, sizeof(out->overlay), "%s", path);
		*mtime = st.mtime;
	}
}

static void find_overlay(const struct host *h, struct diskless *out, int64_t *mtime)
{
	AUTO_LIST struct host_list l = { 0 };
	char dir[160];

	if (out->media[0]) {
		snprintf(dir, sizeof(dir), "/media/%.130s", out->media);
		newest_overlay(h, dir, out, mtime);
		return;
	}
	if (host_list(h, "/media", &l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		snprintf(dir, sizeof(dir), "/media/%.130s", l.v[i]);
		newest_overlay(h, dir, out, mtime);
	}
}

/* What the system itself writes as it goes. */
static bool is_noise(const char *path)
{
	static const char *const noise[] = { "/etc/resolv.conf", "/etc/mtab", "/etc/adjtime",
					     "/etc/ld.so.cache" };

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (!strcmp(path, noise[i]))
			return true;
	return false;
}

/* Looks below @dir for a file newer than @since.  Folders change when packages are installed
 * at boot and say nothing. */
static bool find_newer(const struct host *h, const char *dir, int64_t since, unsigned depth,
		       unsigned *budget, struct diskless *out)
{
	AUTO_LIST struct host_list l = { 0 };
	bool found = false;

	if (!depth || host_list(h, dir, &l, NULL) < 0)
		return false;
	for (size_t i = 0; i < l.n && !found && *budget; i++) {
		struct host_stat st;
		char *path = str_printf(NULL, "%s/%s", dir, l.v[i]);
		char to[8];

		(*budget)--;
		/* links are followed by host_stat(): what they point to is looked at where
		 * it is */
		if (path && host_readlink(h, path, to, sizeof(to), NULL) == -EINVAL &&
		    host_stat(h, path, &st, NULL) == 0) {
			if (st.node == NODE_DIR) {
				found = find_newer(h, path, since, depth - 1, budget, out);
			} else if (st.node == NODE_FILE && st.mtime > since &&
				   !is_noise(path)) {
				snprintf(out->example, sizeof(out->example), "%s", path);
				found = true;
			}
		}
		free(path);
	}
	return found;
}

static void find_changes(const struct host *h, int64_t since, struct diskless *out)
{
	unsigned budget = 20000;
	bool found;

	if (host_record(h)) {
		/* times of recorded files are those of the recording */
		const char *said = record_get(host_record(h), "lbu uncommitted");

		if (!said)
			return;
		out->uncommitted = tri_of(strcmp(said, "no") != 0);
		if (out->uncommitted == TRI_YES)
			snprintf(out->example, sizeof(out->example), "%s", said);
		return;
	}
	found = find_newer(h, "/etc", since, 12, &budget, out);
	/* not having looked everywhere, a no would be a guess */
	out->uncommitted = found ? TRI_YES : budget ? TRI_NO : TRI_UNKNOWN;
}

int diskless_read(const struct host *h, struct diskless *out, struct err *e)
{
	uint64_t type, bsize;
	int64_t mtime = 0;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "an image is no running system");
	if (host_statfs(h, "/", &type, &bsize, NULL) == 0)
		out->root_in_memory = tri_of(type == TMPFS || type == RAMFS);
	out->has_lbu = host_exists(h, "/sbin/lbu") || host_exists(h, "/usr/sbin/lbu");
	if (out->root_in_memory != TRI_YES || !out->has_lbu)
		return 0;
	read_media(h, out);
	find_overlay(h, out, &mtime);
	if (out->overlay[0])
		find_changes(h, mtime, out);
	return 0;
}
