/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tune/cmds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

/* Steps called @name, or "group" for all of group.*.  False if there is none. */
static bool add_only(struct vtune *v, const char *name, struct err *e, int *r)
{
	size_t len = strlen(name);
	bool found = false;

	for (const struct step *const *s = tune_steps; *s; s++) {
		const char *id = (*s)->id;

		if (strcmp(id, name) != 0 && (strncmp(id, name, len) != 0 || id[len] != '.'))
			continue;
		found = true;
		*r = mem_grow((void **)&v->only, v->n_only + 2, sizeof(*v->only), e);
		if (*r < 0)
			return true;
		v->only[v->n_only++] = id;
		v->only[v->n_only] = NULL;
	}
	return found;
}

static int take_number(const char *text, unsigned *out, struct err *e)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > INT32_MAX)
		return err_set(e, -EINVAL, "--to: '%s' is not the number of an apply", text);
	*out = (unsigned)n;
	return 0;
}

static int own_opt(void *ctx, unsigned id, const char *value, struct err *e)
{
	struct vtune *v = ctx;
	int r = 0;

	switch (id) {
	case OPT_PROFILE:
		v->profile_name = value;
		return 0;
	case OPT_ONLY:
		if (!add_only(v, value, e, &r))
			return err_set(
				e, -EINVAL,
				"--only: there is no step '%s'; 'vtune status' lists them",
				value);
		return r;
	case OPT_TO:
		return take_number(value, &v->to, e);
	case OPT_WAIT:
		v->wait = true;
		return 0;
	case OPT_FORCE:
		v->force = true;
		return 0;
	case OPT_KEEP_GOING:
		v->keep_going = true;
		return 0;
	case OPT_IN_ROOT:
		v->in_root = true;
		return 0;
	case OPT_BOOT:
		v->boot = true;
		return 0;
	case OPT_EXIT_CODE:
		v->exit_code = true;
		return 0;
	default:
		v->keep_journal = true;
		return 0;
	}
}

int vtune_parse(struct vtune *v, const struct tool_cmd *c, int argc, char **argv)
{
	int n, r;

	*v = (struct vtune){ .j = { .fd = -1 }, .lock = { .fd = -1 } };
	r = tool_parse(c, argc, argv, &v->args, own_opt, v, 0, 0, &n);
	return r < 0 ? r : vtune_end(v, r);
}

/* ---- the host and what was done to it ---- */

const char *vtune_host_name(const struct vtune *v, char *buf, size_t size)
{
	if (host_is_live(v->h))
		return "this machine";
	snprintf(buf, size, "%s %s", host_kind(v->h) == HOST_IMAGE ? "the image" : "the record",
		 host_root(v->h));
	return buf;
}

/* Who may not read it plans without, with a warning. */
static int read_journal(struct vtune *v, struct err *e)
{
	struct err mine = { 0 };
	int r;

	journal_free(&v->j);
	r = journal_read(v->h, &v->j, &mine);
	if (r == -EACCES || r == -EPERM) {
		tool_warn("%s; so what vtune did, and others since, is not shown", mine.msg);
		return 0;
	}
	return r < 0 ? err_set(e, r, "%s", mine.msg) : 0;
}

int vtune_open(struct vtune *v, struct err *e)
{
	int r = host_open(v->args.root, &v->h, e);

	return r < 0 ? r : read_journal(v, e);
}

/* --profile, or that of the last apply, or the default. */
static const char *profile_name(const struct vtune *v)
{
	if (v->profile_name)
		return v->profile_name;
	return v->j.n_applies ? v->j.applies[v->j.n_applies - 1].profile : PROFILE_DEFAULT;
}

static bool is_wanted(const struct vtune *v, const struct step *s)
{
	for (size_t i = 0; i < v->n_only; i++)
		if (!strcmp(v->only[i], s->id))
			return true;
	return !v->n_only;
}

/* What a step planned goes again when it fails half-way. */
static int plan_step(struct vtune *v, const struct step *s, struct err *e)
{
	struct err mine = { 0 };
	size_t before = v->plan.n;
	int r = s->plan(v->h, v->p, &v->plan, &mine);

	if (r >= 0)
		return 0;
	plan_cut(&v->plan, before);
	v->n_failed++;
	return plan_note(&v->plan, s->id, true, e, "could not be planned: %s", mine.msg);
}

/* At boot: what the kernel has forgotten. */
static void only_fleeting(struct plan *p)
{
	for (size_t i = p->n; i-- > 0;)
		if (!p->v[i].kind->fleeting)
			plan_drop(p, i);
}

int vtune_plan(struct vtune *v, struct err *e)
{
	int r;

	profile_freep(&v->p);
	plan_free(&v->plan);
	v->n_failed = 0;
	v->profile_used = profile_name(v);
	r = profile_read(v->h, v->profile_used, &v->p, e);
	for (const struct step *const *s = tune_steps; r == 0 && *s; s++)
		if (is_wanted(v, *s))
			r = plan_step(v, *s, e);
	if (r == 0 && v->boot)
		only_fleeting(&v->plan);
	else if (r == 0 && !v->n_only)
		r = drift_due(v->h, &v->j, &v->plan, e);
	return r == 0 ? drift_mark(v->h, &v->j, &v->plan, e) : r;
}

int vtune_look(struct vtune *v, struct err *e)
{
	int r = vtune_open(v, e);

	return r < 0 ? r : vtune_plan(v, e);
}

int vtune_lock(struct vtune *v, struct err *e)
{
	int r;

	if (host_kind(v->h) == HOST_RECORD)
		return err_set(e, -ENOTSUP,
			       "%s is a recorded host: it can be looked at, not changed",
			       host_root(v->h));
	if (host_is_live(v->h) && host_euid(v->h))
		return err_set(e, -EPERM, "this machine is changed as root");
	r = lock_take(v->h, v->wait, &v->lock, e);
	return r < 0 ? r : read_journal(v, e);
}

int vtune_end(struct vtune *v, int status)
{
	plan_free(&v->plan);
	profile_free(v->p);
	journal_free(&v->j);
	if (v->h)
		lock_release(v->h, &v->lock);
	host_close(v->h);
	free(v->only);
	return status;
}

int vtune_fail(struct vtune *v, const struct err *e)
{
	return vtune_end(v, tool_fail(&v->args, e));
}

/* ---- signals ---- */

/* All that a handler may touch. */
static atomic_bool stop;

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&stop, true);
}

const atomic_bool *vtune_stop_flag(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	/* without SA_RESTART: a wait for the lock ends */
	struct sigaction a = { .sa_handler = on_signal }, old;

	sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(ending[i], &a, NULL);
	/* a reader that goes away does not stop half-done work */
	(void)signal(SIGPIPE, SIG_IGN);
	return &stop;
}
