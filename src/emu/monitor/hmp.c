/* SPDX-License-Identifier: MIT */
/* The monitor for people: a line, its answer, a prompt. */
#include "base/mem.h"
#include "emu/chardev/chardev.h"
#include "emu/monitor/command.h"

#include <stdlib.h>
#include <string.h>

#define LINE   1024u
#define PROMPT "(vemu) "

struct hmp {
	struct machine *m;
	struct chardev *c;
	char line[LINE];
	size_t n;
};

static void say(struct hmp *h, const char *s, size_t n)
{
	/* lines end as a terminal in raw mode wants it */
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			chardev_write(h->c, "\r", 1);
		chardev_write(h->c, s + i, 1);
	}
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
	command_line(h->m, h->line, &out);
	if (out.s && !out.failed)
		say(h, out.s, out.len);
	str_free(&out);
	prompt(h);
}

static size_t room(void *arg)
{
	(void)arg;
	return LINE;
}

static void input(void *arg, const uint8_t *p, size_t n)
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
			chardev_write(h->c, p + i, 1);
		}
	}
}

static void connected(void *arg, bool there)
{
	struct hmp *h = arg;

	h->n = 0;
	if (!there)
		return;
	say(h, "\nvemu " VERSION " monitor, 'help' lists the commands\n",
	    strlen("\nvemu " VERSION " monitor, 'help' lists the commands\n"));
	prompt(h);
}

void hmp_user(struct hmp *h, struct chardev_user *u)
{
	*u = (struct chardev_user){
		.room = room, .input = input, .connected = connected, .arg = h
	};
}

int hmp_new(struct hmp **out, struct machine *m, struct chardev *c, struct err *e)
{
	struct hmp *h = mem_zalloc(1, sizeof(*h), e);

	if (!h)
		return -ENOMEM;
	h->m = m;
	h->c = c;
	*out = h;
	return 0;
}

void hmp_free(struct hmp *h)
{
	free(h);
}
