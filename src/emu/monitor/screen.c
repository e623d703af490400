/* SPDX-License-Identifier: MIT */
#include "emu/monitor/screen.h"

#include "base/mem.h"
#include "emu/display/dump.h"
#include "emu/machine.h"

#include <stdlib.h>
#include <string.h>

static int format_of(const char *s, enum dump_format *out, struct err *e)
{
	if (strcmp(s, "ppm") != 0 && strcmp(s, "png") != 0)
		return err_set(e, -EINVAL, "'%s' is no format of pictures; ppm and png are", s);
	*out = !strcmp(s, "png") ? DUMP_PNG : DUMP_PPM;
	return 0;
}

/* The next word of @arg, which is cut into pieces. */
static char *word(char **arg)
{
	char *s = *arg + strspn(*arg, " "), *end = s + strcspn(s, " ");

	*arg = *end ? end + 1 : end;
	*end = '\0';
	return s;
}

void screen_dump(struct machine *m, const char *arg, struct str *out)
{
	enum dump_format f = DUMP_PPM;
	struct err e = { 0 };
	AUTO_FREE char *copy = mem_strdup(arg, &e);
	char *rest = copy, *file = NULL, *s;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && *(s = word(&rest)))
		if (!strcmp(s, "-f"))
			r = format_of(word(&rest), &f, &e);
		else if (!file)
			file = s;
		else
			r = err_set(&e, -EINVAL, "'%s': one file, and -f with its format", s);
	if (r == 0 && !file)
		r = err_set(&e, -EINVAL, "screendump FILE [-f ppm|png]");
	if (r == 0)
		r = display_dump(&m->display, file, f, &e);
	if (r < 0)
		str_addf(out, "%s\n", e.msg);
}

json_t *screen_dump_json(struct machine *m, const json_t *args, struct err *e)
{
	const char *file = json_string_value(json_object_get(args, "filename"));
	const char *format = json_string_value(json_object_get(args, "format"));
	enum dump_format f = DUMP_PPM;
	int r = format ? format_of(format, &f, e) : 0;

	if (!file)
		r = err_set(e, -EINVAL, "Parameter 'filename' is missing");
	else if (json_object_get(args, "device"))
		r = err_set(e, -ENOTSUP, "device= is not supported: the first screen is shown");
	if (r == 0)
		r = display_dump(&m->display, file, f, e);
	return r < 0 ? NULL : json_object();
}
