/* SPDX-License-Identifier: MIT */
/*
 * A machine: memory, buses, devices, vCPUs; its start, stop, reset and end.
 *
 * Threads: the loop's (timers, chardevs, everything machine_*() but where said), one a vCPU,
 * and those of disks and networks.  Locks, in the order in which they are taken:
 *
 *   device -> its bus (pci, msix) -> pic or ioapic -> lapic -> clock, vcpu_ask()
 *
 * The bus's own lock is never held while a device is called.  The memory map changes in exclusive
 * sections of the group of vCPUs (vcpu.h).
 */
#ifndef EMU_MACHINE_H
#define EMU_MACHINE_H

#include "base/err.h"
#include "emu/accel.h"
#include "emu/boot/linux.h"
#include "emu/config.h"
#include "emu/cpu/x86/cpuid.h"
#include "emu/disk.h"
#include "emu/display/display.h"
#include "emu/hot.h"
#include "emu/irq.h"
#include "emu/loop.h"
#include "emu/mem.h"
#include "emu/nodes.h"
#include "emu/vcpu.h"

#include <pthread.h>

enum machine_ask {
	MACHINE_RESET = 1,
	MACHINE_POWEROFF = 2,
	MACHINE_QUIT = 4,
	MACHINE_FAILED = 8,
	MACHINE_PAUSE = 16, /* as machine_stop() */
	MACHINE_EJECT = 32, /* hot_eject() */
};

/* What happened, for a monitor: QMP's name of it, and the text of a JSON object or NULL. */
struct machine_watch {
	void (*event)(void *arg, const char *name, const char *data);
	void *arg;
};

#define MACHINE_WATCHES 4
#define MACHINE_EVENTS  32

/* One that waits for the loop's thread. */
struct machine_note {
	const char *name;
	char *data;
};

struct machine {
	struct machine_config *config;
	struct loop *loop;
	struct chardevs *chardevs;
	struct clock *clock;
	struct mem *mem;
	struct bus *bus;
	uint8_t *ram;
	struct mem_bytes ram_bytes;
	struct log *log;
	uint64_t low_ram, high_ram; /* bytes below and above 4 GiB */

	const struct accel_ops *ops;
	void *vm;
	struct x86_cpuid cpuid;
	struct vcpu *vcpu;
	unsigned vcpus;
	struct vcpu_group group;

	struct display display;
	struct apics *apics;
	struct pc *pc; /* machines/pc.c */
	struct nodes nodes;
	struct hot hot;
	int kernel_fd, initrd_fd;
	struct e820 map[8];
	size_t map_n;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	unsigned parked;  /* vCPU threads that wait */
	bool hold;        /* they shall wait */
	bool ending;      /* they shall end */
	unsigned asked;   /* enum machine_ask */
	unsigned resumes; /* how often it went on */
	char why[ERR_MSG_SIZE];
	const char *pause_why;
	struct machine_note note[MACHINE_EVENTS]; /* not told yet */
	unsigned notes;
	struct loop_job job;
	struct machine_watch watch[MACHINE_WATCHES];

	bool running, powered_off;
	const char *stopped_by; /* QMP's name of a state, or NULL: nobody but a person */
	int status;             /* of the process */
};

/* All of it, ready to run.  The configuration stays the caller's. */
int machine_new(struct machine **out, struct machine_config *c, struct err *e) MUST_CHECK;
void machine_free(struct machine *m);
/* Ends everything but the machine itself, and says whether anything was lost. */
int machine_end(struct machine *m, struct err *e) MUST_CHECK;
/* Runs until the end, in the caller's thread; *@status is the process's exit status. */
int machine_run(struct machine *m, int *status, struct err *e) MUST_CHECK;

/* From any thread, also from within devices.  @why: for MACHINE_PAUSE QMP's name of the state that
 * the machine is in then ("io-error"), constant; or NULL. */
void machine_request(struct machine *m, enum machine_ask what, const char *why);

/* The loop's thread. */
void machine_stop(struct machine *m);
void machine_cont(struct machine *m);
/* No vCPU is in guest code between the two, whether the machine runs or not. */
void machine_hold(struct machine *m);
void machine_release(struct machine *m);
/* The power button.  False: the guest does not listen. */
bool machine_powerdown(struct machine *m);
/* The end lost something that the guest had been told was safe: the process fails. */
void machine_lost(struct machine *m, const char *what);
/* Who hears of events; taken away by its @arg.  False: too many. */
bool machine_watch_add(struct machine *m, const struct machine_watch *w);
void machine_watch_remove(struct machine *m, void *arg);
void machine_event(struct machine *m, const char *name, const char *data);
/* The same from any thread: soon.  Takes over @data, of malloc().  What comes faster than anybody
 * can be told is lost. */
void machine_event_soon(struct machine *m, const char *name, char *data);
/* For machine.c: tells what waits. */
void machine_events(struct machine *m);
void machine_events_forget(struct machine *m);
/* What is logged from now on (enum log_item); -ENOTSUP: the accelerator cannot. */
int machine_log(struct machine *m, unsigned items, struct err *e) MUST_CHECK;
/* All vCPUs', into the log. */
void machine_log_registers(const struct machine *m);
/* The network with that id of -netdev; NULL: the first of the kind user. */
struct net;
int machine_net(const struct machine *m, const char *id, struct net **out, struct err *e)
	MUST_CHECK;
/* Errors of @d stop @m, where they are to: fills in d->stop and its kin. */
void machine_disk(struct machine *m, struct disk *d);
#define MACHINE_DISK_NAME 64u
/* How disk @i is called: by the id of its drive, or as QEMU calls it. */
void machine_disk_name(const struct machine_config *c, unsigned i, char to[MACHINE_DISK_NAME]);

/* The guest says that it is lost, or that what it does then is ready; any thread. */
void machine_panicked(struct machine *m);
void machine_crash_loaded(struct machine *m);
/* A watchdog has run out; the loop's thread. */
void machine_watchdog(struct machine *m);
/* QEMU's name of it; NULL past the last. */
const char *machine_watchdog_name(enum watchdog_action a);

/* machine_balloon.c: the guest does not need [gpa, gpa + len) any more, which nobody has checked; any
 * thread, as the next: so much is in its balloon now. */
void machine_give_back(struct machine *m, uint64_t gpa, uint64_t len);
void machine_ballooned(struct machine *m, uint64_t bytes);
/* How much memory the guest shall have, and has.  -ENODEV: it has no balloon. */
int machine_balloon(struct machine *m, uint64_t bytes, struct err *e) MUST_CHECK;
int machine_balloon_now(struct machine *m, uint64_t *bytes, struct err *e) MUST_CHECK;

/* For vcpu.c, in a vCPU's thread that was asked to stop: waits.  False: the end. */
bool machine_vcpu_stop(struct vcpu *c);

/* machine_memory.c: makes and maps it, and fills in the table of it. */
int machine_memory(struct machine *m, struct err *e) MUST_CHECK;

/* machines/pc.c */
int pc_new(struct machine *m, struct err *e) MUST_CHECK;
void pc_free(struct machine *m);
void pc_reset(struct machine *m);
/* Firmware starts the machine; else the kernel is put in place and entered. */
bool pc_firmware(const struct machine *m);
struct virtio_balloon;
struct virtio_balloon *pc_balloon(const struct machine *m);
int pc_pic_vector(void *machine);
bool pc_button(struct machine *m);
/* Bytes that a PS/2 keyboard sends (display/keys.h), all or none.  False: the guest is not ready for
 * them.  Any thread. */
bool pc_key(struct machine *m, const uint8_t *codes, unsigned n);
/* For people: what the interrupt controllers hold. */
struct str;
void pc_interrupts(struct machine *m, struct str *out);
struct pci;
struct pci *pc_bus(struct machine *m);
struct pc_pci;
struct pc_pci *pc_pci_of(const struct machine *m);
/* The network of that card in the configuration; NULL: the card is gone. */
struct net *pc_net(const struct machine *m, unsigned n);
/* The disk of that number in the configuration. */
struct disk *pc_disk(const struct machine *m, unsigned n);
#endif
