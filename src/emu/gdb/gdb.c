/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "emu/gdb/gdb_int.h"
#include "emu/gdb/regs.h"
#include "emu/monitor/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- packets ---- */

static void out(struct gdb *g, const char *p, size_t n)
{
	if (g->c)
		chardev_write(g->c, p, n);
}

void gdb_send(struct gdb *g, const char *s, size_t n)
{
	uint8_t sum = 0;
	char end[4];

	out(g, "$", 1);
	for (size_t i = 0; i < n; i++) {
		char c = s[i], esc[2] = { '}', (char)(c ^ 0x20) };

		if (strchr("$#}*", c) && c) {
			out(g, esc, 2);
			sum = (uint8_t)(sum + (uint8_t)esc[0] + (uint8_t)esc[1]);
		} else {
			out(g, &c, 1);
			sum = (uint8_t)(sum + (uint8_t)c);
		}
	}
	snprintf(end, sizeof(end), "#%02x", sum);
	out(g, end, 3);
}

void gdb_say(struct gdb *g, const char *s)
{
	gdb_send(g, s, strlen(s));
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool gdb_hex(const char **p, uint64_t *v)
{
	const char *s = *p;

	*v = 0;
	for (; digit(*s) >= 0; s++)
		*v = *v << 4 | (unsigned)digit(*s);
	if (s == *p)
		return false;
	*p = s;
	return true;
}

void gdb_add_hex(struct str *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(s, "%02x", p[i]);
}

int gdb_bytes(const char *p, uint8_t *to, size_t max)
{
	size_t n = 0;

	for (; n < max && *p; n++, p += 2) {
		if (digit(p[0]) < 0 || digit(p[1]) < 0)
			return -1;
		to[n] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
	}
	return (int)n;
}

/* ---- queries ---- */

/* Part "OFFSET,LENGTH" of @text: m where more follows, else l. */
static void part(struct gdb *g, const struct str *text, const char *p)
{
	struct str s = STR_INIT;
	uint64_t off, len;

	if (!gdb_hex(&p, &off) || *p++ != ',' || !gdb_hex(&p, &len) || text->failed) {
		gdb_say(g, "E16");
		return;
	}
	if (off > text->len)
		off = text->len;
	if (len > GDB_PACKET / 2)
		len = GDB_PACKET / 2;
	if (len > text->len - off)
		len = text->len - off;
	str_add(&s, off + len < text->len ? "m" : "l");
	str_addn(&s, text->s + off, (size_t)len);
	if (!s.failed)
		gdb_send(g, s.s, s.len);
	str_free(&s);
}

static void features(struct gdb *g, const char *p)
{
	struct str s = STR_INIT;

	regs_xml(g->wide, &s);
	part(g, &s, p);
	str_free(&s);
}

/* "monitor COMMAND": as at the monitor for people. */
static void remote_command(struct gdb *g, const char *p)
{
	char line[512] = "";
	struct str answer = STR_INIT, hex = STR_INIT;
	int n = gdb_bytes(p, (uint8_t *)line, sizeof(line) - 1);

	if (n < 0) {
		gdb_say(g, "E16");
		return;
	}
	command_line(g->m, &g->look, line, &answer);
	gdb_add_hex(&hex, (const uint8_t *)(answer.s ? answer.s : ""), answer.len);
	if (answer.failed || hex.failed || !hex.len)
		gdb_say(g, "OK");
	else
		gdb_send(g, hex.s, hex.len);
	str_free(&answer);
	str_free(&hex);
}

static void threads(struct gdb *g)
{
	char text[32] = "l";

	if (g->next < g->m->vcpus)
		snprintf(text, sizeof(text), "m%x", ++g->next);
	gdb_say(g, text);
}

static void about_thread(struct gdb *g, const char *p)
{
	struct str s = STR_INIT, hex = STR_INIT;
	uint64_t n;

	if (!gdb_hex(&p, &n) || !n || n > g->m->vcpus) {
		gdb_say(g, "E16");
		return;
	}
	str_addf(&s, "vCPU %u%s", (unsigned)n - 1,
		 atomic_load(&g->m->vcpu[n - 1].halted) ? ", halted" : "");
	if (s.s)
		gdb_add_hex(&hex, (const uint8_t *)s.s, s.len);
	gdb_say(g, hex.s ? hex.s : "");
	str_free(&s);
	str_free(&hex);
}

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? NULL : s + n;
}

static void query(struct gdb *g, const char *p)
{
	const char *rest;
	char text[96];

	if (after(p, "Supported")) {
		/* the description is of what the guest runs now, and stays */
		g->wide = x86_long(g->m->vcpu[g->look].x86);
		snprintf(text, sizeof(text),
			 "PacketSize=%x;qXfer:features:read+;vContSupported+;"
			 "QStartNoAckMode+",
			 GDB_PACKET - 1);
		gdb_say(g, text);
	} else if ((rest = after(p, "Xfer:features:read:target.xml:"))) {
		features(g, rest);
	} else if (!strcmp(p, "fThreadInfo")) {
		g->next = 0;
		threads(g);
	} else if (!strcmp(p, "sThreadInfo")) {
		threads(g);
	} else if ((rest = after(p, "ThreadExtraInfo,"))) {
		about_thread(g, rest);
	} else if (!strcmp(p, "C")) {
		snprintf(text, sizeof(text), "QC%x", g->look + 1);
		gdb_say(g, text);
	} else if (!strcmp(p, "Attached")) {
		gdb_say(g, "1");
	} else if ((rest = after(p, "Rcmd,"))) {
		remote_command(g, rest);
	} else {
		gdb_say(g, "");
	}
}

/* H: which thread is looked at; 0 and -1: any. */
static void choose(struct gdb *g, const char *p)
{
	uint64_t n = 0;

	if (*p)
		p++;
	if (*p != '-' && !gdb_hex(&p, &n)) {
		gdb_say(g, "E16");
		return;
	}
	if (n > g->m->vcpus) {
		gdb_say(g, "E03");
		return;
	}
	if (n)
		g->look = (unsigned)n - 1;
	gdb_say(g, "OK");
}

static void alive(struct gdb *g, const char *p)
{
	uint64_t n;

	gdb_say(g, gdb_hex(&p, &n) && n && n <= g->m->vcpus ? "OK" : "E03");
}

/* C and S have a signal first: "05;ADDRESS". */
static const char *skip_signal(const char *p)
{
	p += strcspn(p, ";");
	return *p ? p + 1 : p;
}

static void words(struct gdb *g, const char *p)
{
	if (!strcmp(p, "Cont?"))
		gdb_say(g, "vCont;c;C;s;S");
	else if (after(p, "Cont;"))
		gdb_vcont(g, p + 4);
	else if (after(p, "Kill")) {
		gdb_say(g, "OK");
		machine_request(g->m, MACHINE_QUIT, NULL);
	} else
		gdb_say(g, "");
}

static void packet(struct gdb *g, const char *p, size_t n)
{
	switch (*p++) {
	case '?':
		gdb_status(g);
		break;
	case 'g':
		gdb_all_registers(g);
		break;
	case 'G':
		gdb_set_all(g, p);
		break;
	case 'p':
		gdb_register(g, p);
		break;
	case 'P':
		gdb_set_register(g, p);
		break;
	case 'm':
		gdb_read(g, p);
		break;
	case 'M':
	case 'X':
		gdb_write(g, p, n - 1, p[-1] == 'X');
		break;
	case 'Z':
	case 'z':
		gdb_point(g, p, p[-1] == 'Z');
		break;
	case 'c':
	case 's':
		gdb_resume(g, p, p[-1] == 's');
		break;
	case 'C':
	case 'S':
		gdb_resume(g, skip_signal(p), p[-1] == 'S');
		break;
	case 'v':
		words(g, p);
		break;
	case 'H':
		choose(g, p);
		break;
	case 'T':
		alive(g, p);
		break;
	case 'q':
		query(g, p);
		break;
	case 'Q':
		gdb_say(g, strcmp(p, "StartNoAckMode") ? "" : "OK");
		g->no_ack |= !strcmp(p, "StartNoAckMode");
		break;
	case 'D':
		gdb_say(g, "OK");
		gdb_detach(g);
		break;
	case 'k':
		machine_request(g->m, MACHINE_QUIT, NULL);
		break;
	default:
		gdb_say(g, "");
	}
}

static void whole(struct gdb *g)
{
	bool ok = g->sum == g->want && !g->too_long;

	if (!g->no_ack)
		out(g, ok ? "+" : "-", 1);
	if (!ok && !g->no_ack)
		return;
	g->in[g->n] = '\0';
	/* also where a monitor let it go on meanwhile */
	if (!g->there || (g->m->running && !g->waiting)) {
		g->there = true;
		machine_stop(g->m);
	}
	/* while the guest runs only an interruption is heard */
	if (ok && !g->waiting)
		packet(g, g->in, g->n);
}

static void byte(struct gdb *g, char c)
{
	switch (g->state) {
	case GDB_IDLE:
		if (c == 3)
			gdb_interrupt(g);
		if (c != '$')
			return;
		g->state = GDB_BODY;
		g->n = 0;
		g->sum = 0;
		g->too_long = false;
		break;
	case GDB_BODY:
		if (c == '#') {
			g->state = GDB_SUM1;
			return;
		}
		g->sum = (uint8_t)(g->sum + (uint8_t)c);
		if (g->n < GDB_PACKET)
			g->in[g->n++] = c;
		else
			g->too_long = true;
		break;
	case GDB_SUM1:
		g->want = (uint8_t)(digit(c) << 4);
		g->state = GDB_SUM2;
		break;
	case GDB_SUM2:
		g->want = (uint8_t)(g->want | (digit(c) & 15));
		g->state = GDB_IDLE;
		whole(g);
		break;
	}
}

void gdb_input(void *arg, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		byte(arg, (char)p[i]);
}

static size_t room(void *arg)
{
	(void)arg;
	return 4096;
}

static void connected(void *arg, bool there)
{
	struct gdb *g = arg;

	g->state = GDB_IDLE;
	g->no_ack = false;
	if (!there)
		gdb_detach(g);
}

int gdb_new(struct gdb **to, struct machine *m, const char *id, struct err *e)
{
	struct gdb *g = mem_zalloc(1, sizeof(*g), e);
	const struct chardev_user u = {
		.room = room, .input = gdb_input, .connected = connected, .arg = g
	};
	int r;

	if (!g)
		return -ENOMEM;
	if (m->ops && m->ops != &accel_soft) {
		free(g);
		return err_set(e, -ENOTSUP, "-gdb works with -accel soft only, not with %s",
			       m->ops->name);
	}
	g->m = m;
	r = machine_watch_add(m, &(struct machine_watch){ gdb_event, g })
		    ? 0
		    : err_set(e, -ENOSPC, "too many listen to the machine");
	g->c = chardevs_find(m->chardevs, id);
	if (r == 0 && id)
		r = chardev_use(g->c, id, &u, e);
	if (r < 0) {
		machine_watch_remove(m, g);
		free(g);
		return r;
	}
	*to = g;
	return 0;
}

void gdb_free(struct gdb *g)
{
	if (!g)
		return;
	machine_watch_remove(g->m, g);
	chardev_leave(g->c, g);
	free(g);
}
