/* SPDX-License-Identifier: MIT */
/* Services that run at boot, by the links that rc-update and systemctl make as well. */
#include "base/mem.h"
#include "base/str.h"
#include "host/words.h"
#include "tune/steps/step.h"

#include <stdlib.h>
#include <string.h>

static int openrc(const struct stepping *s, const char *name, bool on, struct err *e)
{
	AUTO_FREE char *script = str_printf(e, "/etc/init.d/%s", name);
	AUTO_FREE char *link = str_printf(e, "/etc/runlevels/boot/%s", name);

	if (!script || !link)
		return -ENOMEM;
	if (!on)
		return STEP_CHANGE(s, &kind_link, link, NULL, WHEN_REBOOT, e,
				   "the profile does not want it");
	if (!host_exists(s->h, script))
		return STEP_NOTE(s, true, e,
				 "%s is not installed: Alpine has it in the package "
				 "hostkit-openrc",
				 script);
	/* in another runlevel it is somebody's own choice */
	if (host_exists(s->h, link))
		return 0;
	return STEP_CHANGE(s, &kind_link, link, script, WHEN_REBOOT, e,
			   "runs at boot, before what needs it");
}

/* WantedBy= of a unit: the first word. */
static char *wanted_by(const char *text, struct err *e)
{
	struct span rest = { text, strlen(text) }, line, key, word;

	while (span_line(&rest, &line))
		if (span_cut(&line, '=', &key) && span_is(key, "WantedBy") &&
		    span_word(&line, &word) && !memchr(word.s, '/', word.len))
			return str_printf(e, "%.*s", (int)word.len, word.s);
	return NULL;
}

static int systemd(const struct stepping *s, const char *name, bool on, struct err *e)
{
	static const char *const dirs[] = { "/etc/systemd/system", "/usr/lib/systemd/system",
					    "/lib/systemd/system" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		AUTO_FREE char *unit = str_printf(e, "%s/%s.service", dirs[i], name);
		AUTO_FREE char *text = NULL;
		AUTO_FREE char *target = NULL;
		AUTO_FREE char *link = NULL;

		if (!unit)
			return -ENOMEM;
		if (host_read(s->h, unit, &text, NULL, NULL) < 0)
			continue;
		target = wanted_by(text, e);
		if (!target)
			return STEP_NOTE(s, true, e, "%s does not say what wants it", unit);
		link = str_printf(e, "/etc/systemd/system/%s.wants/%s.service", target, name);
		if (!link)
			return -ENOMEM;
		if (on && host_exists(s->h, link))
			return 0;
		return STEP_CHANGE(s, &kind_link, link, on ? unit : NULL, WHEN_REBOOT, e,
				   on ? "runs at boot, before what needs it"
				      : "the profile does not want it");
	}
	if (!on)
		return 0;
	return STEP_NOTE(s, true, e, "the unit %s.service is not installed", name);
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "services.boot" };
	bool on = p->at_boot == WISH_YES, pages = on && p->huge == WISH_YES;
	struct distro d;
	int r;

	if (p->at_boot == WISH_KEEP)
		return 0;
	r = distro_read(h, &d, e);
	if (r < 0)
		return r;
	if (d.init != INIT_OPENRC && d.init != INIT_SYSTEMD)
		return on ? STEP_NOTE(&s, true, e,
				      "neither OpenRC nor systemd starts services here: run "
				      "'vtune apply --boot' at boot by what does")
			  : 0;
	r = d.init == INIT_OPENRC ? openrc(&s, "hostkit-tune", on, e)
				  : systemd(&s, "hostkit-tune", on, e);
	if (r == 0 && (pages || !on))
		r = d.init == INIT_OPENRC ? openrc(&s, "hostkit-hugepages", on, e)
					  : systemd(&s, "hostkit-hugepages", on, e);
	return r;
}

const struct step step_services_boot = {
	.id = "services.boot",
	.title = "Services at boot",
	.why = "What the kernel forgets over a restart is set again, and huge pages are "
	       "reserved while memory is still in one piece.",
	.plan = plan,
};
