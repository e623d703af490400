/* SPDX-License-Identifier: MIT */
#include "modules/initramfs.h"

#include "base/mem.h"
#include "base/run.h"
#include "host/cmdline.h"
#include "host/confdir.h"
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

static bool in_alpine(const struct host *h, const struct module *mod)
{
	return host_exists(h, "/etc/mkinitfs") && (in_mkinitfs(h, mod) || on_cmdline(h, mod));
}

static bool in_initramfs_tools(const struct host *h, const struct module *mod)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	return host_read(h, "/etc/initramfs-tools/modules", &text, &len, NULL) == 0 &&
	       persist_has(text, PERSIST_LINES, mod->name);
}

/* One variable over a file and a folder of more, as a shell would read them one by one. */
static bool in_shell_conf(const struct host *h, const char *file, const char *const *dirs,
			  const char *name, const struct module *mod)
{
	struct confdir d = { 0 };
	bool has = false;

	if (confdir_list(h, dirs, ".conf", &d, NULL) < 0)
		d = (struct confdir){ 0 };
	for (size_t i = 0; i <= d.n; i++) {
		AUTO_FREE char *text = NULL;
		size_t len;

		if (confdir_file(h, i ? d.path[i - 1] : file, &text, &len, NULL) == 0)
			initramfs_conf_read(text, len, name, mod->name, &has);
	}
	confdir_free(&d);
	return has;
}

static bool in_dracut(const struct host *h, const struct module *mod)
{
	static const char *const dirs[] = { "/etc/dracut.conf.d",
					    "/usr/lib/dracut/dracut.conf.d", NULL };
	static const char *const names[] = { "add_drivers", "force_drivers", "drivers" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (in_shell_conf(h, "/etc/dracut.conf", dirs, names[i], mod))
			return true;
	return false;
}

static bool in_mkinitcpio(const struct host *h, const struct module *mod)
{
	static const char *const dirs[] = { "/etc/mkinitcpio.conf.d", NULL };

	return in_shell_conf(h, "/etc/mkinitcpio.conf", dirs, "MODULES", mod);
}

/* Debian's dracut comes with an update-initramfs of its own, but not with mkinitramfs.  Without
 * --regenerate-all, dracut takes the kernel that runs, which in an image is another system's. */
static const struct initramfs_tool tools[] = {
	{ "mkinitfs", "mkinitfs", { "mkinitfs", NULL }, NULL, in_alpine },
	{ "update-initramfs",
	  "update-initramfs -u -k all",
	  { "update-initramfs", "-u", "-k", "all", NULL },
	  "mkinitramfs",
	  in_initramfs_tools },
	{ "dracut",
	  "dracut --force --regenerate-all",
	  { "dracut", "--force", "--regenerate-all", NULL },
	  NULL,
	  in_dracut },
	{ "mkinitcpio", "mkinitcpio -P", { "mkinitcpio", "-P", NULL }, NULL, in_mkinitcpio },
};

const struct initramfs_tool *initramfs_tool(const struct host *h)
{
	int root = host_is_live(h) ? -1 : host_root_fd(h);

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (run_find(root, tools[i].program) &&
		    (!tools[i].sign || run_find(root, tools[i].sign)))
			return &tools[i];
	return NULL;
}

const struct initramfs_tool *initramfs_loads(const struct host *h, const struct module *mod)
{
	const struct initramfs_tool *here = initramfs_tool(h);

	if (here)
		return here->loads(h, mod) ? here : NULL;
	/* a record has no programs */
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (tools[i].loads(h, mod))
			return &tools[i];
	return NULL;
}
