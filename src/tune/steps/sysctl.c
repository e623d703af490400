/* SPDX-License-Identifier: MIT */
/* Kernel variables: a file of our own for the next boot, and the live values. */
#include "base/mem.h"
#include "base/str.h"
#include "host/sysctl_conf.h"
#include "tune/steps/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_NAME "60-hostkit.conf"
#define OWN      "/etc/sysctl.d/" OWN_NAME

/* A file that is read behind ours. */
static bool later(const char *file)
{
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	return !strcmp(file, "/etc/sysctl.conf") || strcmp(base, OWN_NAME) > 0;
}

static int one(const struct stepping *s, const struct sysctl_conf *c, const char *name,
	       const char *value, struct str *text, struct err *e)
{
	AUTO_FREE char *key = sysctl_path(name, e);
	AUTO_FREE char *path = key ? str_printf(e, "/proc/sys/%s", key) : NULL;
	const struct sysctl_line *set = sysctl_conf_find(c, name);
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (host_has_kernel(s->h) && !host_exists(s->h, path))
		return STEP_NOTE(s, true, e, "this kernel has no %s", name);
	str_addf(text, "%s = %s\n", name, value);
	if (set && later(set->file) && !sysctl_same_value(set->value, value))
		r = STEP_NOTE(s, true, e,
			      "%s line %u sets %s = %s and is read later: at boot that counts",
			      set->file, set->line, name, set->value);
	if (r == 0 && host_has_kernel(s->h))
		r = STEP_CHANGE(s, &kind_sysctl, name, value, WHEN_NOW, e,
				"the profile asks for it");
	return r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "kernel.sysctl" };
	struct sysctl_conf c = { 0 };
	struct str text = STR_INIT;
	AUTO_FREE char *own = NULL;
	char number[24];
	size_t head;
	int r;

	if (p->swappiness < 0 && !p->n_sysctls)
		return 0;
	r = sysctl_conf_read(h, &c, e);
	str_add(&text, "# Written by vtune from its profile.\n");
	head = text.len;
	snprintf(number, sizeof(number), "%lld", (long long)p->swappiness);
	if (r == 0 && p->swappiness >= 0)
		r = one(&s, &c, "vm.swappiness", number, &text, e);
	for (size_t i = 0; r == 0 && i < p->n_sysctls; i++)
		r = one(&s, &c, p->sysctls[i].name, p->sysctls[i].value, &text, e);
	if (r == 0 && text.len > head) {
		own = str_take(&text, e);
		r = own ? STEP_CHANGE(&s, &kind_file, OWN, own, WHEN_REBOOT, e,
				      "the same at the next boot")
			: -ENOMEM;
	}
	str_free(&text);
	sysctl_conf_free(&c);
	return r;
}

const struct step step_kernel_sysctl = {
	.id = "kernel.sysctl",
	.title = "Kernel variables",
	.why = "Values of /proc/sys that suit a host of guests, now and at the next boot.",
	.plan = plan,
};
