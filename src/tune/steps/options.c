/* SPDX-License-Identifier: MIT */
#include "tune/steps/options.h"

#include "base/mem.h"
#include "base/str.h"
#include "modules/initramfs.h"
#include "modules/persist.h"

#include <stdlib.h>
#include <string.h>

#define OWN_FOLDER "/etc/modprobe.d/"

static bool whole_number(const char *text, unsigned long long *n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 0);
	return !errno && !*end;
}

enum option_fit option_judge_flag(const struct option_want *w, const char *value)
{
	/* kvm_amd's is an int: letters keep the module from loading.  kvm_intel's is a bool */
	bool number = !strcmp(w->module, "kvm_amd"), on;
	unsigned long long n;

	if (value && whole_number(value, &n) && (number || n < 2))
		on = n != 0;
	else if (number || (value && strlen(value) == 1 && !strchr("yYnN", *value)) ||
		 (value && strlen(value) != 1 && strcmp(value, "on") && strcmp(value, "off")))
		return OPTION_BREAKS;
	else
		on = !value || strchr("yY", *value) || !strcmp(value, "on");
	if (!w->value)
		return OPTION_FITS;
	return on == (*w->value == '1') ? OPTION_FITS : OPTION_DIFFERS;
}

enum option_fit option_judge_least(const struct option_want *w, const char *value)
{
	unsigned long long have, want;

	if (!value || !whole_number(value, &have) || have > 65535)
		return OPTION_BREAKS;
	if (!w->value || !whole_number(w->value, &want))
		return OPTION_FITS;
	return have >= want ? OPTION_FITS : OPTION_DIFFERS;
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

/* Exchanges the value in the line that gives it; 1 if that did it. */
static int mend(const struct stepping *s, const struct option_want *w,
		const struct modprobe_option *o, const char *value, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	int r = step_text(s, o->from->file, &text, e);

	if (r < 0 || !text)
		return r;
	r = persist_mend(text, o->from->line, w->param, value, &fresh, e);
	if (r <= 0)
		return r;
	r = STEP_CHANGE(s, &kind_file, o->from->file, fresh, w->when, e,
			"line %u gives %s the value %s=%s; %s", o->from->line, w->module,
			w->param, o->value ? o->value : "", w->reason);
	return r < 0 ? r : 1;
}

static int own_file(const struct stepping *s, const struct option_want *w, struct err *e)
{
	const struct persist_option option = { w->param, w->value };
	AUTO_FREE char *old = NULL;
	AUTO_FREE char *fresh = NULL;
	char path[PERSIST_PATH_MAX];
	int r = persist_options_path(w->module, path, e);

	if (r == 0)
		r = step_text(s, path, &old, e);
	if (r == 0)
		r = persist_options(old, w->module, &option, 1, &fresh, e);
	if (r <= 0)
		return r;
	return STEP_CHANGE(s, &kind_file, path, fresh, w->when, e, "%s", w->reason);
}

/* One option that does not fit. */
static int settle(const struct stepping *s, const struct option_want *w,
		  const struct modprobe_option *o, bool breaks, struct err *e)
{
	const char *file = o->from->file, *value = w->value ? w->value : w->mended;
	char own[PERSIST_PATH_MAX];
	int r = persist_options_path(w->module, own, e);

	if (r == 0 && !strncmp(file, OWN_FOLDER, strlen(OWN_FOLDER)))
		r = mend(s, w, o, value, e);
	else if (r == 0 && !breaks && strcmp(file, "/proc/cmdline") &&
		 strcmp(base_name(own), base_name(file)) > 0)
		r = (r = own_file(s, w, e)) < 0 ? r : 1;
	if (r)
		return r < 0 ? r : 0;
	if (!strcmp(file, "/proc/cmdline"))
		return STEP_NOTE(s, true, e,
				 "the kernel's command line says %s.%s=%s, which wins over all "
				 "files: change it there",
				 w->module, w->param, o->value ? o->value : "");
	return STEP_NOTE(s, true, e,
			 "%s line %u gives %s the value %s=%s, and cannot be overruled: change "
			 "it there to %s",
			 file, o->from->line, w->module, w->param, o->value ? o->value : "",
			 value);
}

int option_make(const struct stepping *s, const struct modprobe_conf *c,
		const struct option_want *w, struct err *e)
{
	struct modprobe_options all = { 0 };
	bool said = false;
	int r = modprobe_options(c, w->module, &all, e);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct modprobe_option *o = &all.v[i];
		enum option_fit fit;

		if (strcmp(o->param, w->param))
			continue;
		said = true;
		fit = w->judge(w, o->value);
		if (fit == OPTION_BREAKS || (fit == OPTION_DIFFERS && o->final))
			r = settle(s, w, o, fit == OPTION_BREAKS, e);
	}
	modprobe_options_free(&all);
	if (r == 0 && !said && w->value && !w->by_default)
		r = own_file(s, w, e);
	return r;
}

int option_initramfs(const struct stepping *s, size_t from, const struct modules *m,
		     const char *module, struct err *e)
{
	AUTO_MODULE struct module mod = { 0 };
	const struct initramfs_tool *tool;
	bool changed = false;
	int r;

	for (size_t i = from; i < s->plan->n; i++)
		changed = changed ||
			  (s->plan->v[i].kind == &kind_file &&
			   !strncmp(s->plan->v[i].target, OWN_FOLDER, strlen(OWN_FOLDER)));
	if (!changed)
		return 0;
	r = module_get(m, module, &mod, e);
	tool = r == 0 ? initramfs_loads(s->h, &mod) : NULL;
	if (!tool)
		return r;
	return STEP_CHANGE(s, &kind_regen, "initramfs", tool->command, WHEN_REBOOT, e,
			   "the initramfs loads %s and has a copy of its options; %s makes it "
			   "anew",
			   module, tool->command);
}
