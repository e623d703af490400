/* SPDX-License-Identifier: MIT */
/* -cpu: names are checked here; what host and accelerator can do is seen when the machine is made. */
#include "base/mem.h"
#include "base/str.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/known.h"
#include "emu/options_int.h"

#include <string.h>

static int model_known(const char *name, struct err *e)
{
	const char *s;
	int r;

	for (size_t i = 0; (s = x86_cpuid_model(i)); i++)
		if (!strcmp(s, name))
			return 0;
	r = known_name("-cpu model=", name, e);
	return r < 0 ? r : err_set(e, -EINVAL, "no processor model is called '%s'", name);
}

/* 1: it says what is so anyway. */
static int item_known(const char *text, struct err *e)
{
	bool sign = *text == '+' || *text == '-';
	const char *value = sign ? *text == '+' ? "on" : "off" : "on";
	char name[48];
	size_t n;
	int r;

	text += sign;
	n = strcspn(text, "=");
	if (text[n] && !sign)
		value = text + n + 1;
	if (n >= sizeof(name))
		return 0;
	memcpy(name, text, n);
	name[n] = '\0';
	r = known_key("-cpu", name, value, e);
	if (r)
		return r;
	/* QEMU has older spellings */
	for (char *s = name; *s; s++)
		if (*s == '_')
			*s = '-';
	return known_key("-cpu", name, value, e);
}

int options_cpu(struct parse *p, const char *value, struct err *e)
{
	struct str spec = STR_INIT;
	AUTO_FREE char *copy = NULL, *made = NULL;
	char *rest, *item;
	int r;

	if (!strcmp(value, "help") || !strcmp(value, "?")) {
		*p->ask = OPTIONS_CPUS;
		return 0;
	}
	r = options_string(&copy, value, e);
	if (r < 0)
		return r;
	rest = copy;
	item = strsep(&rest, ",");
	r = model_known(item, e);
	str_add(&spec, item);
	while (r == 0 && (item = strsep(&rest, ","))) {
		r = item_known(item, e);
		if (r == 0) {
			r = x86_cpuid_item(item, e);
			str_addf(&spec, ",%s", item);
		}
		r = r > 0 ? 0 : r;
	}
	if (r < 0) {
		str_free(&spec);
		return err_wrap(e, r, "-cpu %s", value);
	}
	made = str_take(&spec, e);
	return made ? options_string(&p->c->cpu, made, e) : -ENOMEM;
}
