/* SPDX-License-Identifier: MIT */
#include "emu/dev/i6300esb.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdlib.h>

#define BAR_SIZE 4096u
#define PCI_HZ   UINT64_C(33000000)
#define PRELOAD  0xfffffu

/* Configuration space. */
#define AT_CONFIG   0x60u
#define CONFIG_FAST 0x04u /* ticks of 2^5 clocks, not 2^15 */
#define CONFIG_MUTE 0x20u /* the second stage resets nothing */
#define AT_LOCK     0x68u
#define LOCK_LOCKED 1u
#define LOCK_ENABLE 2u
#define LOCK_FREE   4u /* runs for ever, and bites nobody */

/* Registers. */
enum { R_TIMER1 = 0x00, R_TIMER2 = 0x04, R_STATUS = 0x08, R_RELOAD = 0x0c };
#define RELOAD_NOW   0x100u
#define RELOAD_BIT   0x200u /* it has bitten since power-on; written, it is forgotten */
#define STATUS_FIRST 1u

struct i6300esb {
	struct pci_dev pci;
	struct clock *clock;
	void (*bite)(void *arg);
	void *arg;
	pthread_mutex_t lock; /* what follows */
	struct timer timer;
	uint16_t config;
	uint8_t locks;
	uint32_t preload[2];
	unsigned stage;    /* that runs: 0 or 1 */
	unsigned unlocked; /* how much of 80, 86 was written */
	bool running, first, bitten;
};

static void start(struct i6300esb *w, unsigned stage)
{
	unsigned shift = w->config & CONFIG_FAST ? 5 : 15;

	w->stage = stage;
	timer_set(&w->timer,
		  clock_now(w->clock) + mul_div((uint64_t)(w->preload[stage] + 1) << shift,
						NS_PER_SEC, PCI_HZ));
}

static void stop(struct i6300esb *w)
{
	w->running = false;
	timer_cancel(&w->timer);
}

/* As after power-on, but for the memory of a bite; the lock is held. */
static void clear(struct i6300esb *w)
{
	stop(w);
	w->preload[0] = w->preload[1] = PRELOAD;
	w->stage = w->unlocked = 0;
	w->first = false;
	w->config = 0;
	w->locks = 0;
}

static void on_timer(void *arg)
{
	struct i6300esb *w = arg;
	bool free_running = w->locks & LOCK_FREE;

	if (w->stage == 0) {
		w->first = true;
		start(w, 1);
		return;
	}
	if (free_running) {
		start(w, 0);
		return;
	}
	if (w->config & CONFIG_MUTE) {
		stop(w);
		return;
	}
	clear(w);
	w->bitten = true;
	w->bite(w->arg);
}

static uint64_t reg_read(void *dev, uint64_t off, unsigned size)
{
	const struct i6300esb *w = dev;

	(void)size;
	switch (off & ~3u) {
	case R_TIMER1:
		return w->preload[0];
	case R_TIMER2:
		return w->preload[1];
	case R_STATUS:
		return w->first ? STATUS_FIRST : 0;
	case R_RELOAD:
		return w->bitten ? RELOAD_BIT : 0;
	default:
		return 0;
	}
}

static void reload(struct i6300esb *w, unsigned v)
{
	if (w->unlocked == 2) {
		w->unlocked = 0;
		if (v & RELOAD_BIT)
			w->bitten = false;
		if ((v & RELOAD_NOW) && w->running)
			start(w, 0);
	} else if ((v & 0xff) == 0x80) {
		w->unlocked = 1;
	} else {
		w->unlocked = (v & 0xff) == 0x86 && w->unlocked == 1 ? 2 : 0;
	}
}

static void reg_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct i6300esb *w = dev;

	(void)size;
	switch (off) {
	case R_TIMER1:
	case R_TIMER2:
		if (w->unlocked == 2)
			w->preload[off / 4] = (uint32_t)v & PRELOAD;
		w->unlocked = 0;
		break;
	case R_STATUS:
		if (v & STATUS_FIRST)
			w->first = false;
		break;
	case R_RELOAD:
		reload(w, (unsigned)v);
		break;
	default:
		break;
	}
}

static const struct bus_ops ops = { reg_read, reg_write, 1, 4 };

static void show(struct pci_dev *d, unsigned off, unsigned len)
{
	struct i6300esb *w = d->owner;

	(void)off;
	(void)len;
	pthread_mutex_lock(&w->lock);
	store_le16(d->config + AT_CONFIG, w->config);
	d->config[AT_LOCK] = w->locks;
	pthread_mutex_unlock(&w->lock);
}

/* The lock register; what is locked stays so until a reset. */
static void set_locks(struct i6300esb *w, uint8_t v)
{
	if (w->locks & LOCK_LOCKED)
		return;
	w->locks = v;
	if (!(v & LOCK_ENABLE)) {
		stop(w);
	} else if (!w->running) {
		w->running = true;
		start(w, 0);
	}
}

static void written(struct pci_dev *d, unsigned off, unsigned len)
{
	struct i6300esb *w = d->owner;

	pthread_mutex_lock(&w->lock);
	if (off < AT_CONFIG + 2 && off + len > AT_CONFIG)
		w->config = load_le16(d->config + AT_CONFIG);
	if (off <= AT_LOCK && off + len > AT_LOCK)
		set_locks(w, d->config[AT_LOCK]);
	pthread_mutex_unlock(&w->lock);
}

int i6300esb_new(struct i6300esb **out, struct pci *p, unsigned slot, struct clock *c,
		 void (*bite)(void *arg), void *arg, struct err *e)
{
	struct i6300esb *w = mem_zalloc(1, sizeof(*w), e);
	int r;

	if (!w)
		return -ENOMEM;
	w->clock = c;
	w->bite = bite;
	w->arg = arg;
	pthread_mutex_init(&w->lock, NULL);
	w->timer = (struct timer){ .clock = c, .fire = on_timer, .arg = w, .lock = &w->lock };
	w->pci.name = "i6300esb";
	w->pci.owner = w;
	w->pci.written = written;
	w->pci.reading = show;
	pci_ids(&w->pci, 0x8086, 0x25ab, 0x088000);
	store_le16(w->pci.writable + AT_CONFIG, 0x27);
	w->pci.writable[AT_LOCK] = LOCK_LOCKED | LOCK_ENABLE | LOCK_FREE;
	clear(w);
	pci_bar(&w->pci, 0, false, false, BAR_SIZE, &ops, w, &w->lock);
	r = pci_add(p, &w->pci, slot ? (int)slot : -1, 0, e);
	if (r < 0) {
		i6300esb_free(w);
		return r;
	}
	*out = w;
	return 0;
}

void i6300esb_reset(struct i6300esb *w)
{
	pthread_mutex_lock(&w->lock);
	clear(w);
	pthread_mutex_unlock(&w->lock);
}

void i6300esb_free(struct i6300esb *w)
{
	if (!w)
		return;
	pci_remove(&w->pci);
	pthread_mutex_lock(&w->lock);
	stop(w);
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

const struct pci_dev *i6300esb_pci(const struct i6300esb *w)
{
	return &w->pci;
}
