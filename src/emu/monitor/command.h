/* SPDX-License-Identifier: MIT */
/* What a monitor can do, said in words or in JSON. */
#ifndef EMU_MONITOR_COMMAND_H
#define EMU_MONITOR_COMMAND_H

#include "base/str.h"
#include "emu/chardev/chardev.h"
#include "emu/config.h"

#include <jansson.h>

struct machine;
struct qmp;
struct hmp;

#define COMMAND_LINE 1024u

/* Runs a line, its answer is added to @out.  *@cpu: which vCPU is looked at; "cpu" changes it. */
void command_line(struct machine *m, unsigned *cpu, const char *line, struct str *out);

/*
 * A command of QMP.  @args: what it takes, "name:type" between commas, a "?" in front where it may be left
 * out.  @ret: what it returns, a type; "": an empty object.  Types: str, int, bool, any; (a|b): one of
 * these words; [T]: a list; others are in schema.c.
 */
struct command {
	const char *name;
	json_t *(*fn)(struct machine *m, const json_t *args, struct err *e);
	const char *args, *ret;
};

/* NULL past the last. */
const struct command *command_at(unsigned i);
/* -EINVAL, in QEMU's words, where @args are not what @c takes. */
int schema_check(const struct command *c, json_t *args, struct err *e) MUST_CHECK;
/* For query-qmp-schema: all commands and events. */
json_t *schema_all(void);
/* The events that there are; NULL past the last. */
const char *schema_event(unsigned i);

/* Runs @name; the answer for "return", or NULL and a class and text of an error. */
json_t *command_run(struct machine *m, const char *name, json_t *args, const char **class,
		    struct err *e);
json_t *command_version(void);
const char *command_status(const struct machine *m);

/* @chardev is its id; NULL: what it says is thrown away (tests). */
int hmp_new(struct hmp **out, struct machine *m, const char *chardev, struct err *e) MUST_CHECK;
/* What came from a person. */
void hmp_input(void *hmp, const uint8_t *p, size_t n);
void hmp_free(struct hmp *h);

int qmp_new(struct qmp **out, struct machine *m, const char *chardev, bool pretty,
	    struct err *e) MUST_CHECK;
/* What came from a program. */
void qmp_input(void *qmp, const uint8_t *p, size_t n);
void qmp_event(struct qmp *q, const char *name, const char *data);
void qmp_free(struct qmp *q);

#endif
