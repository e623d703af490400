/* SPDX-License-Identifier: MIT */
#include "emu/monitor/output.h"

#define MOST (16u << 20) /* events of a machine whose monitor nobody reads */

void output_add(struct output *o, const char *text, size_t n)
{
	size_t done = 0;

	if (!o->c)
		return;
	if (output_idle(o))
		done = chardev_write(o->c, text, n);
	if (done < n && o->rest.len + n < MOST)
		str_addn(&o->rest, text + done, n - done);
}

void output_drained(struct output *o)
{
	size_t n = o->rest.len - o->at;

	if (!n)
		return;
	o->at += chardev_write(o->c, o->rest.s + o->at, n);
	if (o->at < o->rest.len && !o->rest.failed)
		return;
	output_forget(o);
	chardev_more(o->c);
}

bool output_idle(const struct output *o)
{
	return o->at == o->rest.len;
}

void output_forget(struct output *o)
{
	str_free(&o->rest);
	o->at = 0;
}
