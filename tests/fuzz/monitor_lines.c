/* SPDX-License-Identifier: MIT */
/* Whatever a person types: each line is answered, then there is a prompt, and what is said is text. */
#include "emu/monitor/command.h"
#include "tests/lib/monrig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char prompt[] = "(vemu) ";
	struct machine *m = monrig();
	const char *text;
	struct hmp *h;
	size_t n;

	/* what it writes to where it listens is no answer; and interfaces are the host's */
	if (memmem(data, len, "ringbuf", 7) || memmem(data, len, "tap", 3) ||
	    memmem(data, len, "bridge", 6))
		return 0;
	must(hmp_new(&h, m, "r", NULL) == 0);
	hmp_input(h, data, len);
	hmp_input(h, (const uint8_t *)"\x15\rcpu 0\r", 8);
	hmp_free(h);
	text = monrig_heard(m, &n);
	must(n >= sizeof(prompt) - 1 && !strcmp(text + n - (sizeof(prompt) - 1), prompt));
	must(strlen(text) == n);
	machine_stop(m);
	monrig_clean(m);
	return 0;
}
