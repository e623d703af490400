/* SPDX-License-Identifier: MIT */
/* Is a module loaded before the root is there?  Then its options are in the initramfs. */
#include "base/mem.h"
#include "host/cmdline.h"
#include "host/lines.h"
#include "host/modprobe_conf.h"
#include "host/modules_load.h"
#include "host/words.h"
#include "modules/persist.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "kernel/drivers/vfio/vfio.ko.gz" of the path in the host, which begins with
 * /lib/modules/RELEASE/; NULL if it does not. */
static const char *below_release(const struct module *mod)
{
	static const char dir[] = "/lib/modules/";
	const char *p = mod->path;

	if (!p || strncmp(p, dir, sizeof(dir) - 1))
		return NULL;
	p = strchr(p + sizeof(dir) - 1, '/');
	return p ? p + 1 : NULL;
}

/* A pattern of mkinitfs is a wildcard for files, or a folder with all that is in it. */
static bool matches(struct span pattern, const char *path)
{
	char text[256];
	size_t n = pattern.len;

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, pattern.s, n);
	text[n] = '\0';
	if (fnmatch(text, path, FNM_PATHNAME) == 0)
		return true;
	while (n && text[n - 1] == '/')
		text[--n] = '\0';
	return n && !strncmp(path, text, n) && path[n] == '/';
}

/* The file of one feature of mkinitfs takes the module along. */
static bool in_feature(const struct host *h, struct span feature, const char *path)
{
	AUTO_FREE char *text = NULL;
	char name[64], file[128];
	struct span rest, line, word;
	size_t len;

	span_copy(feature, name, sizeof(name));
	if (strchr(name, '/'))
		return false;
	snprintf(file, sizeof(file), "/etc/mkinitfs/features.d/%s.modules", name);
	if (host_read(h, file, &text, &len, NULL) < 0)
		return false;
	rest = (struct span){ text, len };
	while (span_line(&rest, &line))
		if (span_word(&line, &word) && word.s[0] != '#' && matches(word, path))
			return true;
	return false;
}

/* features="ata base virtio" of mkinitfs.conf */
static bool in_mkinitfs(const struct host *h, const struct module *mod)
{
	const char *path = below_release(mod);
	AUTO_FREE char *text = NULL;
	struct span rest, line, key, word;
	size_t len;

	if (!path || host_read(h, "/etc/mkinitfs/mkinitfs.conf", &text, &len, NULL) < 0)
		return false;
	rest = (struct span){ text, len };
	while (span_line(&rest, &line)) {
		if (!span_cut(&line, '=', &key) || !span_is(key, "features"))
			continue;
		line = span_trim(line);
		if (line.len >= 2 && (line.s[0] == '"' || line.s[0] == '\'')) {
			line.s++;
			line.len -= 2;
		}
		while (span_word(&line, &word))
			if (in_feature(h, word, path))
				return true;
	}
	return false;
}

/* modules=loop,squashfs on Alpine's kernel command line: loaded by its initramfs. */
static bool on_cmdline(const struct host *h, const struct module *mod)
{
	AUTO_FREE char *text = NULL;
	char list[1024];
	bool found = false;

	if (!host_has_kernel(h) || cmdline_read(h, &text, NULL) < 0 ||
	    cmdline_get(text, "modules", list, sizeof(list)) < 0)
		return false;
	for (char *p = list; *p && !found;) {
		size_t n = strcspn(p, ",");
		char *next = p + n + (p[n] == ',');

		p[n] = '\0';
		found = modprobe_same_name(p, mod->name);
		p = next;
	}
	return found;
}

static bool in_initramfs_tools(const struct host *h, const struct module *mod)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	return host_read(h, "/etc/initramfs-tools/modules", &text, &len, NULL) == 0 &&
	       persist_has(text, PERSIST_LINES, mod->name);
}

int persist_initramfs(const struct host *h, const struct module *mod, const char **command,
		      struct err *e)
{
	*command = NULL;
	if (in_initramfs_tools(h, mod))
		*command = "update-initramfs -u";
	else if (host_exists(h, "/etc/mkinitfs") && (in_mkinitfs(h, mod) || on_cmdline(h, mod)))
		*command = "mkinitfs";
	return *command != NULL;
}
