/* SPDX-License-Identifier: MIT */
#include "base/zero.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Bytes that one step of the loops below looks at. */
enum { STEP = 128 };

/* Whole steps of zeroes at the start of @p. */
static size_t steps_plain(const uint8_t *p, size_t len)
{
	size_t n = 0;

	for (; len - n >= STEP; n += STEP) {
		uint64_t w[STEP / 8], any = 0;

		memcpy(w, p + n, STEP);
		for (size_t i = 0; i < STEP / 8; i++)
			any |= w[i];
		if (any)
			break;
	}
	return n;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static size_t steps_avx2(const uint8_t *p, size_t len)
{
	size_t n = 0;

	for (; len - n >= STEP; n += STEP) {
		const void *q = p + n;
		const __m256i *v = q;
		__m256i a = _mm256_or_si256(_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1));
		__m256i b =
			_mm256_or_si256(_mm256_loadu_si256(v + 2), _mm256_loadu_si256(v + 3));

		a = _mm256_or_si256(a, b);
		if (!_mm256_testz_si256(a, a))
			break;
	}
	return n;
}
#endif

static size_t steps(const uint8_t *p, size_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return steps_avx2(p, len);
#endif
	return steps_plain(p, len);
}

static uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

size_t zero_prefix(const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n = 0;

	/* data mostly shows at once: spare it the call */
	if (len >= 16 && !(load8(p) | load8(p + 8)))
		n = steps(p, len);
	while (len - n >= 8 && !load8(p + n))
		n += 8;
	while (n < len && !p[n])
		n++;
	return n;
}

int zero_is(const void *buf, size_t len)
{
	const uint8_t *p = buf;

	if (len >= 16) {
		if (load8(p) | load8(p + len / 2) | load8(p + len - 8))
			return 0;
	}
	return zero_prefix(buf, len) == len;
}

/* True if unit @i of the @len bytes at @buf is zero. */
static bool unit_zero(const uint8_t *buf, size_t len, size_t unit, size_t i)
{
	size_t at = i * unit;

	return zero_is(buf + at, len - at < unit ? len - at : unit);
}

size_t zero_run(const uint8_t *buf, size_t len, size_t unit, size_t min_zero, int *zero)
{
	size_t n = len / unit + (len % unit != 0);              /* units in @buf */
	size_t want = min_zero / unit + (min_zero % unit != 0); /* zero units that matter */
	size_t end;

	if (!len) {
		*zero = 0;
		return 0;
	}
	if (unit_zero(buf, len, unit, 0)) {
		size_t z = zero_prefix(buf, len);

		*zero = 1;
		return z == len ? len : z - z % unit;
	}
	*zero = 0;
	if (!want)
		want = 1;
	/*
	 * The data run is [0, end) so far.  @want zero units from there on must include
	 * the last of them, so that one is looked at first: most are skipped.
	 */
	for (end = 1; end < n;) {
		size_t i = n - end < want ? n : end + want;

		while (i > end && unit_zero(buf, len, unit, i - 1))
			i--;
		if (i == end)
			return end * unit;
		end = i;
	}
	return len;
}
