/* SPDX-License-Identifier: MIT */
/* Registers as in National Semiconductor's PC16550D data sheet, section 8. */
#include "emu/dev/serial_16550.h"

#include "base/mem.h"
#include "emu/chardev/chardev.h"

#include <stdlib.h>

#define FIFO 16u

enum reg { R_DATA, R_IER, R_IIR_FCR, R_LCR, R_MCR, R_LSR, R_MSR, R_SCR };

#define IER_RX   0x01
#define IER_TX   0x02
#define IER_LINE 0x04
#define IER_MSR  0x08
#define IIR_NONE 0x01
#define IIR_TX   0x02
#define IIR_RX   0x04
#define IIR_LINE 0x06
#define IIR_MSR  0x00
#define IIR_TIME 0x0c
#define IIR_FIFO 0xc0
#define FCR_ON   0x01
#define FCR_RXCL 0x02
#define LCR_DLAB 0x80
#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_BI   0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define MSR_CTS  0x10
#define MSR_DSR  0x20
#define MSR_RI   0x40
#define MSR_DCD  0x80

struct serial {
	pthread_mutex_t lock;
	struct bus *bus;
	struct bus_region region;
	struct irq irq;
	struct chardev *out;
	uint8_t ier, fcr, lcr, mcr, lsr, msr, scr, dll, dlm;
	bool thr_empty_irq; /* THR became empty, and nobody has been told */
	bool held;          /* a byte waits in THR: the chardev takes none */
	uint8_t thr;
	uint8_t fifo[FIFO];
	unsigned head, n;
};

static unsigned depth(const struct serial *s)
{
	return s->fcr & FCR_ON ? FIFO : 1;
}

/* How many bytes raise the receive interrupt. */
static unsigned trigger(const struct serial *s)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return s->fcr & FCR_ON ? levels[s->fcr >> 6] : 1;
}

/* The cause with the highest priority. */
static uint8_t cause(const struct serial *s)
{
	if ((s->ier & IER_LINE) && (s->lsr & (LSR_OE | LSR_BI)))
		return IIR_LINE;
	/* there is no time between characters here: fewer than the trigger is a timeout */
	if ((s->ier & IER_RX) && s->n)
		return s->n >= trigger(s) ? IIR_RX : IIR_TIME;
	if ((s->ier & IER_TX) && s->thr_empty_irq)
		return IIR_TX;
	if ((s->ier & IER_MSR) && (s->msr & 0x0f))
		return IIR_MSR;
	return IIR_NONE;
}

static void update(struct serial *s)
{
	irq_set(&s->irq, cause(s) != IIR_NONE);
}

static void receive(struct serial *s, uint8_t v)
{
	if (s->n == depth(s)) {
		s->lsr |= LSR_OE;
		return;
	}
	s->fifo[(s->head + s->n++) % FIFO] = v;
	s->lsr |= LSR_DR;
}

static uint8_t take(struct serial *s)
{
	uint8_t v = 0;

	if (s->n) {
		v = s->fifo[s->head];
		s->head = (s->head + 1) % FIFO;
		s->n--;
	}
	if (!s->n)
		s->lsr &= (uint8_t)~LSR_DR;
	if (s->out)
		chardev_more(s->out);
	return v;
}

static void send(struct serial *s, uint8_t v)
{
	s->thr_empty_irq = false;
	if (s->mcr & MCR_LOOP) {
		receive(s, v);
	} else if (s->out && chardev_write(s->out, &v, 1) != 1) {
		s->held = true;
		s->thr = v;
		s->lsr &= (uint8_t) ~(LSR_THRE | LSR_TEMT);
		return;
	}
	s->thr_empty_irq = true;
}

/* Inputs of the modem: what the outputs are in loopback, else a modem that is ready. */
static void set_msr(struct serial *s)
{
	uint8_t old = s->msr, now = MSR_CTS | MSR_DSR | MSR_DCD;

	if (s->mcr & MCR_LOOP)
		now = (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) |
				(s->mcr & MCR_DTR ? MSR_DSR : 0) |
				(s->mcr & MCR_OUT1 ? MSR_RI : 0) |
				(s->mcr & MCR_OUT2 ? MSR_DCD : 0));
	else if (!s->out)
		now = 0;
	/* deltas; the one of RI only when it goes away */
	s->msr = (uint8_t)(now | (old & 0x0f) | ((old ^ now) >> 4 & 0x0b) |
			   ((old & ~now & MSR_RI) >> 4));
}

static uint64_t serial_read(void *dev, uint64_t off, unsigned size)
{
	struct serial *s = dev;
	uint8_t v = 0xff;

	(void)size;
	switch ((enum reg)off) {
	case R_DATA:
		v = s->lcr & LCR_DLAB ? s->dll : take(s);
		break;
	case R_IER:
		v = s->lcr & LCR_DLAB ? s->dlm : s->ier;
		break;
	case R_IIR_FCR:
		v = cause(s);
		if (v == IIR_TX)
			s->thr_empty_irq = false;
		v |= s->fcr & FCR_ON ? IIR_FIFO : 0;
		break;
	case R_LCR:
		v = s->lcr;
		break;
	case R_MCR:
		v = s->mcr;
		break;
	case R_LSR:
		v = s->lsr;
		s->lsr &= (uint8_t) ~(LSR_OE | LSR_BI);
		break;
	case R_MSR:
		v = s->msr;
		s->msr &= 0xf0;
		break;
	case R_SCR:
		v = s->scr;
		break;
	}
	update(s);
	return v;
}

static void set_ier(struct serial *s, uint8_t v)
{
	/* allowing the transmit interrupt while THR is empty raises it */
	if ((v & ~s->ier & IER_TX) && (s->lsr & LSR_THRE))
		s->thr_empty_irq = true;
	s->ier = v & 0x0f;
}

static void set_fcr(struct serial *s, uint8_t v)
{
	if ((v & FCR_RXCL) || ((v ^ s->fcr) & FCR_ON)) {
		s->n = 0;
		s->lsr &= (uint8_t)~LSR_DR;
		if (s->out)
			chardev_more(s->out);
	}
	s->fcr = v & (FCR_ON | 0xc8);
}

static void serial_write(void *dev, uint64_t off, unsigned size, uint64_t value)
{
	struct serial *s = dev;
	uint8_t v = (uint8_t)value;

	(void)size;
	switch ((enum reg)off) {
	case R_DATA:
		if (s->lcr & LCR_DLAB)
			s->dll = v;
		else
			send(s, v);
		break;
	case R_IER:
		if (s->lcr & LCR_DLAB)
			s->dlm = v;
		else
			set_ier(s, v);
		break;
	case R_IIR_FCR:
		set_fcr(s, v);
		break;
	case R_LCR:
		s->lcr = v;
		break;
	case R_MCR:
		s->mcr = v & 0x1f;
		set_msr(s);
		break;
	case R_LSR:
	case R_MSR:
		break;
	case R_SCR:
		s->scr = v;
		break;
	}
	update(s);
}

static const struct bus_ops ops = { serial_read, serial_write, 1, 1 };

/* ---- the chardev's side, in the loop's thread ---- */

static size_t room(void *arg)
{
	struct serial *s = arg;
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->mcr & MCR_LOOP ? 0 : depth(s) - s->n;
	pthread_mutex_unlock(&s->lock);
	return n > FIFO ? 0 : n;
}

static void input(void *arg, const uint8_t *p, size_t n)
{
	struct serial *s = arg;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < n; i++)
		receive(s, p[i]);
	update(s);
	pthread_mutex_unlock(&s->lock);
}

static void drained(void *arg)
{
	struct serial *s = arg;

	pthread_mutex_lock(&s->lock);
	if (s->held && chardev_write(s->out, &s->thr, 1) == 1) {
		s->held = false;
		s->lsr |= LSR_THRE | LSR_TEMT;
		s->thr_empty_irq = true;
		update(s);
	}
	pthread_mutex_unlock(&s->lock);
}

static void send_break(void *arg)
{
	struct serial *s = arg;

	pthread_mutex_lock(&s->lock);
	receive(s, 0);
	s->lsr |= LSR_BI;
	update(s);
	pthread_mutex_unlock(&s->lock);
}

void serial_reset(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	s->ier = s->fcr = s->lcr = s->scr = s->dlm = s->msr = 0;
	s->dll = 12;
	s->mcr = MCR_OUT2;
	s->lsr = LSR_THRE | LSR_TEMT;
	s->held = s->thr_empty_irq = false;
	s->n = 0;
	set_msr(s);
	s->msr &= 0xf0;
	update(s);
	pthread_mutex_unlock(&s->lock);
}

int serial_new(struct serial **out, struct bus *b, uint16_t base, struct irq irq,
	       struct chardev *c, struct err *e)
{
	struct serial *s = mem_zalloc(1, sizeof(*s), e);
	const struct chardev_user u = {
		.room = room, .input = input, .drained = drained, .brk = send_break, .arg = s
	};
	int r;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->bus = b;
	s->irq = irq;
	s->out = c;
	s->region = (struct bus_region){ "serial", BUS_PORT, base, 8, &ops, s, &s->lock };
	r = bus_add(b, &s->region, e);
	if (r < 0) {
		free(s);
		return r;
	}
	serial_reset(s);
	r = c ? chardev_use(c, chardev_id(c), &u, e) : 0;
	if (r < 0) {
		serial_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void serial_free(struct serial *s)
{
	if (!s)
		return;
	chardev_leave(s->out, s);
	bus_remove(s->bus, &s->region);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
