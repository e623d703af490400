/* SPDX-License-Identifier: MIT */
#include "img/cmd_progress.h"

#include "base/size.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MS = 100, QUIET_SECONDS = 1 };

static double percent(const struct progress *p)
{
	uint64_t done = atomic_load(&p->done), total = atomic_load(&p->total);

	if (!total)
		return 0;
	return done >= total ? 100 : 100.0 * (double)done / (double)total;
}

static void show_qemu(struct cmd_progress *cp, double now)
{
	if (now < 100 && now > 0 && now <= cp->last + cp->step)
		return;
	cp->last = now;
	fprintf(cp->to_stderr ? stderr : stdout, "    (%3.2f/100%%)\r", now);
	fflush(stdout);
}

static void show_human(struct cmd_progress *cp, const struct progress *p)
{
	char done[SIZE_TEXT], total[SIZE_TEXT], rate[SIZE_TEXT];
	unsigned eta = (unsigned)(progress_eta(p) + 0.5);

	cp->shown = true;
	if (!p->total) { /* a pipe does not tell */
		fprintf(stderr, "\r%s, %s/s \033[K", size_human(p->done, done),
			size_human((uint64_t)progress_rate(p), rate));
		return;
	}
	fprintf(stderr, "\r%s of %s (%.0f%%), %s/s, %u:%02u:%02u left \033[K",
		size_human(p->done, done), size_human(p->total, total), percent(p),
		size_human((uint64_t)progress_rate(p), rate), eta / 3600, eta / 60 % 60,
		eta % 60);
}

static void show_json(const struct progress *p)
{
	if (!p->total && p->done) {
		fprintf(stderr,
			"{\"progress\": {\"done\": %llu, \"total\": null, \"rate\": %.0f, "
			"\"eta\": null}}\n",
			(unsigned long long)p->done, progress_rate(p));
		return;
	}
	fprintf(stderr,
		"{\"progress\": {\"done\": %llu, \"total\": %llu, \"rate\": %.0f, "
		"\"eta\": %.1f}}\n",
		(unsigned long long)p->done, (unsigned long long)p->total, progress_rate(p),
		progress_eta(p));
}

static double elapsed(const struct progress *p)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec * INT64_C(1000000000) + t.tv_nsec - p->start_ns) / 1e9;
}

/* The library's last call is not shown: the command knows whether it is complete. */
static void show(void *arg, const struct progress *p, bool last)
{
	struct cmd_progress *cp = arg;

	if (last)
		return;
	if (cmd_asked_for_progress) {
		cmd_asked_for_progress = 0;
		fprintf(stderr, "    (%3.2f/100%%)\n", percent(p));
	}
	switch (cp->kind) {
	case PROGRESS_QEMU:
		show_qemu(cp, percent(p));
		break;
	case PROGRESS_JSON:
		show_json(p);
		break;
	case PROGRESS_HUMAN:
		show_human(cp, p);
		break;
	case PROGRESS_AUTO:
		if (elapsed(p) > QUIET_SECONDS)
			show_human(cp, p);
		break;
	case PROGRESS_NONE:
		break;
	}
}

struct progress *cmd_progress_start(struct cmd_progress *cp, const struct cmd_opts *o,
				    unsigned step)
{
	cp->kind = o->progress;
	cp->step = step;
	cp->last = 0;
	cp->shown = false;
	cp->to_stderr = o->stdout_is_data;
	/* a script that calls us qemu-img has not asked for more than it gives */
	if (o->quiet || (cp->kind == PROGRESS_AUTO && (cmd_is_qemu_img() || !isatty(2))))
		cp->kind = PROGRESS_NONE;
	progress_init(&cp->p, INTERVAL_MS, show, cp);
	if (cp->kind == PROGRESS_QEMU)
		show_qemu(cp, 0);
	return &cp->p;
}

void cmd_progress_full(struct cmd_progress *cp, bool complete)
{
	if (complete && atomic_load(&cp->p.total))
		atomic_store(&cp->p.done, atomic_load(&cp->p.total));
	if (cp->kind == PROGRESS_QEMU && complete)
		show_qemu(cp, 100);
	else if (cp->kind == PROGRESS_JSON)
		show_json(&cp->p);
	else if (cp->shown || (cp->kind == PROGRESS_HUMAN && atomic_load(&cp->p.total)))
		show_human(cp, &cp->p);
}

void cmd_progress_close(struct cmd_progress *cp)
{
	if (cp->kind == PROGRESS_QEMU) {
		fputc('\n', cp->to_stderr ? stderr : stdout);
		fflush(stdout);
	} else if (cp->shown) {
		fputc('\n', stderr);
	}
}

void cmd_progress_end(struct cmd_progress *cp, bool complete)
{
	cmd_progress_full(cp, complete);
	cmd_progress_close(cp);
}
