/* SPDX-License-Identifier: MIT */
/* How vCPUs stop for one another. */
#include "emu/accel.h"

void vcpu_group_init(struct vcpu_group *g, struct vcpu *v, unsigned n)
{
	*g = (struct vcpu_group){ .v = v, .n = n };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
}

void vcpu_group_fini(struct vcpu_group *g)
{
	if (!g->v)
		return;
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

/* Both with the lock held. */
static void become_busy(struct vcpu_group *g, struct vcpu *c)
{
	c->busy = true;
	g->busy++;
}

static void become_idle(struct vcpu_group *g, struct vcpu *c)
{
	c->busy = false;
	if (--g->busy == 0 && g->held)
		pthread_cond_broadcast(&g->changed);
}

void vcpu_exclusive_begin(struct vcpu_group *g, struct vcpu *c)
{
	pthread_mutex_lock(&g->lock);
	if (c && c->busy) {
		become_idle(g, c);
		c->set_aside = true;
	}
	while (g->held)
		pthread_cond_wait(&g->changed, &g->lock);
	g->held = true;
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].busy)
			vcpu_ask(&g->v[i], VCPU_EXCL);
	while (g->busy)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

void vcpu_exclusive_end(struct vcpu_group *g, struct vcpu *c)
{
	pthread_mutex_lock(&g->lock);
	g->held = false;
	if (c && c->set_aside) {
		c->set_aside = false;
		become_busy(g, c);
	}
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void vcpu_exclusive(struct vcpu_group *g, struct vcpu_job *j)
{
	struct vcpu *c = vcpu_current();

	if (c && c->group == g && c->in_run) {
		struct vcpu_job **p = &c->jobs;

		if (j->queued)
			return;
		while (*p)
			p = &(*p)->next;
		j->queued = true;
		j->next = NULL;
		*p = j;
		vcpu_ask(c, VCPU_EXCL);
		return;
	}
	vcpu_exclusive_begin(g, NULL);
	j->run(j->arg);
	vcpu_exclusive_end(g, NULL);
}

static void run_jobs(struct vcpu *c)
{
	struct vcpu_job *j;

	if (!c->jobs)
		return;
	vcpu_exclusive_begin(c->group, c);
	while ((j = c->jobs)) {
		c->jobs = j->next;
		j->queued = false;
		j->run(j->arg);
	}
	vcpu_exclusive_end(c->group, c);
}

enum exit_reason vcpu_run(struct vcpu *c, struct err *e)
{
	struct vcpu_group *g = c->group;
	enum exit_reason r;

	if (!g)
		return c->ops->run(c, e);
	pthread_mutex_lock(&g->lock);
	while (g->held)
		pthread_cond_wait(&g->changed, &g->lock);
	become_busy(g, c);
	pthread_mutex_unlock(&g->lock);
	c->in_run = true;
	r = c->ops->run(c, e);
	c->in_run = false;
	pthread_mutex_lock(&g->lock);
	become_idle(g, c);
	/* only who is busy is asked for this */
	atomic_fetch_and(&c->request, ~(uint32_t)VCPU_EXCL);
	pthread_mutex_unlock(&g->lock);
	run_jobs(c);
	return r;
}
