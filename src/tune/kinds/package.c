/* SPDX-License-Identifier: MIT */
/* Packages, by the distribution's own tool.  The lists of what is installed are read as files,
 * so that an image needs no tool for that. */
#include "base/below.h"
#include "base/mem.h"
#include "tune/kinds/commands.h"

#include <string.h>

/* A host with everything installed has some ten MiB of them. */
enum { LIST_MAX = 64 << 20 };

#define APK_LIST  "/lib/apk/db/installed"
#define APK_LIST2 "/usr/lib/apk/db/installed"
#define DPKG_LIST "/var/lib/dpkg/status"

static int check(const char *name, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-._";

	if (!*name || *name == '-' || *name == '.' || *name == '+' ||
	    name[strspn(name, letters)])
		return err_set(e, -EINVAL, "'%s' is not the name of a package", name);
	return 0;
}

/* Whether the line at @line is @key followed by exactly @name. */
static bool line_is(const char *line, const char *key, const char *name)
{
	size_t k = strlen(key), n = strlen(name);

	return !strncmp(line, key, k) && !strncmp(line + k, name, n) &&
	       (line[k + n] == '\n' || !line[k + n]);
}

/* Paragraphs of "Key:value" lines: one with @key and @name, and @also (NULL: nothing more)
 * among its lines. */
static bool listed(const char *text, const char *key, const char *name, const char *also)
{
	bool here = false, fine = !also;

	for (const char *line = text; *line;) {
		const char *nl = strchr(line, '\n');

		if (*line == '\n') {
			here = false;
			fine = !also;
		}
		here = here || line_is(line, key, name);
		fine = fine || line_is(line, also, "");
		if (here && fine)
			return true;
		if (!nl)
			break;
		line = nl + 1;
	}
	return false;
}

static int package_current(const struct host *h, const char *target, char **value,
			   struct err *e)
{
	static const struct {
		const char *file, *key, *also;
	} lists[] = {
		{ APK_LIST, "P:", NULL },
		{ APK_LIST2, "P:", NULL },
		{ DPKG_LIST, "Package: ", "Status: install ok installed" },
	};
	bool any = false;
	int r = check(target, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++) {
		AUTO_FREE char *text = NULL;
		struct err mine = { 0 };
		int s = below_read(host_root_fd(h), lists[i].file, LIST_MAX, &text, NULL,
				   &mine);

		if (s == -ENOENT)
			continue;
		if (s < 0)
			return err_set(e, s, "%s", mine.msg);
		any = true;
		if (!listed(text, lists[i].key, target, lists[i].also))
			continue;
		*value = mem_strdup("installed", e);
		return *value ? 0 : -ENOMEM;
	}
	if (r == 0 && !any)
		return err_set(e, -ENOTSUP,
			       "neither apk nor dpkg keeps a list of packages here");
	return r < 0 ? r : -ENOENT;
}

static int put(const struct host *h, const struct change *c, const char *value, struct err *e)
{
	AUTO_FREE char *have = NULL;
	bool apk = host_exists(h, APK_LIST) || host_exists(h, APK_LIST2);
	int r = check(c->target, e);

	if (r < 0)
		return r;
	if (value && apk)
		r = COMMANDS_RUN(h, c, e, "apk", "add", "--no-interactive", c->target);
	else if (value)
		r = COMMANDS_RUN(h, c, e, "apt-get", "install", "-y", "--no-install-recommends",
				 "-o", "Dpkg::Options::=--force-confold", c->target);
	else if (apk)
		r = COMMANDS_RUN(h, c, e, "apk", "del", "--no-interactive", c->target);
	else /* not apt-get, which would take others away that stand on it */
		r = COMMANDS_RUN(h, c, e, "dpkg", "--remove", c->target);
	if (r < 0)
		return r;
	r = package_current(h, c->target, &have, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!value != (r == -ENOENT))
		return err_set(e, value ? -EIO : -EBUSY, "the package %s is %s", c->target,
			       value ? "not there after its installation"
				     : "kept, for others need it");
	return 0;
}

static int package_apply(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c, c->value, e);
}

static int package_revert(struct host *h, const struct change *c, struct err *e)
{
	return put(h, c, c->old_val, e);
}

const struct change_kind kind_package = {
	.name = "package",
	.current = package_current,
	.apply = package_apply,
	.revert = package_revert,
};
