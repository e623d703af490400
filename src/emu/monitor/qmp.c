/* SPDX-License-Identifier: MIT */
/* The monitor for programs: QEMU's machine protocol (docs/interop/qmp-spec.txt). */
#include "base/mem.h"
#include "emu/machine.h"
#include "emu/monitor/command.h"
#include "emu/monitor/output.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT 65536u

struct qmp {
	struct machine *m;
	struct output out;
	bool pretty;
	bool ready; /* capabilities were agreed on */
	char buf[INPUT];
	size_t n;
	unsigned depth;
	bool string, escaped, started, garbage;
};

/* Takes @v over. */
static void send(struct qmp *q, json_t *v)
{
	char *text = v ? json_dumps(v, q->pretty ? JSON_INDENT(4) : JSON_COMPACT) : NULL;

	if (text) {
		output_add(&q->out, text, strlen(text));
		output_add(&q->out, "\r\n", 2);
	}
	free(text);
	json_decref(v);
}

static json_t *with_id(json_t *answer, const json_t *request)
{
	json_t *id = json_object_get(request, "id");

	if (answer && id)
		json_object_set(answer, "id", id);
	return answer;
}

static json_t *error(const char *class, const char *desc)
{
	return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", desc);
}

/* What is wrong with a request whatever its command; -EINVAL in @e. */
static int shape(json_t *request, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach(request, key, value)
	{
		if (!strcmp(key, "exec-oob"))
			return err_set(e, -EINVAL, "commands out of band are not supported");
		if (!strcmp(key, "arguments") && !json_is_object(value))
			return err_set(e, -EINVAL,
				       "QMP input member 'arguments' must be an object");
		if (strcmp(key, "execute") != 0 && strcmp(key, "arguments") != 0 &&
		    strcmp(key, "id") != 0)
			return err_set(e, -EINVAL, "QMP input member '%.64s' is unexpected",
				       key);
	}
	return 0;
}

/* The greeting offers no capability, so none can be switched on. */
static json_t *agree(struct qmp *q, const json_t *args, const char **class, struct err *e)
{
	if (q->ready) {
		*class = "CommandNotFound";
		err_set(e, -EINVAL,
			"Capabilities negotiation is already complete, command ignored");
		return NULL;
	}
	if (json_array_size(json_object_get(args, "enable"))) {
		err_set(e, -EINVAL, "no capability can be enabled: none was offered");
		return NULL;
	}
	q->ready = true;
	return json_object();
}

static void execute(struct qmp *q, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "execute"));
	const char *class = "GenericError";
	struct err e = { 0 };
	json_t *r = NULL;

	if (shape(request, &e) < 0) {
		send(q, with_id(error(class, e.msg), request));
		return;
	}
	if (!name) {
		send(q, with_id(error(class, "QMP input lacks member 'execute'"), request));
		return;
	}
	if (!strcmp(name, "qmp_capabilities")) {
		r = agree(q, json_object_get(request, "arguments"), &class, &e);
	} else if (!q->ready) {
		class = "CommandNotFound";
		err_set(&e, -EINVAL,
			"Expecting capabilities negotiation with 'qmp_capabilities'");
	} else {
		r = command_run(q->m, name, json_object_get(request, "arguments"), &class, &e);
	}
	send(q, with_id(r ? json_pack("{s:o}", "return", r) : error(class, e.msg), request));
}

static void parse(struct qmp *q, size_t len)
{
	json_t *v = json_loadb(q->buf, len, 0, NULL);

	if (json_is_object(v))
		execute(q, v);
	else
		send(q, error("GenericError", "Invalid JSON syntax"));
	json_decref(v);
}

/* One byte more of what may become an object.  True: it is whole. */
static bool whole(struct qmp *q, char c)
{
	if (q->string) {
		if (q->escaped)
			q->escaped = false;
		else if (c == '\\')
			q->escaped = true;
		else if (c == '"')
			q->string = false;
		return false;
	}
	if (c == '"') {
		q->string = true;
	} else if (c == '{' || c == '[') {
		q->depth++;
		q->started = true;
	} else if ((c == '}' || c == ']') && q->depth) {
		q->depth--;
	}
	return q->started && !q->depth;
}

static void forget(struct qmp *q)
{
	q->n = 0;
	q->depth = 0;
	q->string = q->escaped = q->started = q->garbage = false;
}

static size_t room(void *arg)
{
	struct qmp *q = arg;

	return output_idle(&q->out) ? INPUT - q->n : 0;
}

void qmp_input(void *arg, const uint8_t *p, size_t n)
{
	struct qmp *q = arg;

	for (size_t i = 0; i < n; i++) {
		char c = (char)p[i];

		if (!q->started && c != '{') {
			/* one word about it, however much it is */
			if (!q->garbage && !strchr(" \t\r\n", c))
				send(q, error("GenericError", "Invalid JSON syntax"));
			q->garbage |= !strchr(" \t\r\n", c);
			continue;
		}
		q->garbage = false;
		q->buf[q->n++] = c;
		if (whole(q, c)) {
			parse(q, q->n);
			forget(q);
		} else if (q->n == INPUT) {
			send(q, error("GenericError", "JSON input is too long"));
			forget(q);
		}
	}
}

static void connected(void *arg, bool there)
{
	struct qmp *q = arg;

	forget(q);
	q->ready = false;
	if (!there)
		output_forget(&q->out);
	else
		send(q, json_pack("{s:{s:o, s:[]}}", "QMP", "version", command_version(),
				  "capabilities"));
}

void qmp_event(struct qmp *q, const char *name, const char *data)
{
	struct timespec t;
	json_t *v;

	if (!q || !q->ready)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	v = json_pack("{s:{s:I, s:I}, s:s}", "timestamp", "seconds", (json_int_t)t.tv_sec,
		      "microseconds", (json_int_t)(t.tv_nsec / 1000), "event", name);
	if (v && data)
		json_object_set_new(v, "data", json_loads(data, 0, NULL));
	send(q, v);
}

static void drained(void *arg)
{
	struct qmp *q = arg;

	output_drained(&q->out);
}

int qmp_new(struct qmp **out, struct machine *m, const char *chardev, bool pretty,
	    struct err *e)
{
	struct qmp *q = mem_zalloc(1, sizeof(*q), e);
	const struct chardev_user u = { .room = room,
					.input = qmp_input,
					.drained = drained,
					.connected = connected,
					.arg = q };
	int r;

	if (!q)
		return -ENOMEM;
	q->m = m;
	q->pretty = pretty;
	q->out.c = chardevs_find(m->chardevs, chardev);
	r = chardev ? chardev_use(q->out.c, chardev, &u, e) : 0;
	if (r < 0) {
		free(q);
		return r;
	}
	*out = q;
	return 0;
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	chardev_leave(q->out.c, q);
	output_forget(&q->out);
	free(q);
}
