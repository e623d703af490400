/* SPDX-License-Identifier: MIT */
/*
 * Parameters of a module: their types as the module itself declares them ("parmtype"), their
 * values as they are in /sys/module/NAME/parameters, and whether a value suits the type.
 * The kernel refuses to load a module that is given a value of the wrong type, and drops
 * an option that it does not know with a line in its log: both must be found before.
 */
#ifndef MODULES_PARAMS_H
#define MODULES_PARAMS_H

#include "base/err.h"
#include "modules/module.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum param_type {
	PARAM_OTHER, /* a type of the module's own, or not known: any value passes */
	PARAM_BOOL,  /* y n 1 0 on off; shown as Y or N */
	PARAM_INVBOOL,
	PARAM_BINT, /* taken as bool, kept as int */
	PARAM_BYTE,
	PARAM_SHORT,
	PARAM_USHORT,
	PARAM_INT,
	PARAM_UINT,
	PARAM_LONG, /* of 64 bits; on a 32-bit kernel it may refuse what passes here */
	PARAM_ULONG,
	PARAM_ULLONG,
	PARAM_TEXT, /* charp, string */
};

struct param {
	char *name;
	enum param_type type;
	bool array;      /* values separated by commas */
	char *type_text; /* "array of int"; "" where it is not known */
	char *about;     /* what the module says of it, or NULL */
	bool in_sysfs;   /* while the module runs its value can be seen */
	uint32_t mode;   /* of the file in /sys; a writable one can be changed at run time */
	char *value;     /* live, or NULL: not loaded, not shown, not readable by us */
};

struct params {
	struct param *v; /* by name */
	size_t n;
	/* The module's declarations were read: a name that is not in @v does not exist. */
	bool complete;
};

/* -ENOENT: no such module.  params_free(). */
int params_get(const struct modules *m, const char *module, struct params *out, struct err *e)
	MUST_CHECK;
void params_free(struct params *p);
#define AUTO_PARAMS CLEANUP(params_free)

/* NULL: there is none of this name; dashes and underscores are the same. */
const struct param *params_find(const struct params *p, const char *name);

/* Whether @value (NULL: the name stood alone, for bool the same as "y") is one that the type
 * takes.  -EINVAL or -ERANGE with the reason. */
int param_check(const struct param *p, const char *value, struct err *e) MUST_CHECK;
/* The same to the module: "1", "y" and "Y" of a bool, "16" and "0x10" of an int.  What does not
 * suit the type is the same as nothing. */
bool param_same(const struct param *p, const char *a, const char *b);

/* Of a "parmtype" as modinfo shows it. */
enum param_type param_type_parse(const char *text, bool *array);

/* Checks NAME=VALUE against module @module: unknown names and wrong types are -EINVAL, with
 * the names that there are. Where the declarations cannot be read, everything passes. */
int params_check(const struct params *p, const char *module, const char *name,
		 const char *value, struct err *e) MUST_CHECK;

#endif
