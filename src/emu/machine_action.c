/* SPDX-License-Identifier: MIT */
/* What guests say of themselves, and what -action wants done about it. */
#include "base/compiler.h"
#include "emu/machine.h"
#include "img/blk.h"

#include <stdio.h>
#include <string.h>

static void tell(struct machine *m, const char *event, const char *action)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"action\": \"%s\"}", action);
	machine_event_soon(m, event, strdup(text));
}

void machine_panicked(struct machine *m)
{
	enum panic_action what = m->config->panic;

	if (what == PANIC_NONE) {
		tell(m, "GUEST_PANICKED", "run");
		return;
	}
	if (what == PANIC_PAUSE || (what == PANIC_SHUTDOWN && m->config->no_shutdown)) {
		tell(m, "GUEST_PANICKED", "pause");
		machine_request(m, MACHINE_PAUSE, "guest-panicked");
		return;
	}
	tell(m, "GUEST_PANICKED", "poweroff");
	machine_event_soon(m, "SHUTDOWN",
			   strdup("{\"guest\": true, \"reason\": \"guest-panic\"}"));
	if (what == PANIC_FAILURE)
		m->status = 1;
	machine_request(m, MACHINE_QUIT, NULL);
}

void machine_crash_loaded(struct machine *m)
{
	tell(m, "GUEST_CRASHLOADED", "run");
}

const char *machine_watchdog_name(enum watchdog_action a)
{
	static const char *const names[] = {
		[WATCHDOG_RESET] = "reset",       [WATCHDOG_SHUTDOWN] = "shutdown",
		[WATCHDOG_POWEROFF] = "poweroff", [WATCHDOG_PAUSE] = "pause",
		[WATCHDOG_DEBUG] = "debug",       [WATCHDOG_NONE] = "none",
		[WATCHDOG_NMI] = "inject-nmi"
	};

	return (unsigned)a < ARRAY_SIZE(names) ? names[a] : NULL;
}

void machine_watchdog(struct machine *m)
{
	enum watchdog_action what = m->config->watchdog;

	tell(m, "WATCHDOG", machine_watchdog_name(what));
	switch (what) {
	case WATCHDOG_RESET:
		machine_request(m, MACHINE_RESET, NULL);
		break;
	case WATCHDOG_SHUTDOWN:
		machine_powerdown(m);
		break;
	case WATCHDOG_POWEROFF:
		machine_event_soon(m, "SHUTDOWN",
				   strdup("{\"guest\": true, \"reason\": \"guest-shutdown\"}"));
		machine_request(m, MACHINE_QUIT, NULL);
		break;
	case WATCHDOG_PAUSE:
		machine_request(m, MACHINE_PAUSE, "watchdog");
		break;
	case WATCHDOG_NMI:
		for (unsigned i = 0; i < m->vcpus; i++)
			vcpu_ask(&m->vcpu[i], VCPU_NMI);
		break;
	case WATCHDOG_DEBUG:
		if (m->config->log)
			m->config->log->warn(m->config->log->arg, "the watchdog has run out");
		break;
	case WATCHDOG_NONE:
		break;
	}
}
