/* SPDX-License-Identifier: MIT */
/* Several users of one chardev, and the keys that are its own. */
#include "base/str.h"
#include "emu/chardev/chardev_int.h"

#include <stdio.h>
#include <string.h>

#define ESCAPE 1u /* C-a */

static uint8_t escape_key(const struct chardev *c)
{
	return c->env->escape ? c->env->escape : ESCAPE;
}

static void say(struct chardev *c, const char *text)
{
	chardev_write(c, text, strlen(text));
}

static void next(struct chardev *c)
{
	const struct chardev_user *u;
	unsigned i = c->focus;

	do
		i = (i + 1) % CHARDEV_FRONTS;
	while (!c->front[i].used && i != c->focus);
	c->focus = i;
	u = &c->front[i].u;
	if (u->focus)
		u->focus(u->arg);
	else
		say(c, "\r\n");
}

static void help(struct chardev *c)
{
	uint8_t key = escape_key(c);
	struct str s = STR_INIT;
	char name[8];

	if (key >= 1 && key <= 26)
		snprintf(name, sizeof(name), "C-%c", 'a' + key - 1);
	else
		snprintf(name, sizeof(name), "%c", key);
	str_addf(&s, "\r\n%s h  these keys\r\n%s x  end the machine\r\n", name, name);
	if (c->env->commit)
		str_addf(&s, "%s s  write what snapshots hold into their images\r\n", name);
	str_addf(&s,
		 "%s b  send a break\r\n%s c  switch between the console and the monitor\r\n"
		 "%s %s  send %s\r\n",
		 name, name, name, name, name);
	if (s.s && !s.failed)
		say(c, s.s);
	str_free(&s);
}

static void hold(struct chardev *c, uint8_t key)
{
	struct chardev_front *f = &c->front[c->focus];

	if (f->n < CHARDEV_HELD)
		f->held[f->n++] = key;
}

static void escaped(struct chardev *c, uint8_t key)
{
	const struct chardev_user *u = &c->front[c->focus].u;

	if (key == escape_key(c)) {
		hold(c, key);
		return;
	}
	switch (key) {
	case 'x':
		if (c->env->quit)
			c->env->quit(c->env->arg);
		break;
	case 's':
		if (c->env->commit)
			c->env->commit(c->env->arg);
		break;
	case 'c':
		next(c);
		break;
	case 'b':
		if (u->brk)
			u->brk(u->arg);
		break;
	case 'h':
	case '?':
		help(c);
		break;
	default:
		break;
	}
}

size_t mux_room(struct chardev *c)
{
	return CHARDEV_HELD - c->front[c->focus].n;
}

void mux_deliver(struct chardev *c)
{
	struct chardev_front *f = &c->front[c->focus];

	while (f->used && f->n) {
		size_t n = f->u.room(f->u.arg);

		if (n > f->n)
			n = f->n;
		if (!n)
			return;
		f->n -= n;
		f->u.input(f->u.arg, f->held, n);
		memmove(f->held, f->held + n, f->n);
	}
}

void mux_input(struct chardev *c, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c->escaped) {
			c->escaped = false;
			/* what was typed before the key comes before what it does */
			mux_deliver(c);
			escaped(c, p[i]);
		} else if (p[i] == escape_key(c)) {
			c->escaped = true;
		} else {
			hold(c, p[i]);
		}
	}
	mux_deliver(c);
}
