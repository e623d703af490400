/* SPDX-License-Identifier: MIT */
/*
 * A journal of any bytes.  What parses has numbers that rise, changes of applies that are there
 * and of kinds that are known; and its whole part, parsed again without the rest, is the
 * same and not torn.
 */
#include "tune/journal.h"

#include "tests/lib/fuzz.h"

#include <string.h>

static void check(const struct journal *j, size_t len)
{
	must(j->end <= len && j->boot_at <= j->end);
	must(j->exists || (!j->n && !j->n_applies));
	for (size_t i = 0; i < j->n_applies; i++) {
		must(j->applies[i].time && j->applies[i].boot && j->applies[i].profile);
		must(j->applies[i].offset < j->end);
		must(!i || j->applies[i].n > j->applies[i - 1].n);
	}
	for (size_t i = 0; i < j->n; i++) {
		const struct journal_change *c = &j->v[i];

		must(c->c.kind && c->c.target && c->step && c->c.step == c->step);
		must(!i || c->seq > j->v[i - 1].seq);
		must(journal_apply_of(j, c->apply));
		must(!c->undone || !journal_in_flight(c));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = { 0 };
	struct journal j, again;
	int r = journal_parse((const char *)data, len, &j, &e);

	must(r == 0 || e.code == r);
	if (r < 0)
		return 0;
	check(&j, len);
	must(j.torn == (j.end < len));
	must(journal_parse((const char *)data, j.end, &again, &e) == 0);
	must(!again.torn && again.end == j.end && again.n == j.n &&
	     again.n_applies == j.n_applies && again.boot_at == j.boot_at);
	journal_free(&again);
	journal_free(&j);
	return 0;
}
