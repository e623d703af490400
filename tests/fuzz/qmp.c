/* SPDX-License-Identifier: MIT */
/* Whatever comes from a program: each thing said to it is a JSON object of QMP's, an answer is a return
 * or an error, and the machine is still one. */
#include "emu/monitor/command.h"
#include "tests/lib/monrig.h"

static void check(const char *s, size_t n)
{
	while (n) {
		json_error_t where;
		json_t *v = json_loadb(s, n, JSON_DISABLE_EOF_CHECK, &where);

		must(json_is_object(v));
		must(json_object_get(v, "QMP") || json_object_get(v, "event") ||
		     json_object_get(v, "return") ||
		     (json_is_string(json_object_get(json_object_get(v, "error"), "class")) &&
		      json_is_string(json_object_get(json_object_get(v, "error"), "desc"))));
		must(where.position > 0 && (size_t)where.position <= n);
		s += where.position;
		n -= (size_t)where.position;
		while (n && (*s == '\r' || *s == '\n')) {
			s++;
			n--;
		}
		json_decref(v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct machine *m = monrig();
	const char *text;
	struct qmp *q;
	size_t n;

	/* what it writes to where it listens is no answer; and interfaces are the host's */
	if (memmem(data, len, "ringbuf", 7) || memmem(data, len, "tap", 3) ||
	    memmem(data, len, "bridge", 6))
		return 0;
	must(qmp_new(&q, m, "r", false, NULL) == 0);
	qmp_input(q, data, len);
	qmp_event(q, "STOP", NULL);
	qmp_free(q);
	text = monrig_heard(m, &n);
	/* what did not fit is cut at its front */
	if (n < MONRIG_ANSWER)
		check(text, n);
	must(m->vcpus == 2 && m->config->chardevs == 2);
	machine_stop(m);
	monrig_clean(m);
	return 0;
}
