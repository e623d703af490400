/* SPDX-License-Identifier: MIT */
/* Motorola MC146818A data sheet; century in byte 32, as ACPI says. */
#include "emu/dev/rtc.h"

#include "base/mem.h"
#include "emu/clock.h"

#include <stdlib.h>
#include <time.h>

enum {
	SEC,
	SEC_AL,
	MIN,
	MIN_AL,
	HOUR,
	HOUR_AL,
	WDAY,
	MDAY,
	MONTH,
	YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	CENTURY = 0x32
};

#define A_UIP  0x80
#define B_SET  0x80
#define B_PIE  0x40
#define B_AIE  0x20
#define B_UIE  0x10
#define B_DM   0x04 /* binary, not BCD */
#define B_24   0x02
#define C_IRQ  0x80
#define C_PF   0x40
#define C_AF   0x20
#define C_UF   0x10
#define D_VRT  0x80
#define UIP_NS 244000u

struct rtc {
	pthread_mutex_t lock;
	struct bus *bus;
	struct clock *clock;
	struct irq irq;
	struct timer second, periodic;
	int64_t base; /* seconds shown at virtual time 0 */
	uint8_t index, reg_b, reg_c, reg_a;
	uint8_t held[RTC_CMOS]; /* time registers while SET, alarms, memory */
	uint64_t period_at;
	struct bus_region region;
};

static int64_t seconds(const struct rtc *r)
{
	return r->base + (int64_t)(clock_now(r->clock) / NS_PER_SEC);
}

static uint8_t encode(const struct rtc *r, int v)
{
	return (uint8_t)(r->reg_b & B_DM ? v : v / 10 * 16 + v % 10);
}

static int decode(const struct rtc *r, uint8_t v)
{
	return r->reg_b & B_DM ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct rtc *r, int h)
{
	if (r->reg_b & B_24)
		return encode(r, h);
	return (uint8_t)(encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0));
}

static int decode_hour(const struct rtc *r, uint8_t v)
{
	int h;

	if (r->reg_b & B_24)
		return decode(r, v);
	h = decode(r, v & 0x7f) % 12;
	return v & 0x80 ? h + 12 : h;
}

/* Puts the time into the registers, unless the guest is setting it. */
static void refresh(struct rtc *r)
{
	time_t t = (time_t)seconds(r);
	struct tm tm;

	if ((r->reg_b & B_SET) || !gmtime_r(&t, &tm))
		return;
	r->held[SEC] = encode(r, tm.tm_sec);
	r->held[MIN] = encode(r, tm.tm_min);
	r->held[HOUR] = encode_hour(r, tm.tm_hour);
	r->held[WDAY] = encode(r, tm.tm_wday + 1);
	r->held[MDAY] = encode(r, tm.tm_mday);
	r->held[MONTH] = encode(r, tm.tm_mon + 1);
	r->held[YEAR] = encode(r, tm.tm_year % 100);
	r->held[CENTURY] = encode(r, 19 + tm.tm_year / 100);
}

/* What the guest wrote is the time from now on. */
static void take_time(struct rtc *r)
{
	struct tm tm = {
		.tm_sec = decode(r, r->held[SEC]),
		.tm_min = decode(r, r->held[MIN]),
		.tm_hour = decode_hour(r, r->held[HOUR]),
		.tm_mday = decode(r, r->held[MDAY]),
		.tm_mon = decode(r, r->held[MONTH]) - 1,
		.tm_year = decode(r, r->held[YEAR]) + decode(r, r->held[CENTURY]) * 100 - 1900,
	};
	int64_t t = timegm(&tm);

	r->base = t - (int64_t)(clock_now(r->clock) / NS_PER_SEC);
}

static bool in_update(const struct rtc *r)
{
	return !(r->reg_b & B_SET) && NS_PER_SEC - clock_now(r->clock) % NS_PER_SEC <= UIP_NS;
}

static void raise_flags(struct rtc *r, uint8_t flags)
{
	r->reg_c |= flags;
	if (r->reg_c & r->reg_b & (C_PF | C_AF | C_UF)) {
		r->reg_c |= C_IRQ;
		irq_set(&r->irq, 1);
	}
}

static bool alarm_matches(struct rtc *r)
{
	refresh(r);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t al = r->held[SEC_AL + 2 * i];

		/* 11xxxxxx: any */
		if ((al & 0xc0) != 0xc0 && al != r->held[SEC + 2 * i])
			return false;
	}
	return true;
}

static void arm_second(struct rtc *r)
{
	uint64_t now = clock_now(r->clock);

	if (r->reg_b & (B_UIE | B_AIE))
		timer_set(&r->second, now - now % NS_PER_SEC + NS_PER_SEC);
	else
		timer_cancel(&r->second);
}

static void on_second(void *arg)
{
	struct rtc *r = arg;

	if (!(r->reg_b & B_SET))
		raise_flags(r, (uint8_t)(C_UF | (alarm_matches(r) ? C_AF : 0)));
	arm_second(r);
}

/* Nanoseconds between periodic interrupts; 0: none. */
static uint64_t period(const struct rtc *r)
{
	unsigned rate = r->reg_a & 15;

	if (!rate || (r->reg_a & 0x70) > 0x20)
		return 0;
	if (rate <= 2)
		rate += 7;
	return (NS_PER_SEC << (rate - 1)) / 32768;
}

static void arm_periodic(struct rtc *r)
{
	uint64_t now = clock_now(r->clock), p = period(r);

	timer_cancel(&r->periodic);
	if (!(r->reg_b & B_PIE) || !p)
		return;
	if (r->period_at + p <= now)
		r->period_at = now;
	r->period_at += p;
	timer_set(&r->periodic, r->period_at);
}

static void on_periodic(void *arg)
{
	struct rtc *r = arg;

	raise_flags(r, C_PF);
	arm_periodic(r);
}

static uint8_t get(struct rtc *r, unsigned i)
{
	uint8_t v;

	switch (i) {
	case REG_A:
		return (uint8_t)(r->reg_a | (in_update(r) ? A_UIP : 0));
	case REG_B:
		return r->reg_b;
	case REG_C:
		v = r->reg_c;
		r->reg_c = 0;
		irq_set(&r->irq, 0);
		return v;
	case REG_D:
		return D_VRT;
	default:
		refresh(r);
		return r->held[i];
	}
}

static void set_b(struct rtc *r, uint8_t v)
{
	uint8_t was = r->reg_b;

	/* the registers hold the moment when setting begins */
	if ((v & B_SET) && !(was & B_SET))
		refresh(r);
	if (v & B_SET)
		v &= (uint8_t)~B_UIE;
	if (!(v & B_SET) && (was & B_SET)) {
		r->reg_b = v;
		take_time(r);
	}
	r->reg_b = v;
	raise_flags(r, 0);
	if ((v ^ was) & (B_UIE | B_AIE))
		arm_second(r);
	if ((v ^ was) & B_PIE) {
		r->period_at = clock_now(r->clock);
		arm_periodic(r);
	}
}

static void set(struct rtc *r, unsigned i, uint8_t v)
{
	bool time_reg =
		(i <= YEAR && i != SEC_AL && i != MIN_AL && i != HOUR_AL) || i == CENTURY;

	switch (i) {
	case REG_A:
		r->reg_a = v & 0x7f;
		r->period_at = clock_now(r->clock);
		arm_periodic(r);
		break;
	case REG_B:
		set_b(r, v);
		break;
	case REG_C:
	case REG_D:
		break;
	default:
		refresh(r);
		r->held[i] = v;
		if (time_reg && !(r->reg_b & B_SET))
			take_time(r);
	}
}

static uint64_t rtc_read(void *dev, uint64_t off, unsigned size)
{
	struct rtc *r = dev;

	(void)size;
	return off ? get(r, r->index) : 0xff;
}

static void rtc_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct rtc *r = dev;

	(void)size;
	if (off)
		set(r, r->index, (uint8_t)v);
	else
		r->index = v & 0x7f;
}

static const struct bus_ops ops = { rtc_read, rtc_write, 1, 1 };

void rtc_cmos(struct rtc *r, unsigned at, uint8_t v)
{
	pthread_mutex_lock(&r->lock);
	if (at > REG_D && at < RTC_CMOS)
		r->held[at] = v;
	pthread_mutex_unlock(&r->lock);
}

/* A reset of the machine: the battery keeps time and memory. */
void rtc_reset(struct rtc *r)
{
	pthread_mutex_lock(&r->lock);
	r->reg_b &= (uint8_t) ~(B_PIE | B_AIE | B_UIE);
	r->reg_c = 0;
	irq_set(&r->irq, 0);
	timer_cancel(&r->second);
	timer_cancel(&r->periodic);
	pthread_mutex_unlock(&r->lock);
}

int rtc_new(struct rtc **out, struct bus *b, struct clock *c, int64_t base, struct irq irq,
	    struct err *e)
{
	struct rtc *r = mem_zalloc(1, sizeof(*r), e);
	int code;

	if (!r)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->bus = b;
	r->clock = c;
	r->irq = irq;
	r->base = base;
	r->reg_a = 0x26;
	r->reg_b = B_24;
	r->second = (struct timer){ .clock = c, .fire = on_second, .arg = r, .lock = &r->lock };
	r->periodic =
		(struct timer){ .clock = c, .fire = on_periodic, .arg = r, .lock = &r->lock };
	r->region = (struct bus_region){ "rtc", BUS_PORT, 0x70, 2, &ops, r, &r->lock };
	code = bus_add(b, &r->region, e);
	if (code < 0) {
		free(r);
		return code;
	}
	*out = r;
	return 0;
}

void rtc_free(struct rtc *r)
{
	if (!r)
		return;
	timer_cancel(&r->second);
	timer_cancel(&r->periodic);
	bus_remove(r->bus, &r->region);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
