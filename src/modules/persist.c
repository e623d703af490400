/* SPDX-License-Identifier: MIT */
#include "modules/persist.h"

#include "base/mem.h"
#include "host/distro.h"
#include "host/lines.h"
#include "host/modules_load.h"
#include "host/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int persist_place(const struct host *h, struct persist_place *out, struct err *e)
{
	static const struct {
		const char *like;
		struct persist_place place;
	} places[] = {
		{ "alpine", { "/etc/modules", PERSIST_LINES, "the service modules" } },
		{ "debian", { "/etc/modules", PERSIST_LINES, "the service kmod" } },
		{ "gentoo", { "/etc/conf.d/modules", PERSIST_CONFD, "the service modules" } },
	};
	static const struct persist_place others = { "/etc/modules-load.d/hostkit.conf",
						     PERSIST_LINES, "systemd-modules-load" };
	struct os_release os = { 0 };
	int r = os_release_read(h, &os, e);

	if (r < 0 && r != -ENOENT)
		return r;
	*out = others;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		if (os_release_like(&os, places[i].like)) {
			*out = places[i].place;
			break;
		}
	}
	/* without os-release the file that is there tells */
	if (r == -ENOENT && host_exists(h, places[0].place.path))
		*out = places[0].place;
	return 0;
}

static int listed(const char *text, enum persist_form form, const char *module, struct err *e)
{
	struct modules_load l = { 0 };
	size_t len = strlen(text);
	int r = form == PERSIST_LINES ? modules_load_parse(&l, "", text, len, e)
				      : modules_load_parse_confd(&l, "", text, len, e);

	if (r == 0)
		r = modules_load_find(&l, module) != NULL;
	modules_load_free(&l);
	return r;
}

bool persist_has(const char *text, enum persist_form form, const char *module)
{
	return text && listed(text, form, module, NULL) > 0;
}

/* Where in a line modules="a b" the last quote is; 0 if it has another form. */
static size_t closing_quote(const char *s, size_t len)
{
	size_t from, end;

	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	for (from = 0; from < len && (s[from] == ' ' || s[from] == '\t');)
		from++;
	if (len - from < 10 || strncmp(s + from, "modules=", 8))
		return 0;
	from += 8;
	end = len - 1;
	if ((s[from] != '"' && s[from] != '\'') || end == from || s[end] != s[from])
		return 0;
	/* exactly this pair, and nothing that the shell would make another text of */
	for (size_t i = from + 1; i < end; i++)
		if (strchr("\"'\\`", s[i]))
			return 0;
	return end;
}

static int add_confd(const char *old, const char *module, char **fresh, struct err *e)
{
	struct line l = { 0 }, last = { 0 };
	size_t len = strlen(old), at = 0, n;
	char text[MODULE_NAME_MAX + 32];

	while (lines_next(old, len, &l)) {
		size_t quote = closing_quote(old + l.off, l.len);

		if (quote) {
			at = quote;
			last = l;
		}
	}
	if (at) {
		bool empty = old[last.off + at - 1] == old[last.off + at];

		snprintf(text, sizeof(text), "%s%s", empty ? "" : " ", module);
		return lines_splice(old, len, last.off + at, 0, text, strlen(text), fresh, &n,
				    e);
	}
	/* a shell reads the file, so this adds to whatever stands before it */
	snprintf(text, sizeof(text), "modules=\"${modules} %s\"", module);
	return lines_append(old, len, text, fresh, &n, e);
}

int persist_add(const char *old, enum persist_form form, const char *module, char **fresh,
		struct err *e)
{
	char name[MODULE_NAME_MAX + 1];
	const char *text = old ? old : "";
	size_t n;
	int r = module_name(module, name, e);

	*fresh = NULL;
	if (r < 0)
		return r;
	if (form == PERSIST_LINES)
		return modules_load_add(text, strlen(text), name, fresh, &n, e);
	r = listed(text, form, name, e);
	if (r)
		return r < 0 ? r : 0;
	r = add_confd(text, name, fresh, e);
	if (r == 0)
		r = listed(*fresh, form, name, e);
	if (r == 1)
		return 1;
	free(*fresh);
	*fresh = NULL;
	return r < 0 ? r
		     : err_set(e, -EUCLEAN,
			       "the list is none that a shell could read: a quote is open");
}

int persist_find(const struct host *h, const char *module, char *path, size_t size,
		 struct err *e)
{
	const struct modules_load_entry *found;
	struct modules_load l = { 0 };
	int r = modules_load_read(h, &l, e);

	if (r < 0)
		return r;
	found = modules_load_find(&l, module);
	if (found)
		snprintf(path, size, "%s", found->file);
	modules_load_free(&l);
	return found != NULL;
}
