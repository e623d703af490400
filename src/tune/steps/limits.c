/* SPDX-License-Identifier: MIT */
/*
 * Memory that may be locked: a guest with a passed-through device locks all of its own.  At
 * login PAM reads limits.d, for the group kvm; services of OpenRC have rc_ulimit.
 */
#include "host/limits.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/lines.h"
#include "host/words.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN "/etc/security/limits.d/60-hostkit.conf"

static int pam(const struct stepping *s, const char *value, struct err *e)
{
	AUTO_FREE char *text =
		str_printf(e,
			   "# Written by vtune: guests with a passed-through device lock their "
			   "memory.\n@kvm\t-\tmemlock\t%s\n",
			   value);
	struct limit_rows rows = { 0 };
	bool enough = false;
	int r = text ? limits_read(s->h, &rows, e) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < rows.n; i++)
		if (!strcmp(rows.v[i].domain, "@kvm") && !strcmp(rows.v[i].item, "memlock") &&
		    rows.v[i].type == '-')
			enough = rows.v[i].value >= s->p->memlock;
	free(rows.v);
	if (r < 0 || (enough && !host_exists(s->h, OWN)))
		return r;
	return STEP_CHANGE(s, &kind_file, OWN, text, WHEN_RELOGIN, e,
			   "members of kvm may lock their guests' memory");
}

/* Whether rc_ulimit= is set in a line that is no comment; @locks: to something with -l. */
static bool has_ulimit(const char *text, bool *locks)
{
	struct span rest = { text, strlen(text) }, line, key;
	bool found = false;

	*locks = false;
	while (span_line(&rest, &line)) {
		if (!span_cut(&line, '=', &key) || !span_is(key, "rc_ulimit"))
			continue;
		found = true;
		*locks = false;
		for (size_t i = 0; i + 1 < line.len; i++)
			*locks = *locks || (line.s[i] == '-' && line.s[i + 1] == 'l');
	}
	return found;
}

static int openrc_service(const struct stepping *s, const char *name, const char *value,
			  struct err *e)
{
	AUTO_FREE char *script = str_printf(e, "/etc/init.d/%s", name);
	AUTO_FREE char *path = str_printf(e, "/etc/conf.d/%s", name);
	AUTO_FREE char *line = str_printf(e, "rc_ulimit=\"-l %s\"", value);
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	size_t len;
	bool locks;
	int r;

	if (!script || !path || !line)
		return -ENOMEM;
	if (!host_exists(s->h, script))
		return 0;
	r = step_text(s, path, &text, e);
	if (r < 0)
		return r;
	if (text && has_ulimit(text, &locks))
		return locks ? 0
			     : STEP_NOTE(s, true, e,
					 "%s sets rc_ulimit without -l: add '-l %s' to it",
					 path, value);
	r = lines_append(text ? text : "", text ? strlen(text) : 0, line, &fresh, &len, e);
	if (r < 0)
		return r;
	return STEP_CHANGE(s, &kind_file, path, fresh, WHEN_RELOAD, e,
			   "guests that %s starts may lock their memory", name);
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	static const char *const services[] = { "libvirtd", "virtqemud", "qemu" };
	const struct stepping s = { h, p, out, "limits.memlock" };
	char value[24] = "unlimited";
	struct distro d;
	int r;

	if (!p->memlock)
		return 0;
	/* both count in KiB */
	if (p->memlock != UINT64_MAX)
		snprintf(value, sizeof(value), "%llu", (unsigned long long)(p->memlock >> 10));
	r = distro_read(h, &d, e);
	if (r == 0 && host_exists(h, "/etc/security"))
		r = pam(&s, value, e);
	else if (r == 0 && d.init != INIT_OPENRC)
		r = STEP_NOTE(&s, true, e,
			      "there is no PAM here to give logins a limit of locked memory");
	for (size_t i = 0; r == 0 && d.init == INIT_OPENRC && i < ARRAY_SIZE(services); i++)
		r = openrc_service(&s, services[i], value, e);
	return r;
}

const struct step step_limits_memlock = {
	.id = "limits.memlock",
	.title = "Memory that may be locked",
	.why = "A guest with a passed-through device locks all of its memory, and plain users "
	       "may lock little.",
	.plan = plan,
};
