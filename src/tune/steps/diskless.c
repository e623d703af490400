/* SPDX-License-Identifier: MIT */
/* Alpine that runs from memory: what is written is lost unless it is committed. */
#include "host/diskless.h"

#include "base/str.h"
#include "tune/steps/step.h"

#include <string.h>

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "host.diskless" };
	struct str more = STR_INIT;
	struct diskless d;
	bool files = false;
	int r;

	if (!host_has_kernel(h) || diskless_read(h, &d, NULL) < 0 ||
	    d.root_in_memory != TRI_YES || !d.has_lbu)
		return 0;
	for (size_t i = 0; i < out->n; i++) {
		const struct change *c = &out->v[i];

		if (c->kind != &kind_file && c->kind != &kind_link && c->kind != &kind_attr)
			continue;
		if (!strncmp(c->target, "/dev/", 5) || !strncmp(c->target, "/sys/", 5))
			continue;
		files = true;
		/* lbu keeps /etc by itself */
		if (strncmp(c->target, "/etc/", 5) && more.len < 400)
			str_addf(&more, " %s", c->target);
	}
	if (!files)
		return 0;
	r = STEP_NOTE(
		&s, true, e,
		"this Alpine runs from memory: 'lbu include /var/lib/hostkit%s' once, and "
		"'lbu commit' after each apply, or all of it is gone at the next boot",
		more.len ? more.s : "");
	str_free(&more);
	return r;
}

const struct step step_host_diskless = {
	.id = "host.diskless",
	.title = "Alpine that runs from memory",
	.why = "What is written below / is lost at the next boot unless 'lbu commit' writes it "
	       "to the boot medium.",
	.plan = plan,
};
