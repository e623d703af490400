/* SPDX-License-Identifier: MIT */
/* What opening and closing share. */
#ifndef IMG_FORMAT_QCOW2_NODE_H
#define IMG_FORMAT_QCOW2_NODE_H

#include "img/format/qcow2.h"

int qcow2_probe(const uint8_t *head, size_t len, const char *filename);
int qcow2_open(struct blk *file, struct optset *opts, unsigned flags, struct blk **out,
	       struct err *e) MUST_CHECK;
/* Frees the node and all it holds but the nodes below; writes nothing. */
void qcow2_destroy(struct qcow2 *s);

#endif
