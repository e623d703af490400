/* SPDX-License-Identifier: MIT */
/*
 * What a format says of itself beyond what all images have: a small tree that img_format.info
 * fills and info prints.  Members are put in one after the other without looking at each;
 * detail_end() tells whether memory sufficed for all.  Every @in may be NULL (what made it
 * failed): nothing is done.
 */
#ifndef IMG_DETAIL_H
#define IMG_DETAIL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum detail_kind { DETAIL_TEXT, DETAIL_NUMBER, DETAIL_BOOL, DETAIL_GROUP, DETAIL_LIST };

struct detail {
	enum detail_kind kind;
	const char *key; /* as in qemu-img's JSON, a constant; NULL in a list */
	char *text;      /* owned */
	uint64_t number; /* or bool */
	struct detail *first, *next;
	struct detail *root;
	bool lost; /* in the root: something did not fit into memory */
};

/* An empty group; NULL: out of memory. */
struct detail *detail_new(void);
void detail_free(struct detail *root);

/* @text is copied; NULL: no such member. */
void detail_text(struct detail *in, const char *key, const char *text);
void detail_number(struct detail *in, const char *key, uint64_t v);
void detail_bool(struct detail *in, const char *key, bool v);
struct detail *detail_group(struct detail *in, const char *key);
struct detail *detail_list(struct detail *in, const char *key);

/* Brings the members of all groups into the order in which QEMU prints them, whose hash table
 * they go through there (no two keys of one group share a bucket).  -ENOMEM: the tree is not
 * whole. */
int detail_end(struct detail *root, struct err *e) MUST_CHECK;

#endif
