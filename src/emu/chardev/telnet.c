/* SPDX-License-Identifier: MIT */
#include "emu/chardev/telnet.h"

enum state { DATA, COMMAND, OPTION, SUB, SUB_COMMAND, AFTER_CR };

#define SE   240u
#define BRK  243u
#define SB   250u
#define WILL 251u
#define DO   253u
#define DONT 254u

#define BINARY 0u
#define ECHO   1u
#define AHEAD  3u /* suppress go ahead */

const uint8_t telnet_hello[12] = { TELNET_IAC, WILL, ECHO,   TELNET_IAC, WILL, AHEAD,
				   TELNET_IAC, WILL, BINARY, TELNET_IAC, DO,   BINARY };

/* One byte; true: it is data. */
static bool take(struct telnet *t, uint8_t c, bool *brk)
{
	switch ((enum state)t->state) {
	case DATA:
	case AFTER_CR:
		if (c == TELNET_IAC) {
			t->state = COMMAND;
			return false;
		}
		/* a carriage return alone is sent with a NUL behind it, unless bytes are of 8 bits */
		if (t->state == AFTER_CR && !c) {
			t->state = DATA;
			return false;
		}
		t->state = c == '\r' ? AFTER_CR : DATA;
		return true;
	case COMMAND:
		t->state = c == SB ? SUB : c >= WILL && c <= DONT ? OPTION : DATA;
		*brk |= c == BRK;
		return c == TELNET_IAC;
	case OPTION:
		t->state = DATA;
		return false;
	case SUB:
		if (c == TELNET_IAC)
			t->state = SUB_COMMAND;
		return false;
	case SUB_COMMAND:
		t->state = c == SE ? DATA : SUB;
		return false;
	}
	return true;
}

size_t telnet_input(struct telnet *t, uint8_t *p, size_t n, bool *brk)
{
	size_t left = 0;

	*brk = false;
	for (size_t i = 0; i < n; i++)
		if (take(t, p[i], brk))
			p[left++] = p[i];
	return left;
}
