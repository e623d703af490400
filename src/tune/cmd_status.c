/* SPDX-License-Identifier: MIT */
/* Each step and how it stands, and the applies there were. */
#include "tune/cmds.h"

#include <stdio.h>
#include <string.h>

const struct cli_opt cmd_status_opts[] = {
	TOOL_OPT_ROOT, CMD_OPT_PROFILE, CMD_OPT_ONLY, TOOL_OPT_JSON, TOOL_OPT_DRY, TOOL_OPT_END,
};

/* From fine to not so. */
enum state {
	ST_OK,
	ST_DONE,
	ST_RELOAD,
	ST_RELOGIN,
	ST_REBOOT,
	ST_BLOCKED,
	ST_PENDING,
	ST_DRIFTED
};

static const struct {
	const char *name, *color, *text;
} states[] = {
	[ST_OK] = { "ok", "off", "as the profile wants it" },
	[ST_DONE] = { "done", "green", "made so by vtune" },
	[ST_RELOAD] = { "reload", "cyan", "done; takes effect when its module is loaded next" },
	[ST_RELOGIN] = { "relogin", "cyan",
			 "done; who is logged in gets it at the next login" },
	[ST_REBOOT] = { "reboot", "cyan", "done; takes effect after a reboot" },
	[ST_BLOCKED] = { "blocked", "yellow", "something is left to you" },
	[ST_PENDING] = { "pending", "yellow", "to be done" },
	[ST_DRIFTED] = { "drifted", "red", "changed since by somebody else" },
};

struct standing {
	enum state state;
	size_t pending; /* changes to make */
	size_t made;    /* in the journal */
};

static void at_least(struct standing *s, enum state state)
{
	if (s->state < state)
		s->state = state;
}

static struct standing stand(const struct vtune *v, const struct drifts *d, const char *step,
			     const char *boot)
{
	static const enum state waits[] = { ST_DONE, ST_RELOAD, ST_RELOGIN, ST_REBOOT };
	struct standing s = { 0 };

	for (size_t i = 0; i < v->j.n; i++) {
		const struct journal_change *c = &v->j.v[i];

		if (c->undone || !c->done || strcmp(c->step, step) != 0)
			continue;
		s.made++;
		/* a new boot has brought it all into effect */
		at_least(&s, journal_same_boot(&v->j, c, boot) ? waits[c->c.when] : ST_DONE);
	}
	for (size_t i = 0; i < v->plan.n_notes; i++)
		if (v->plan.notes[i].blocks && !strcmp(v->plan.notes[i].step, step))
			at_least(&s, ST_BLOCKED);
	for (size_t i = 0; i < v->plan.n; i++) {
		if (strcmp(v->plan.v[i].step, step) != 0)
			continue;
		s.pending++;
		at_least(&s, v->plan.v[i].foreign ? ST_DRIFTED : ST_PENDING);
	}
	for (size_t i = 0; i < d->n; i++)
		if (!d->v[i].harmless && !strcmp(d->v[i].c->step, step))
			at_least(&s, ST_DRIFTED);
	return s;
}

static bool shown(const struct vtune *v, const struct step *s)
{
	for (size_t i = 0; i < v->n_only; i++)
		if (!strcmp(v->only[i], s->id))
			return true;
	return !v->n_only;
}

static size_t changes_of(const struct journal *j, unsigned apply)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += j->v[i].apply == apply && !j->v[i].undone;
	return n;
}

static void show_applies(const struct journal *j)
{
	char n[64];

	for (size_t i = 0; i < j->n_applies; i++) {
		const struct journal_apply *a = &j->applies[i];

		if (!i)
			printf("\nApplied:\n");
		printf("  %3u  %s  profile %s, %s\n", a->n, a->time, a->profile,
		       show_count(n, sizeof(n), changes_of(j, a->n), "change"));
	}
	if (j->n_applies)
		printf("'vtune revert' takes all of it back, 'vtune revert --to N' what came after "
		       "apply N.\n");
}

static void show(const struct vtune *v, const struct drifts *d, const char *boot)
{
	char host[300];
	bool reboot = false;

	printf("%s, profile %s\n\n", vtune_host_name(v, host, sizeof(host)), v->p->name);
	for (const struct step *const *s = tune_steps; *s; s++) {
		struct standing st = stand(v, d, (*s)->id, boot);

		if (!shown(v, *s))
			continue;
		reboot = reboot || st.state == ST_REBOOT;
		printf("  %-22s %s%-8s%s %s", (*s)->id, show_color(states[st.state].color),
		       states[st.state].name, show_color("off"), states[st.state].text);
		if (st.pending)
			printf(" (%zu)", st.pending);
		printf("\n");
	}
	show_notes(&v->plan, true);
	show_applies(&v->j);
	if (reboot)
		printf("\nA reboot is needed for all of it to take effect.\n");
	if (v->plan.n)
		printf("\n'vtune plan' shows what is to be done.\n");
}

static json_t *json_applies(const struct journal *j)
{
	json_t *a = json_array();

	for (size_t i = 0; i < j->n_applies; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "n", json_integer(j->applies[i].n));
		(void)journal_put_text(o, "time", j->applies[i].time);
		(void)journal_put_text(o, "profile", j->applies[i].profile);
		json_object_set_new(o, "changes",
				    json_integer((json_int_t)changes_of(j, j->applies[i].n)));
		json_array_append_new(a, o);
	}
	return a;
}

static int show_json(const struct vtune *v, const struct drifts *d, const char *boot)
{
	json_t *o = json_head(v, "vtune-status/1"), *a = json_array();
	bool reboot = false;

	for (const struct step *const *s = tune_steps; *s; s++) {
		struct standing st = stand(v, d, (*s)->id, boot);
		json_t *j;

		if (!shown(v, *s))
			continue;
		reboot = reboot || st.state == ST_REBOOT;
		j = json_object();
		(void)journal_put_text(j, "id", (*s)->id);
		(void)journal_put_text(j, "title", (*s)->title);
		(void)journal_put_text(j, "state", states[st.state].name);
		json_object_set_new(j, "pending", json_integer((json_int_t)st.pending));
		json_object_set_new(j, "made", json_integer((json_int_t)st.made));
		json_array_append_new(a, j);
	}
	json_object_set_new(o, "steps", a);
	json_object_set_new(o, "notes", json_notes(&v->plan));
	json_object_set_new(o, "applies", json_applies(&v->j));
	json_object_set_new(o, "reboot_pending", json_boolean(reboot));
	return json_print(o);
}

int cmd_status(const struct tool_cmd *c, int argc, char **argv)
{
	AUTO_DRIFTS struct drifts d = { 0 };
	char boot[JOURNAL_BOOT_SIZE];
	struct err e = { 0 };
	struct vtune v;
	int r = vtune_parse(&v, c, argc, argv), status = TOOL_OK;

	if (r >= 0)
		return r;
	r = vtune_look(&v, &e);
	if (r == 0)
		r = drift_find(v.h, &v.j, &v.plan, &d, &e);
	if (r < 0)
		return vtune_fail(&v, &e);
	journal_boot_id(v.h, boot);
	if (v.args.json)
		status = show_json(&v, &d, boot);
	else
		show(&v, &d, boot);
	return vtune_end(&v, status == TOOL_OK && v.n_failed ? TOOL_FAILED : status);
}
