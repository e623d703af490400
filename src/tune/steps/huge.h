/* SPDX-License-Identifier: MIT */
/* What the profile's huge pages come to on this host: for the pool, its mount, and the kernel's
 * command line. */
#ifndef TUNE_STEPS_HUGE_H
#define TUNE_STEPS_HUGE_H

#include "hugepages/size.h"
#include "tune/steps/step.h"

enum huge_state {
	HUGE_NONE,   /* the profile asks for none */
	HUGE_READY,  /* page and size are filled in */
	HUGE_BLOCKED /* not possible here; why says so */
};

struct huge_answer {
	enum huge_state state;
	uint64_t page;
	bool at_boot;         /* only the kernel's command line gives such pages for sure */
	struct hugesize size; /* on an image only page, pages and cmdline */
	char why[ERR_MSG_SIZE];
};

/* Too large for a stack: huge_free() it. */
int huge_work_out(const struct stepping *s, struct huge_answer **out, struct err *e) MUST_CHECK;
void huge_free(struct huge_answer **a);
#define AUTO_HUGE CLEANUP(huge_free)

#endif
