/* SPDX-License-Identifier: MIT */
/*
 * Libraries that only some commands need.  They are not linked to: a program that does not
 * use them shall not wait until they and all that they need are loaded.  They are opened at
 * first use, and their functions called through a table with the types of their headers.
 *
 *	#define CALLS(X, t) X(t, foo_open) X(t, foo_close)
 *	struct foo { CALLS(LIB_MEMBER, ) };
 *	static const struct lib_call calls[] = { CALLS(LIB_CALL, struct foo) };
 *	static const struct lib lib = {
 *		.name = "libfoo", .sonames = { "libfoo.so.1" }, .package = "libfoo1",
 *		.calls = calls, .n = ARRAY_SIZE(calls),
 *	};
 *	struct foo foo;
 *	int r = lib_load(&lib, &foo, e);     // then foo.foo_open(...)
 *
 * The table belongs to the caller.  A library stays until the process ends: what it has
 * registered elsewhere (threads, handlers) would be left pointing at nothing.
 */
#ifndef BASE_LIB_H
#define BASE_LIB_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { LIB_SONAMES = 4 };

struct lib_call {
	const char *name;
	size_t at; /* of the pointer in the table */
};

struct lib {
	const char *name;                 /* as messages call it */
	const char *sonames[LIB_SONAMES]; /* the first that is there; NULLs end them */
	const char *package;              /* what to install: "libfoo1 (Alpine: libfoo)" */
	const struct lib_call *calls;
	size_t n;
};

/* A member of the table, and what tells lib_load of it. */
#define LIB_MEMBER(table, f) __typeof__(f) *f;
#define LIB_CALL(table, f)   { #f, offsetof(table, f) },

/* Fills @table; any thread.  -ENOTSUP: it is not installed, lacks a function (which the message
 * names), or this program is linked statically and cannot load anything. */
int lib_load(const struct lib *lib, void *table, struct err *e) MUST_CHECK;

#endif
