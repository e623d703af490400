/* SPDX-License-Identifier: MIT */
#include "hostcheck/check.h"

#include <string.h>

static const char *const verdicts[V_COUNT] = {
	"ok", "info", "warn", "fail", "unknown", "skip"
};

static const struct {
	const char *name, *text;
} remedies[] = {
	[R_NONE] = { NULL, NULL },
	[R_NOW] = { "now", "takes effect at once" },
	[R_RELOAD] = { "reload", "takes effect when the module is loaded anew" },
	[R_RELOGIN] = { "relogin", "takes effect at the next login" },
	[R_REBOOT] = { "reboot", "takes effect after a reboot" },
	[R_FIRMWARE] = { "firmware",
			 "is a setting of the firmware, which no program can change" },
	[R_HARDWARE] = { "hardware", "needs other hardware" },
	[R_ROOT] = { "root", "needs root to be seen" },
};

const char *verdict_name(enum verdict v)
{
	return verdicts[v];
}

int verdict_find(const char *name)
{
	for (int i = 0; i < V_COUNT; i++)
		if (!strcmp(verdicts[i], name))
			return i;
	return -1;
}

const char *remedy_name(enum remedy r)
{
	return remedies[r].name;
}

const char *remedy_text(enum remedy r)
{
	return remedies[r].text;
}

const struct check_group *check_find_group(const char *id)
{
	for (const struct check_group *const *g = check_groups; *g; g++)
		if (!strcmp((*g)->id, id))
			return *g;
	return NULL;
}

const struct check *check_find(const char *id, const struct check_group **group)
{
	for (const struct check_group *const *g = check_groups; *g; g++)
		for (const struct check *c = (*g)->checks; c->id; c++)
			if (!strcmp(c->id, id)) {
				if (group)
					*group = *g;
				return c;
			}
	return NULL;
}
