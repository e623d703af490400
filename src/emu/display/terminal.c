/* SPDX-License-Identifier: MIT */
#define NCURSES_WIDECHAR 1
#include "emu/display/terminal.h"

#include "base/mem.h"
#include "emu/clock.h"
#include "emu/display/cp437.h"
#include "emu/display/keys.h"
#include "emu/machine.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PERIOD  (NS_PER_SEC / 25)
#define WAITING 4096u /* bytes of keys that the guest has not taken yet */
#define PRESSED (3 * 2 * KEYS_BYTES)
#define ESC     0x1b
#define MESSAGE 160

struct terminal {
	struct machine *m;
	SCREEN *screen;
	struct loop_fd in;
	struct timer timer;
	bool wide;    /* it knows Unicode */
	bool escaped; /* the escape key came */
	uint8_t escape;
	struct display_text text;
	/* Keys: their bytes, each run with its length in front, so that none is sent in part. */
	uint8_t keys[WAITING];
	unsigned n;
};

/* ---- keys ---- */

static void send_keys(struct terminal *t)
{
	unsigned at = 0;

	while (at < t->n && pc_key(t->m, t->keys + at + 1, t->keys[at]))
		at += 1 + t->keys[at];
	memmove(t->keys, t->keys + at, t->n - at);
	t->n -= at;
}

/* What does not fit any more is lost: nobody types so fast. */
static void add(struct terminal *t, const struct key *k, bool down)
{
	uint8_t b[KEYS_BYTES];
	unsigned n = keys_bytes(k, down, b);

	if (!n || t->n + 1 + n > WAITING)
		return;
	t->keys[t->n] = (uint8_t)n;
	memcpy(t->keys + t->n + 1, b, n);
	t->n += 1 + n;
}

static const struct key *named(const char *name)
{
	return keys_find(name, strlen(name));
}

static void press(struct terminal *t, const struct key *k, bool shift, bool ctrl, bool alt)
{
	const struct key *with[3] = { shift ? named("shift") : NULL,
				      ctrl ? named("ctrl") : NULL, alt ? named("alt") : NULL };

	if (!k || t->n + PRESSED > WAITING)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(with); i++)
		if (with[i])
			add(t, with[i], true);
	add(t, k, true);
	add(t, k, false);
	for (unsigned i = ARRAY_SIZE(with); i-- > 0;)
		if (with[i])
			add(t, with[i], false);
}

static void press_char(struct terminal *t, wint_t c, bool alt)
{
	bool shift = false, ctrl = false;
	const struct key *k;

	if (c > 0x7f)
		return;
	/* return, tabulator, escape and backspace have keys of their own */
	if (c < ' ' && c != '\r' && c != '\n' && c != '\t' && c != ESC && c != '\b') {
		ctrl = true;
		c = c ? c | 0x40 : ' ';
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
	}
	k = keys_ascii((unsigned char)c, &shift);
	press(t, k, shift, ctrl, alt);
}

static void press_special(struct terminal *t, wint_t c, bool alt)
{
	static const struct {
		wint_t code;
		const char *name;
	} specials[] = {
		{ KEY_UP, "up" },       { KEY_DOWN, "down" },  { KEY_LEFT, "left" },
		{ KEY_RIGHT, "right" }, { KEY_HOME, "home" },  { KEY_END, "end" },
		{ KEY_PPAGE, "pgup" },  { KEY_NPAGE, "pgdn" }, { KEY_IC, "insert" },
		{ KEY_DC, "delete" },   { KEY_ENTER, "ret" },  { KEY_BACKSPACE, "backspace" },
		{ KEY_BTAB, "tab" },
	};
	char name[8];

	if (c >= KEY_F(1) && c <= KEY_F(12)) {
		snprintf(name, sizeof(name), "f%u", (unsigned)(c - KEY_F0));
		press(t, named(name), false, false, alt);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].code == c)
			press(t, named(specials[i].name), c == KEY_BTAB, false, alt);
}

/* False: it was meant for us. */
static bool for_guest(struct terminal *t, wint_t c)
{
	if (!t->escaped) {
		t->escaped = c == t->escape;
		return !t->escaped;
	}
	t->escaped = false;
	if (c == 'x')
		machine_request(t->m, MACHINE_QUIT, NULL);
	else if (c == 'l')
		clearok(stdscr, TRUE);
	return c == t->escape;
}

static void on_input(void *arg, short revents)
{
	struct terminal *t = arg;
	bool alt = false;
	wint_t c;
	int r;

	set_term(t->screen);
	while ((r = get_wch(&c)) != ERR) {
		if (r == OK && c == ESC && !alt) {
			/* alone it is that key, right before another it is Alt */
			alt = true;
			continue;
		}
		if (r == KEY_CODE_YES)
			press_special(t, c, alt);
		else if (for_guest(t, c))
			press_char(t, c, alt);
		alt = false;
	}
	if (alt)
		press_char(t, ESC, false);
	send_keys(t);
	if (revents & (POLLHUP | POLLERR | POLLNVAL)) {
		/* nobody is there any more */
		loop_events(t->m->loop, &t->in, 0);
		machine_request(t->m, MACHINE_QUIT, NULL);
	}
}

/* ---- the screen ---- */

/* Colours of a PC, as numbers that terminals have. */
static short color(unsigned pc)
{
	static const short of[8] = { COLOR_BLACK, COLOR_BLUE,    COLOR_GREEN,  COLOR_CYAN,
				     COLOR_RED,   COLOR_MAGENTA, COLOR_YELLOW, COLOR_WHITE };

	return (short)(of[pc & 7] + (pc & 8 && COLORS >= 16 ? 8 : 0));
}

static void make_colors(void)
{
	if (!has_colors())
		return;
	start_color();
	for (unsigned i = 0; i < 256 && i + 1 < (unsigned)COLOR_PAIRS; i++)
		init_pair((short)(i + 1), color(i & 15), color(i >> 4));
}

static void put_cell(const struct terminal *t, int y, int x, uint16_t cell)
{
	unsigned attr = cell >> 8;
	attr_t how = attr & 8 && COLORS < 16 ? A_BOLD : A_NORMAL;
	short pair = attr + 1 < (unsigned)COLOR_PAIRS && has_colors() ? (short)(attr + 1) : 0;
	uint8_t ch = (uint8_t)cell;
	wchar_t w[2] = { t->wide ? (wchar_t)cp437_unicode(ch) : (wchar_t)cp437_ascii(ch) };
	cchar_t c;

	if (!pair && attr >> 4 & 7)
		how |= A_REVERSE;
	setcchar(&c, w, how, pair, NULL);
	mvadd_wch(y, x, &c);
}

static void put_text(struct terminal *t)
{
	const struct display_text *s = &t->text;

	erase();
	for (unsigned i = 0; i < s->cols * s->rows; i++)
		if ((int)(i / s->cols) < LINES && (int)(i % s->cols) < COLS)
			put_cell(t, (int)(i / s->cols), (int)(i % s->cols), s->cell[i]);
	if (s->cursor >= 0 && s->cursor / (int)s->cols < LINES &&
	    s->cursor % (int)s->cols < COLS) {
		curs_set(1);
		move(s->cursor / (int)s->cols, s->cursor % (int)s->cols);
	} else {
		curs_set(0);
	}
}

static void put_message(const struct display_mode *m)
{
	char s[MESSAGE];

	if (m->kind == DISPLAY_BLANK)
		snprintf(s, sizeof(s), "The guest shows nothing.");
	else
		snprintf(s, sizeof(s),
			 "Graphics of %u x %u pixels, which a terminal cannot show.", m->width,
			 m->height);
	erase();
	curs_set(0);
	mvaddnstr(0, 0, s, COLS);
}

/* The terminal's size, which its user may change. */
static void follow_size(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col &&
	    (w.ws_row != LINES || w.ws_col != COLS))
		resizeterm(w.ws_row, w.ws_col);
}

static void draw(struct terminal *t)
{
	const struct display_screen *s = &t->m->display.screen[0];
	struct display_mode m;

	set_term(t->screen);
	follow_size();
	s->ops->mode(s->dev, &m);
	if (m.kind == DISPLAY_TEXT && s->ops->text && s->ops->text(s->dev, &t->text))
		put_text(t);
	else
		put_message(&m);
	refresh();
}

static void on_timer(void *arg)
{
	struct terminal *t = arg;

	send_keys(t);
	draw(t);
	timer_set(&t->timer, clock_now(t->m->clock) + PERIOD);
}

/* ---- life ---- */

static int start(struct terminal *t, struct err *e)
{
	const char *code;

	setlocale(LC_CTYPE, "");
	code = nl_langinfo(CODESET);
	t->wide = !strcmp(code, "UTF-8");
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen)
		return err_set(e, -ENOTTY,
			       "-display curses: the terminal's kind '%s' is not known",
			       getenv("TERM") ? getenv("TERM") : "");
	set_term(t->screen);
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	make_colors();
	draw(t);
	t->timer = (struct timer){ .clock = t->m->clock, .fire = on_timer, .arg = t };
	timer_set(&t->timer, clock_now(t->m->clock));
	t->in = (struct loop_fd){ STDIN_FILENO, POLLIN, on_input, t };
	return loop_watch(t->m->loop, &t->in, e);
}

int terminal_new(struct terminal **out, struct machine *m, struct err *e)
{
	struct terminal *t;
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, -ENOTTY,
			       "-display curses needs a terminal for its input and output");
	if (!m->display.n)
		return err_set(e, -ENODEV,
			       "-display curses: this machine has no graphics card");
	t = mem_zalloc(1, sizeof(*t), e);
	if (!t)
		return -ENOMEM;
	t->m = m;
	t->escape = m->config->escape ? m->config->escape : 1;
	t->in.fd = -1;
	r = start(t, e);
	if (r < 0) {
		terminal_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void terminal_free(struct terminal *t)
{
	if (!t)
		return;
	if (t->screen) {
		if (t->in.fd >= 0)
			loop_unwatch(t->m->loop, &t->in);
		timer_cancel(&t->timer);
		set_term(t->screen);
		endwin();
		delscreen(t->screen);
	}
	free(t);
}
