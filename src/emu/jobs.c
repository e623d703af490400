/* SPDX-License-Identifier: MIT */
#include "emu/jobs.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct worker {
	struct jobs *j;
	unsigned index;
	pthread_t thread;
};

struct jobs {
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t work, idle;
	struct job *first, **last;
	unsigned busy;
	bool ending;
	unsigned threads; /* started */
	struct worker *worker;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct jobs *j = w->j;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		struct job *job = j->first;

		if (!job) {
			if (j->ending)
				break;
			pthread_cond_wait(&j->work, &j->lock);
			continue;
		}
		j->first = job->next;
		if (!j->first)
			j->last = &j->first;
		job->queued = false;
		j->busy++;
		pthread_mutex_unlock(&j->lock);
		job->run(job, w->index);
		pthread_mutex_lock(&j->lock);
		if (--j->busy == 0 && !j->first)
			pthread_cond_broadcast(&j->idle);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

void jobs_do(struct jobs *j, struct job *job)
{
	pthread_mutex_lock(&j->lock);
	if (!job->queued) {
		job->queued = true;
		job->next = NULL;
		*j->last = job;
		j->last = &job->next;
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
}

void jobs_drain(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	while (j->busy || j->first)
		pthread_cond_wait(&j->idle, &j->lock);
	pthread_mutex_unlock(&j->lock);
}

int jobs_new(struct jobs **out, unsigned threads, struct err *e)
{
	struct jobs *j = mem_zalloc(1, sizeof(*j), e);
	sigset_t all, old;
	int r = 0;

	if (!j)
		return -ENOMEM;
	j->worker = mem_zalloc(threads, sizeof(*j->worker), e);
	if (!j->worker) {
		free(j);
		return -ENOMEM;
	}
	j->last = &j->first;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->work, NULL);
	pthread_cond_init(&j->idle, NULL);
	/* signals are the main thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (unsigned i = 0; i < threads && r == 0; i++) {
		j->worker[i] = (struct worker){ .j = j, .index = i };
		r = pthread_create(&j->worker[i].thread, NULL, work, &j->worker[i]);
		if (r == 0)
			j->threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		jobs_free(j);
		return err_set(e, -r, "no threads for a disk");
	}
	*out = j;
	return 0;
}

void jobs_free(struct jobs *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->ending = true;
	pthread_cond_broadcast(&j->work);
	pthread_mutex_unlock(&j->lock);
	for (unsigned i = 0; i < j->threads; i++)
		pthread_join(j->worker[i].thread, NULL);
	pthread_mutex_destroy(&j->lock);
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->idle);
	free(j->worker);
	free(j);
}
