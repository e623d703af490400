/* SPDX-License-Identifier: MIT */
#include "img/cmd_progress.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a handler may touch lives here. */
volatile sig_atomic_t cmd_asked_for_progress;
static volatile sig_atomic_t stopped_by;
static atomic_bool stop;
static char to_remove[2][4096]; /* empty: nothing */

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

static void on_usr1(int sig)
{
	(void)sig;
	cmd_asked_for_progress = 1;
}

static void on_stop(int sig)
{
	stopped_by = sig;
	atomic_store(&stop, true);
}

/* The handler is gone by now (SA_RESETHAND): the signal does its usual work. */
static void on_end(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(to_remove); i++)
		if (to_remove[i][0])
			(void)unlink(to_remove[i]);
	(void)raise(sig);
}

static void catch_signal(int sig, void (*fn)(int), int flags)
{
	struct sigaction a = { .sa_handler = fn, .sa_flags = flags };
	struct sigaction old;

	/* what nohup or a shell ignores for us stays ignored */
	if (sig != SIGUSR1 && sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
		return;
	sigemptyset(&a.sa_mask);
	(void)sigaction(sig, &a, NULL);
}

void cmd_signals_init(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	catch_signal(SIGUSR1, on_usr1, SA_RESTART);
}

const atomic_bool *cmd_stop_flag(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		catch_signal(ending[i], on_stop, (int)(SA_RESTART | SA_RESETHAND));
	return &stop;
}

void cmd_stop_now(void)
{
	if (!stopped_by)
		return;
	(void)signal(stopped_by, SIG_DFL);
	(void)raise(stopped_by);
}

void cmd_remove_on_signal(const char *path)
{
	char *slot = to_remove[0][0] ? to_remove[1] : to_remove[0];

	if (!path) {
		to_remove[0][0] = to_remove[1][0] = 0;
		return;
	}
	if (!path[0] || strlen(path) >= sizeof(to_remove[0]) || access(path, F_OK) == 0)
		return;
	/* the first byte last, as a handler may look at any time */
	memcpy(slot + 1, path + 1, strlen(path));
	slot[0] = path[0];
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		catch_signal(ending[i], on_end, (int)SA_RESETHAND);
}
