/* SPDX-License-Identifier: MIT */
#include "emu/dev/i8042.h"

#include "base/mem.h"

#include <stdlib.h>

#define QUEUE       32u
#define ST_OUT      0x01
#define ST_SYSTEM   0x04
#define ST_COMMAND  0x08
#define ST_UNLOCKED 0x10
#define CFG_IRQ     0x01
#define CFG_SYSTEM  0x04
#define CFG_OFF     0x10 /* keyboard disabled */
#define CFG_XLATE   0x40
#define OUT_A20     0x02
#define KBD_ACK     0xfa
#define KBD_RESEND  0xfe

struct i8042 {
	pthread_mutex_t lock;
	struct bus *bus;
	struct irq irq;
	struct i8042_env env;
	struct bus_region data, command;
	uint8_t config, out_port, status_cmd;
	uint8_t ram[32];
	uint8_t pending;        /* a controller command that waits for its byte */
	uint8_t kbd_pending;    /* likewise, the keyboard's */
	bool scanning, release; /* after f0: what follows is a release */
	uint8_t set;
	uint8_t q[QUEUE]; /* what the processor will read */
	unsigned head, n;
};

/* Scan code set 2 to set 1, as the controller does it. */
static const uint8_t translate[128] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e,
	0x0f, 0x29, 0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71,
	0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04,
	0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23,
	0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, 0x6b,
	0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19,
	0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c,
	0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b,
	0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d,
	0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54
};

static void update(struct i8042 *k)
{
	irq_set(&k->irq, k->n && (k->config & CFG_IRQ));
}

static void push(struct i8042 *k, uint8_t v)
{
	if (k->n < QUEUE)
		k->q[(k->head + k->n++) % QUEUE] = v;
}

/* From the keyboard: through the translation. */
static void from_keyboard(struct i8042 *k, uint8_t v)
{
	if (!(k->config & CFG_XLATE)) {
		push(k, v);
		return;
	}
	if (v == 0xf0) {
		k->release = true;
		return;
	}
	if (v < 128)
		v = translate[v];
	else if (v == 0x83)
		v = 0x41;
	push(k, (uint8_t)(v | (k->release ? 0x80 : 0)));
	k->release = false;
}

static void keyboard(struct i8042 *k, uint8_t v)
{
	uint8_t was = k->kbd_pending;

	k->kbd_pending = 0;
	if (was) {
		push(k, KBD_ACK);
		if (was == 0xf0 && v == 0)
			from_keyboard(k, k->set);
		else if (was == 0xf0 && v <= 3)
			k->set = v;
		return;
	}
	switch (v) {
	case 0xed: /* lamps, scan code set, repetition: a byte follows */
	case 0xf0:
	case 0xf3:
		k->kbd_pending = v;
		break;
	case 0xee:
		push(k, 0xee);
		return;
	case 0xf2:
		push(k, KBD_ACK);
		from_keyboard(k, 0xab);
		from_keyboard(k, 0x83);
		return;
	case 0xf4:
	case 0xf5:
		k->scanning = v == 0xf4;
		break;
	case 0xf6:
		k->set = 2;
		break;
	case 0xff:
		k->scanning = true;
		k->set = 2;
		push(k, KBD_ACK);
		push(k, 0xaa);
		return;
	default:
		if (v < 0xed) {
			push(k, KBD_RESEND);
			return;
		}
	}
	push(k, KBD_ACK);
}

static void gate(struct i8042 *k, bool open)
{
	if (open)
		k->out_port |= OUT_A20;
	else
		k->out_port &= (uint8_t)~OUT_A20;
	if (k->env.a20)
		k->env.a20(k->env.arg, open);
}

static void command(struct i8042 *k, uint8_t v)
{
	k->pending = 0;
	if (v >= 0x20 && v < 0x40) {
		push(k, v == 0x20 ? k->config : k->ram[v - 0x20]);
		return;
	}
	if ((v >= 0x60 && v < 0x80) || (v >= 0xd1 && v <= 0xd4)) {
		k->pending = v;
		return;
	}
	switch (v) {
	case 0xaa:
		k->config |= CFG_SYSTEM;
		push(k, 0x55);
		break;
	case 0xab:
		push(k, 0);
		break;
	case 0xa9: /* there is no mouse */
		push(k, 1);
		break;
	case 0xad:
		k->config |= CFG_OFF;
		break;
	case 0xae:
		k->config &= (uint8_t)~CFG_OFF;
		break;
	case 0xc0:
		push(k, 0x80);
		break;
	case 0xd0:
		push(k, k->out_port);
		break;
	case 0xdd: /* others' shorthands for the gate */
	case 0xdf:
		gate(k, v == 0xdf);
		break;
	default:
		/* pulses of the output port's low bits; bit 0 is the processor's reset */
		if (v >= 0xf0 && !(v & 1))
			k->env.reset(k->env.arg);
	}
}

static void parameter(struct i8042 *k, uint8_t v)
{
	uint8_t cmd = k->pending;

	k->pending = 0;
	switch (cmd) {
	case 0x60:
		k->config = v;
		break;
	case 0xd1:
		gate(k, v & OUT_A20);
		k->out_port = v;
		if (!(v & 1))
			k->env.reset(k->env.arg);
		break;
	case 0xd2:
		push(k, v);
		break;
	case 0xd3:
	case 0xd4: /* to the mouse that is not there */
		break;
	default:
		k->ram[cmd - 0x60] = v;
	}
}

static uint64_t data_read(void *dev, uint64_t off, unsigned size)
{
	struct i8042 *k = dev;
	uint8_t v = 0;

	(void)off;
	(void)size;
	if (k->n) {
		v = k->q[k->head];
		k->head = (k->head + 1) % QUEUE;
		k->n--;
	}
	/* the next byte is an edge of its own */
	irq_set(&k->irq, 0);
	update(k);
	return v;
}

static void data_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct i8042 *k = dev;

	(void)off;
	(void)size;
	k->status_cmd = 0;
	if (k->pending) {
		parameter(k, (uint8_t)v);
	} else {
		k->config &= (uint8_t)~CFG_OFF;
		keyboard(k, (uint8_t)v);
	}
	update(k);
}

static uint64_t status_read(void *dev, uint64_t off, unsigned size)
{
	struct i8042 *k = dev;

	(void)off;
	(void)size;
	return (uint64_t)((k->n ? ST_OUT : 0) | (k->config & CFG_SYSTEM ? ST_SYSTEM : 0) |
			  k->status_cmd | ST_UNLOCKED);
}

static void command_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct i8042 *k = dev;

	(void)off;
	(void)size;
	k->status_cmd = ST_COMMAND;
	command(k, (uint8_t)v);
	update(k);
}

static const struct bus_ops data_ops = { data_read, data_write, 1, 1 };
static const struct bus_ops command_ops = { status_read, command_write, 1, 1 };

bool i8042_key(struct i8042 *k, const uint8_t *codes, unsigned n)
{
	bool ok;

	pthread_mutex_lock(&k->lock);
	ok = k->n + n <= QUEUE && k->scanning && !(k->config & CFG_OFF);
	for (unsigned i = 0; i < n && ok; i++)
		from_keyboard(k, codes[i]);
	update(k);
	pthread_mutex_unlock(&k->lock);
	return ok;
}

void i8042_reset(struct i8042 *k)
{
	pthread_mutex_lock(&k->lock);
	k->config = CFG_SYSTEM | CFG_XLATE | CFG_IRQ;
	k->out_port = 0xdf;
	k->pending = k->kbd_pending = k->status_cmd = 0;
	k->set = 2;
	k->scanning = true;
	k->release = false;
	k->n = 0;
	update(k);
	pthread_mutex_unlock(&k->lock);
}

int i8042_new(struct i8042 **out, struct bus *b, struct irq irq, const struct i8042_env *env,
	      struct err *e)
{
	struct i8042 *k = mem_zalloc(1, sizeof(*k), e);
	int r;

	if (!k)
		return -ENOMEM;
	pthread_mutex_init(&k->lock, NULL);
	k->bus = b;
	k->irq = irq;
	k->env = *env;
	k->data = (struct bus_region){ "i8042", BUS_PORT, 0x60, 1, &data_ops, k, &k->lock };
	k->command =
		(struct bus_region){ "i8042", BUS_PORT, 0x64, 1, &command_ops, k, &k->lock };
	r = bus_add(b, &k->data, e);
	if (r == 0)
		r = bus_add(b, &k->command, e);
	if (r < 0) {
		i8042_free(k);
		return r;
	}
	i8042_reset(k);
	*out = k;
	return 0;
}

void i8042_free(struct i8042 *k)
{
	if (!k)
		return;
	bus_remove(k->bus, &k->data);
	bus_remove(k->bus, &k->command);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
