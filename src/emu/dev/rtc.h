/* SPDX-License-Identifier: MIT */
/* The MC146818 real-time clock and its CMOS memory: ports 70 and 71. */
#ifndef EMU_DEV_RTC_H
#define EMU_DEV_RTC_H

#include "base/err.h"
#include "emu/bus.h"
#include "emu/irq.h"

#define RTC_CMOS 128

struct rtc;
struct clock;

/* @base: what the clock shows when virtual time is 0, in seconds since 1970 in whatever zone the
 * guest is to believe in. */
int rtc_new(struct rtc **out, struct bus *b, struct clock *c, int64_t base, struct irq irq,
	    struct err *e) MUST_CHECK;
void rtc_free(struct rtc *r);
void rtc_reset(struct rtc *r);
/* What firmware finds at @at (14..127). */
void rtc_cmos(struct rtc *r, unsigned at, uint8_t v);

#endif
