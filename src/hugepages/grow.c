/* SPDX-License-Identifier: MIT */
#include "hugepages/grow.h"

int grow_to(const struct grow_ops *ops, void *ctx, uint64_t count, uint64_t step,
	    unsigned rounds, struct progress *p, uint64_t *got, struct err *e)
{
	unsigned round = 0;
	uint64_t now;
	int r = ops->get(ctx, &now, e);

	*got = r < 0 ? 0 : now;
	if (r == 0 && now > count) {
		r = ops->set(ctx, count, e);
		return r < 0 ? r : ops->get(ctx, got, e);
	}
	while (r == 0 && now < count) {
		uint64_t want = count - now > step ? now + step : count, next = now;

		r = ops->set(ctx, want, e);
		if (r == 0)
			r = ops->get(ctx, &next, e);
		if (r < 0)
			break;
		*got = next;
		if (next > now) {
			progress_add(p, next - now);
			round = 0;
		}
		now = next;
		if (now >= want)
			continue;
		if (round >= rounds)
			return err_set(e, -ENOSPC,
				       "the kernel gave %llu of %llu pages: free memory is "
				       "short or too scattered",
				       (unsigned long long)now, (unsigned long long)count);
		r = ops->compact(ctx, round++, e);
	}
	return r;
}
