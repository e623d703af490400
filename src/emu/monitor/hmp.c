/* SPDX-License-Identifier: MIT */
/* The monitor for people: a line, its answer, a prompt. */
#include "base/mem.h"
#include "emu/machine.h"
#include "emu/monitor/command.h"
#include "emu/monitor/output.h"

#include <stdlib.h>
#include <string.h>

#define LINE   COMMAND_LINE
#define PROMPT "(vemu) "

struct hmp {
	struct machine *m;
	struct output out;
	bool greeted;
	unsigned cpu; /* that is looked at */
	char line[LINE];
	size_t n;
};

static void say(struct hmp *h, const char *s, size_t n)
{
	size_t from = 0;

	/* lines end as a terminal in raw mode wants it */
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\n')
			continue;
		output_add(&h->out, s + from, i - from);
		output_add(&h->out, "\r\n", 2);
		from = i + 1;
	}
	output_add(&h->out, s + from, n - from);
}

static void prompt(struct hmp *h)
{
	say(h, PROMPT, strlen(PROMPT));
}

static void run(struct hmp *h)
{
	struct str out = STR_INIT;

	h->line[h->n] = '\0';
	h->n = 0;
	say(h, "\n", 1);
	command_line(h->m, &h->cpu, h->line, &out);
	if (out.s && !out.failed)
		say(h, out.s, out.len);
	str_free(&out);
	prompt(h);
}

static size_t room(void *arg)
{
	struct hmp *h = arg;

	return output_idle(&h->out) ? 1 : 0;
}

void hmp_input(void *arg, const uint8_t *p, size_t n)
{
	struct hmp *h = arg;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' || p[i] == '\n') {
			run(h);
		} else if (p[i] == 0x7f || p[i] == 8) {
			if (h->n) {
				h->n--;
				say(h, "\b \b", 3);
			}
		} else if (p[i] == 0x15) { /* C-u */
			for (; h->n; h->n--)
				say(h, "\b \b", 3);
		} else if (p[i] >= ' ' && h->n < LINE - 1) {
			h->line[h->n++] = (char)p[i];
			output_add(&h->out, (const char *)p + i, 1);
		}
	}
}

static void connected(void *arg, bool there)
{
	struct hmp *h = arg;

	h->n = 0;
	h->greeted = false;
	if (!there)
		output_forget(&h->out);
}

static void focus(void *arg)
{
	static const char hello[] = "vemu " VERSION " monitor, 'help' lists the commands\n";
	struct hmp *h = arg;

	say(h, "\n", 1);
	if (!h->greeted)
		say(h, hello, sizeof(hello) - 1);
	h->greeted = true;
	prompt(h);
	say(h, h->line, h->n);
}

static void drained(void *arg)
{
	struct hmp *h = arg;

	output_drained(&h->out);
}

int hmp_new(struct hmp **out, struct machine *m, const char *chardev, struct err *e)
{
	struct hmp *h = mem_zalloc(1, sizeof(*h), e);
	const struct chardev_user u = { .room = room,
					.input = hmp_input,
					.drained = drained,
					.connected = connected,
					.focus = focus,
					.arg = h };
	int r;

	if (!h)
		return -ENOMEM;
	h->m = m;
	h->out.c = chardevs_find(m->chardevs, chardev);
	r = chardev ? chardev_use(h->out.c, chardev, &u, e) : 0;
	if (r < 0) {
		free(h);
		return r;
	}
	*out = h;
	return 0;
}

void hmp_free(struct hmp *h)
{
	if (!h)
		return;
	chardev_leave(h->out.c, h);
	output_forget(&h->out);
	free(h);
}
