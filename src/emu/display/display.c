/* SPDX-License-Identifier: MIT */
#include "emu/display/display.h"

#include <string.h>

int display_add(struct display *d, const struct display_screen *s, struct err *e)
{
	if (d->n == DISPLAY_SCREENS)
		return err_set(e, -ENOSPC, "%s: a machine has at most %d screens", s->name,
			       DISPLAY_SCREENS);
	d->screen[d->n++] = *s;
	return 0;
}

void display_remove(struct display *d, const void *dev)
{
	for (unsigned i = 0; i < d->n;) {
		if (d->screen[i].dev != dev) {
			i++;
			continue;
		}
		memmove(&d->screen[i], &d->screen[i + 1],
			(d->n - i - 1) * sizeof(d->screen[0]));
		d->n--;
	}
}
