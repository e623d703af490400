/* SPDX-License-Identifier: MIT */
#include "emu/log.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log {
	_Atomic unsigned bits;
	int fd;
};

static const struct {
	const char *name, *help;
	unsigned bit;
} items[] = {
	{ "in_asm", "instructions as they are translated; -accel soft only", LOG_IN_ASM },
	{ "int", "interrupts and exceptions; -accel soft only", LOG_INT },
	{ "cpu_reset", "registers before each reset", LOG_RESET },
	{ "unimp", "model-specific registers that are not there", LOG_UNIMP },
	{ "guest_errors", "accesses to ports and memory where nothing is", LOG_GUEST },
};

const char *log_name(unsigned i)
{
	return i < ARRAY_SIZE(items) ? items[i].name : NULL;
}

const char *log_help(unsigned i)
{
	return i < ARRAY_SIZE(items) ? items[i].help : NULL;
}

int log_parse(const char *text, unsigned *bits, struct err *e)
{
	unsigned all = 0;

	while (*text) {
		size_t n = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(items) &&
		       (strlen(items[i].name) != n || memcmp(items[i].name, text, n) != 0))
			i++;
		if (i < ARRAY_SIZE(items))
			all |= items[i].bit;
		else if (n != 4 || memcmp(text, "none", 4) != 0)
			return err_set(e, -ENOTSUP,
				       "there is no log of '%.*s'; 'help' lists what there is",
				       (int)n, text);
		text += n + (text[n] == ',');
	}
	*bits = all;
	return 0;
}

/* "%d" in a name: one file for each process. */
static char *file_name(const char *file, struct err *e)
{
	const char *at = strstr(file, "%d");

	return at ? str_printf(e, "%.*s%ld%s", (int)(at - file), file, (long)getpid(), at + 2)
		  : mem_strdup(file, e);
}

int log_new(struct log **out, const char *file, unsigned bits, struct err *e)
{
	struct log *l = mem_zalloc(1, sizeof(*l), e);
	AUTO_FREE char *name = l && file ? file_name(file, e) : NULL;

	if (!l || (file && !name)) {
		free(l);
		return -ENOMEM;
	}
	l->bits = bits;
	l->fd = STDERR_FILENO;
	if (name)
		l->fd = io_open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666, e);
	if (l->fd < 0) {
		int r = l->fd;

		free(l);
		return err_wrap(e, r, "-D");
	}
	*out = l;
	return 0;
}

void log_free(struct log *l)
{
	if (l && l->fd != STDERR_FILENO)
		io_close(l->fd);
	free(l);
}

void log_set(struct log *l, unsigned bits)
{
	atomic_store_explicit(&l->bits, bits, memory_order_relaxed);
}

unsigned log_bits(const struct log *l)
{
	return atomic_load_explicit(&l->bits, memory_order_relaxed);
}

void log_line(struct log *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	/* in one piece, whoever else writes: the file is appended to.  A log that cannot be
	 * written is no reason to stop the guest. */
	if (io_write(l->fd, text, (size_t)n, NULL) < 0)
		log_set(l, 0);
}
