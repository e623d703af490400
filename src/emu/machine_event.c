/* SPDX-License-Identifier: MIT */
/* Who hears what happens to the machine. */
#include "emu/machine.h"

#include <stdlib.h>
#include <string.h>

void machine_event(struct machine *m, const char *name, const char *data)
{
	for (unsigned i = 0; i < MACHINE_WATCHES; i++)
		if (m->watch[i].event)
			m->watch[i].event(m->watch[i].arg, name, data);
}

bool machine_watch_add(struct machine *m, const struct machine_watch *w)
{
	for (unsigned i = 0; i < MACHINE_WATCHES; i++) {
		if (m->watch[i].event)
			continue;
		m->watch[i] = *w;
		return true;
	}
	return false;
}

void machine_watch_remove(struct machine *m, void *arg)
{
	for (unsigned i = 0; i < MACHINE_WATCHES; i++)
		if (m->watch[i].arg == arg)
			m->watch[i] = (struct machine_watch){ 0 };
}

void machine_event_soon(struct machine *m, const char *name, char *data)
{
	pthread_mutex_lock(&m->lock);
	if (m->notes < MACHINE_EVENTS)
		m->note[m->notes++] = (struct machine_note){ name, data };
	else
		free(data);
	pthread_mutex_unlock(&m->lock);
	loop_do(m->loop, &m->job);
}

void machine_events(struct machine *m)
{
	struct machine_note note[MACHINE_EVENTS];
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->notes;
	memcpy(note, m->note, n * sizeof(*note));
	m->notes = 0;
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < n; i++) {
		machine_event(m, note[i].name, note[i].data);
		free(note[i].data);
	}
}

void machine_events_forget(struct machine *m)
{
	for (unsigned i = 0; i < m->notes; i++)
		free(m->note[i].data);
	m->notes = 0;
}
