/* SPDX-License-Identifier: MIT */
/* Packages that the profile names.  Repositories are never written: what is configured there,
 * with its pins and mirrors, is the administrator's. */
#include "base/str.h"
#include "tune/steps/step.h"

#include <stdlib.h>

static int each(const struct stepping *s, const struct names *list, struct str *missing,
		struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		char *now = NULL;

		if (s->p->install == WISH_YES) {
			r = STEP_CHANGE(s, &kind_package, list->v[i], "installed", WHEN_NOW, e,
					"the profile asks for it");
			continue;
		}
		r = plan_value(s->plan, s->h, &kind_package, list->v[i], &now, e);
		if (r == 0 && !now)
			str_addf(missing, " %s", list->v[i]);
		free(now);
	}
	return r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "packages" };
	struct str missing = STR_INIT;
	struct distro d;
	int r;

	if (!p->pkg_any.n && !p->pkg_alpine.n && !p->pkg_debian.n)
		return 0;
	r = distro_read(h, &d, e);
	if (r < 0)
		return r;
	if (d.packages != PACKAGES_APK && d.packages != PACKAGES_APT)
		return STEP_NOTE(&s, true, e,
				 "packages: neither apk nor apt is here; install what the "
				 "profile lists by hand");
	r = each(&s, &p->pkg_any, &missing, e);
	if (r == 0)
		r = each(&s, d.packages == PACKAGES_APK ? &p->pkg_alpine : &p->pkg_debian,
			 &missing, e);
	if (r == 0 && missing.len)
		r = STEP_NOTE(&s, true, e, "not installed:%s; run '%s%s' or say install = yes",
			      missing.s,
			      d.packages == PACKAGES_APK ? "apk add" : "apt-get install",
			      missing.s);
	str_free(&missing);
	return r;
}

const struct step step_packages = {
	.id = "packages",
	.title = "Packages",
	.why = "Guests need an emulator and its firmware; they come from the distribution, and "
	       "its list of repositories is left alone.",
	.plan = plan,
};
