/* SPDX-License-Identifier: MIT */
/* Changes as people read them. */
#include "base/mem.h"
#include "base/str.h"
#include "tune/cmds.h"
#include "tune/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIFF_LINES = 24 };

const char *show_color(const char *name)
{
	static const struct {
		const char *name, *code;
	} colors[] = {
		{ "bold", "\033[1m" },  { "red", "\033[31m" },    { "green", "\033[32m" },
		{ "cyan", "\033[36m" }, { "yellow", "\033[33m" }, { "off", "\033[0m" },
	};

	for (size_t i = 0; tool_color() && i < ARRAY_SIZE(colors); i++)
		if (!strcmp(colors[i].name, name))
			return colors[i].code;
	return "";
}

const char *show_count(char *buf, size_t size, size_t n, const char *what)
{
	snprintf(buf, size, "%zu %s%s", n, what, n == 1 ? "" : "s");
	return buf;
}

static void add_account(struct str *s, const char *target, const char *to)
{
	const char *name = strchr(target, ':') + 1, *user;

	if (!strncmp(target, "group:", 6)) {
		str_addf(s, "%s the group %s", to ? "add" : "remove", name);
		if (to)
			str_addf(s, " (%s)", to);
	} else if (!strncmp(target, "user:", 5)) {
		str_addf(s, "%s the user %s", to ? "add" : "remove", name);
		if (to)
			str_addf(s, " (%s)", to);
	} else {
		user = strchr(name, ':');
		str_addf(s, "%s %s %s the group %.*s", to ? "put" : "take",
			 user ? user + 1 : name, to ? "into" : "out of",
			 (int)strcspn(name, ":"), name);
	}
}

static void add_path(struct str *s, const struct change *c, const char *from, const char *to)
{
	if (c->kind == &kind_link)
		str_addf(s, to ? "link %s to %s" : "remove the link %s", c->target, to);
	else if (c->kind == &kind_dir)
		str_addf(s, "%s the folder %s", to ? "make" : "remove", c->target);
	else
		str_addf(s, "%s %s", !from ? "create" : to ? "change" : "remove", c->target);
}

/* "set TARGET to VALUE (was OLD)" */
static void add_setting(struct str *s, const char *target, const char *from, const char *to)
{
	str_addf(s, "set %s to %s", target, to ? to : "what it was");
	if (from)
		str_addf(s, " (%s %s)", "was", from);
}

static void add_other(struct str *s, const struct change *c, const char *from, const char *to)
{
	if (c->kind == &kind_module)
		str_addf(s, "%s the module %s", to ? "load" : "unload", c->target);
	else if (c->kind == &kind_mount && to)
		str_addf(s, "mount %s (%s)", c->target, to);
	else if (c->kind == &kind_mount)
		str_addf(s, "unmount %s", c->target);
	else if (c->kind == &kind_package)
		str_addf(s, "%s the package %s", to ? "install" : "remove", c->target);
	else if (c->kind == &kind_regen)
		str_addf(s, "make the %s anew",
			 !strcmp(c->target, "bootloader") ? "boot loader's configuration"
							  : c->target);
	else if (c->kind == &kind_driver)
		str_addf(s, "bind the PCI device %s to %s%s%s", c->target,
			 to ? to : "no driver", from ? ", now " : "", from ? from : "");
	else
		add_setting(s, c->target, from, to);
}

char *show_sentence(const struct change *c, bool back)
{
	const char *from = back ? c->value : c->old_val, *to = back ? c->old_val : c->value;
	struct str s = STR_INIT;

	if (c->kind == &kind_account)
		add_account(&s, c->target, to);
	else if (c->kind == &kind_file || c->kind == &kind_link || c->kind == &kind_dir)
		add_path(&s, c, from, to);
	else
		add_other(&s, c, from, to);
	return str_take(&s, NULL);
}

/* What is not printable is shown as '?': a file may hold anything. */
static void put_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		putchar(c == '\t' || (c >= ' ' && c != 0x7f) ? c : '?');
	}
}

static void diff_line(const char *indent, const char *line, size_t len)
{
	const char *color = *line == '+'   ? show_color("green")
			    : *line == '-' ? show_color("red")
			    : *line == '@' ? show_color("cyan")
					   : "";

	printf("%s%s", indent, color);
	put_plain(line, len);
	printf("%s\n", *color ? show_color("off") : "");
}

void show_diff(const char *indent, const char *path, const char *from, const char *to,
	       size_t max)
{
	AUTO_FREE char *diff = diff_unified(path, from, to, NULL);
	const char *p = diff;
	size_t shown = 0, left = 0;

	/* within a plan the names above say which file it is */
	for (int i = 0; max && p && *p && i < 2; i++)
		p = strchr(p, '\n') + 1;
	for (; p && *p; p += strcspn(p, "\n") + 1) {
		if (max && shown == max)
			left++;
		else
			diff_line(indent, p, strcspn(p, "\n"));
		shown += !left;
	}
	if (left)
		printf("%s... %zu more lines ('vtune diff' shows them)\n", indent, left);
}

static void show_change(const struct change *c)
{
	static const char *const later[] = { "", " (at its next load)",
					     " (from the next login on)", " (after a reboot)" };
	AUTO_FREE char *what = show_sentence(c, false);

	printf("  %s%s %s%s%s\n", c->foreign ? show_color("yellow") : show_color("green"),
	       c->foreign ? "!" : "*", what ? what : c->target, show_color("off"),
	       later[c->when]);
	if (c->reason && *c->reason)
		printf("      %s\n", c->reason);
	if (c->foreign)
		printf("      left alone, for somebody else changed it since vtune did "
		       "(--force)\n");
	if (c->kind == &kind_file)
		show_diff("        ", c->target, c->old_val, c->value, DIFF_LINES);
}

void show_changes(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];
		const struct step *s = step_find(c->step);

		if (!i || strcmp(c->step, p->v[i - 1].step) != 0)
			printf("%s%s%s%s%s%s\n", i ? "\n" : "", show_color("bold"), c->step,
			       show_color("off"), s ? ": " : "", s ? s->title : "");
		show_change(c);
	}
}

void show_notes(const struct plan *p, bool apart)
{
	for (size_t i = 0; i < p->n_notes; i++) {
		const struct note *n = &p->notes[i];

		if (!i)
			printf("%sLeft to you:\n", apart ? "\n" : "");
		printf("  %s%s%s %s: %s\n", show_color(n->blocks ? "yellow" : "cyan"),
		       n->blocks ? "!" : "-", show_color("off"), n->step, n->text);
	}
}

const char *show_but(const struct plan *p)
{
	for (size_t i = 0; i < p->n_notes; i++)
		if (p->notes[i].blocks)
			return ", but for what is left to you";
	return "";
}

void show_when(const struct plan *p, char *buf, size_t size)
{
	static const char *const what[] = { NULL, "a reload", "a new login", "a reboot" };
	size_t count[WHEN_REBOOT + 1] = { 0 }, len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		count[p->v[i].when]++;
	for (int w = WHEN_REBOOT; w > WHEN_NOW; w--) {
		if (!count[w] || len >= size)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%zu %s %s", ", ", count[w],
					count[w] == 1 ? "needs" : "need", what[w]);
	}
}
