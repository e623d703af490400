/* SPDX-License-Identifier: MIT */
#include "emu/machine.h"

#include "base/io.h"
#include "base/mem.h"
#include "emu/boot/acpi.h"
#include "emu/boot/multiboot.h"
#include "emu/boot/pvh.h"
#include "emu/bus.h"
#include "emu/chardev/chardev.h"
#include "emu/clock.h"
#include "emu/cpu/x86/exec.h"
#include "emu/cpu/x86/state.h"
#include "emu/dev/lapic.h"
#include "emu/log.h"
#include "emu/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t clock_of(void *arg)
{
	return clock_now(arg);
}

/* ---- stopping and going on ---- */

bool machine_vcpu_stop(struct vcpu *c)
{
	struct machine *m = c->m;
	bool go;

	pthread_mutex_lock(&m->lock);
	m->parked++;
	pthread_cond_broadcast(&m->changed);
	while (m->hold && !m->ending)
		pthread_cond_wait(&m->changed, &m->lock);
	m->parked--;
	atomic_fetch_and(&c->request, ~(uint32_t)(VCPU_STOP | VCPU_RESET));
	go = !m->ending;
	pthread_mutex_unlock(&m->lock);
	return go;
}

/* Has all vCPUs outside guest code when it returns. */
static void hold(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->hold = true;
	for (unsigned i = 0; i < m->vcpus; i++)
		if (m->vcpu[i].started)
			vcpu_ask(&m->vcpu[i], VCPU_STOP);
	for (unsigned i = 0; i < m->vcpus; i++)
		while (m->vcpu[i].started && m->parked < m->vcpus)
			pthread_cond_wait(&m->changed, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

static void release(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->hold = false;
	m->resumes++;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void machine_hold(struct machine *m)
{
	hold(m);
}

void machine_release(struct machine *m)
{
	if (m->running)
		release(m);
}

void machine_stop(struct machine *m)
{
	if (!m->running)
		return;
	m->running = false;
	hold(m);
	clock_stop(m->clock);
	machine_event(m, "STOP", NULL);
}

void machine_cont(struct machine *m)
{
	if (m->running || m->powered_off)
		return;
	m->running = true;
	m->stopped_by = NULL;
	/* who hears of it may still look at vCPUs */
	machine_event(m, "RESUME", NULL);
	clock_run(m->clock);
	release(m);
}

bool machine_powerdown(struct machine *m)
{
	machine_event(m, "POWERDOWN", NULL);
	return pc_button(m);
}

/* ---- reset ---- */

enum kernel_kind { KERNEL_LINUX, KERNEL_ELF, KERNEL_MULTIBOOT };

/* By what is in its first bytes.  A file that is neither of the others is refused as a Multiboot
 * kernel is. */
static enum kernel_kind kind_of(int fd, struct err *e)
{
	AUTO_FREE uint8_t *head = mem_zalloc(1, MULTIBOOT_HEAD, e);
	size_t got = 0;

	if (!head || io_pread_upto(fd, head, MULTIBOOT_HEAD, 0, &got, NULL) < 0)
		return KERNEL_MULTIBOOT;
	if (got >= 0x206 && !memcmp(head + 0x202, "HdrS", 4))
		return KERNEL_LINUX;
	if (got >= 4 && !memcmp(head, "\177ELF", 4) && !multiboot_has_header(head, got))
		return KERNEL_ELF;
	return KERNEL_MULTIBOOT;
}

static int load_multiboot(struct machine *m, struct err *e)
{
	const struct multiboot_boot b = { .kernel_fd = m->kernel_fd,
					  .module_fd = m->initrd_fd,
					  .kernel = m->config->kernel,
					  .module = m->config->initrd,
					  .cmdline = m->config->append,
					  .map = m->map,
					  .map_n = m->map_n,
					  .low_ram = m->low_ram };
	struct multiboot_entry entry;
	int r = multiboot_load(m->mem, &b, &entry, e);

	if (r < 0)
		return err_wrap(e, r, "%s", m->config->kernel);
	multiboot_enter(m->vcpu[0].x86, &entry);
	return 0;
}

static int load(struct machine *m, struct err *e)
{
	struct linux_boot b = { .kernel_fd = m->kernel_fd,
				.initrd_fd = m->initrd_fd,
				.cmdline = m->config->append,
				.map = m->map,
				.map_n = m->map_n,
				.low_ram = m->low_ram };
	struct linux_entry entry;
	struct pvh_entry pvh;
	enum kernel_kind kind;
	int r;

	/* firmware begins at the reset vector */
	if (pc_firmware(m))
		return 0;
	kind = kind_of(m->kernel_fd, e);
	if (kind == KERNEL_MULTIBOOT)
		return load_multiboot(m, e);
	/* others look for it themselves */
	if (kind == KERNEL_ELF && !m->config->no_acpi)
		b.rsdp = ACPI_AT;
	if (kind == KERNEL_ELF)
		r = pvh_load(m->mem, &b, &pvh, e);
	else
		r = linux_load(m->mem, &b, &entry, e);
	if (r < 0)
		return err_wrap(e, r, "%s", m->config->kernel);
	if (kind == KERNEL_ELF)
		pvh_enter(m->vcpu[0].x86, &pvh);
	else
		linux_enter(m->vcpu[0].x86, &entry);
	return 0;
}

/* Everything as after power-on, with the kernel in place.  No vCPU runs. */
static int reset(struct machine *m, struct err *e)
{
	if (log_on(m->log, LOG_RESET))
		machine_log_registers(m);
	for (unsigned i = 0; i < m->vcpus; i++) {
		struct vcpu *c = &m->vcpu[i];

		x86_reset(c->x86);
		if (c->lapic)
			lapic_reset(c->lapic, false);
		atomic_store(&c->halted, false);
		atomic_store(&c->wait_sipi, i != 0);
		atomic_fetch_and(&c->request, VCPU_STOP);
		/* translations of what the memory held */
		atomic_fetch_or(&c->request, VCPU_FLUSH);
	}
	pc_reset(m);
	return load(m, e);
}

/* ---- requests, in the loop's thread ---- */

static void fail(struct machine *m, const char *why)
{
	m->status = 1;
	if (why != m->why)
		snprintf(m->why, sizeof(m->why), "%s", why);
	loop_quit(m->loop);
}

static void do_reset(struct machine *m)
{
	struct err e = { 0 };
	bool was = m->running;

	if (m->config->no_reboot) {
		machine_event(m, "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-reset\"}");
		loop_quit(m->loop);
		return;
	}
	hold(m);
	hot_reset(m);
	if (reset(m, &e) < 0) {
		fail(m, e.msg);
		return;
	}
	machine_event(m, "RESET", NULL);
	if (was)
		release(m);
}

static void do_poweroff(struct machine *m)
{
	machine_event(m, "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-shutdown\"}");
	if (!m->config->no_shutdown) {
		loop_quit(m->loop);
		return;
	}
	m->powered_off = true;
	machine_stop(m);
}

static void serve(void *arg)
{
	struct machine *m = arg;
	const char *why;
	unsigned asked;

	pthread_mutex_lock(&m->lock);
	asked = m->asked;
	m->asked = 0;
	why = m->pause_why;
	pthread_mutex_unlock(&m->lock);
	machine_events(m);
	if (asked & MACHINE_PAUSE) {
		if (m->running)
			m->stopped_by = why;
		machine_stop(m);
	}
	if (asked & MACHINE_EJECT) {
		machine_hold(m);
		hot_eject(m);
		machine_release(m);
	}
	if (asked & MACHINE_FAILED)
		fail(m, m->why);
	else if (asked & MACHINE_QUIT)
		loop_quit(m->loop);
	else if (asked & MACHINE_POWEROFF)
		do_poweroff(m);
	else if (asked & MACHINE_RESET)
		do_reset(m);
}

void machine_request(struct machine *m, enum machine_ask what, const char *why)
{
	struct vcpu *c = vcpu_current();

	pthread_mutex_lock(&m->lock);
	m->asked |= what;
	if (what == MACHINE_PAUSE)
		m->pause_why = why;
	if (what == MACHINE_FAILED && why)
		snprintf(m->why, sizeof(m->why), "%s", why);
	/* who asked does not go on before it was done */
	if (c && c->m == m) {
		m->hold = true;
		vcpu_ask(c, VCPU_STOP);
	}
	pthread_mutex_unlock(&m->lock);
	loop_do(m->loop, &m->job);
}

/* ---- life ---- */

/* Which accelerator, tried in the order that @want says; why not is in @e. */
static const struct accel_ops *choose(enum accel_kind want, struct err *e)
{
	if (want == ACCEL_KVM)
		return accel_kvm.probe(e) < 0 ? NULL : &accel_kvm;
	if (want == ACCEL_AUTO && accel_kvm.probe(NULL) == 0)
		return &accel_kvm;
	return accel_soft.probe(e) < 0 ? NULL : &accel_soft;
}

static int make_cpus(struct machine *m, struct err *e)
{
	const struct accel_env env = { .mem = m->mem,
				       .bus = m->bus,
				       .vcpus = m->vcpus,
				       .pic_vector = pc_pic_vector,
				       .pic_arg = m,
				       .clock_ns = clock_of,
				       .clock_arg = m->clock };
	uint32_t feat[FEAT_WORDS];
	int r = m->ops->open(&env, m->config->accel_opts, &m->vm, e);

	if (r < 0)
		return r;
	if (m->ops->features)
		r = m->ops->features(feat, e);
	else
		x86_cpuid_host(feat);
	if (r == 0)
		r = x86_cpuid_parse(&m->cpuid, m->config->cpu ? m->config->cpu : "max", feat,
				    e);
	if (r < 0)
		return r;
	m->cpuid.tsc_khz = x86_host_tsc_khz();
	m->cpuid.apic_khz = LAPIC_KHZ;
	m->cpuid.cpus = m->vcpus;
	m->cpuid.cores = m->config->cores;
	m->cpuid.threads = m->config->threads;
	for (unsigned i = 0; i < m->vcpus; i++) {
		struct vcpu *c = &m->vcpu[i];

		c->m = m;
		c->group = &m->group;
		c->index = i;
		c->ops = m->ops;
		sem_init(&c->wake, 0, 0);
		r = x86_cpu_new(&c->x86, x86_cpuid_apic_id(&m->cpuid, i), e);
		if (r < 0)
			return r;
		c->x86->cpuid = &m->cpuid;
		c->x86->log = m->log;
		c->x86->tsc_khz = m->cpuid.tsc_khz;
		apics_attach(m->apics, c);
		r = m->ops->vcpu_init(m->vm, c, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void on_quit(void *arg)
{
	machine_request(arg, MACHINE_QUIT, NULL);
}

static void on_tell(void *arg, const char *line)
{
	const struct machine *m = arg;

	if (m->config->tell)
		m->config->tell(m->config, line);
}

static int make_chardevs(struct machine *m, struct err *e)
{
	const struct machine_config *c = m->config;
	const struct chardev_env env = {
		.loop = m->loop, .quit = on_quit, .tell = on_tell, .arg = m, .escape = c->escape
	};

	return chardevs_new(&m->chardevs, &env, c->chardev, c->chardevs, e);
}

static int open_kernel(struct machine *m, struct err *e)
{
	if (!m->config->kernel)
		return 0;
	m->kernel_fd = io_open(m->config->kernel, O_RDONLY, 0, e);
	if (m->kernel_fd < 0)
		return m->kernel_fd;
	if (m->config->initrd) {
		m->initrd_fd = io_open(m->config->initrd, O_RDONLY, 0, e);
		if (m->initrd_fd < 0)
			return m->initrd_fd;
	}
	return 0;
}

int machine_new(struct machine **out, struct machine_config *c, struct err *e)
{
	struct machine *m = mem_zalloc(1, sizeof(*m), e);
	int r;

	if (!m)
		return -ENOMEM;
	m->config = c;
	m->kernel_fd = m->initrd_fd = -1;
	m->vcpus = c->smp;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, NULL);
	m->job = (struct loop_job){ .run = serve, .arg = m };
	r = log_new(&m->log, c->log_file, c->log_items, e);
	if (r < 0) {
		machine_free(m);
		return r;
	}
	m->vcpu = mem_zalloc(m->vcpus, sizeof(*m->vcpu), e);
	if (m->vcpu)
		vcpu_group_init(&m->group, m->vcpu, m->vcpus);
	r = m->vcpu ? open_kernel(m, e) : -ENOMEM;
	if (r == 0)
		r = machine_memory(m, e);
	if (r == 0)
		r = bus_new(&m->bus, e);
	if (r == 0) {
		bus_log(m->bus, m->log);
		r = loop_new(&m->loop, e);
	}
	if (r == 0)
		r = make_chardevs(m, e);
	if (r == 0) {
		m->clock = loop_clock(m->loop);
		r = apics_new(&m->apics, m->bus, m->clock, m->vcpus, e);
	}
	if (r == 0) {
		m->ops = choose(c->accel, e);
		r = m->ops ? 0 : -ENOTSUP;
	}
	if (r == 0)
		r = machine_log(m, c->log_items, e);
	if (r == 0)
		r = make_cpus(m, e);
	if (r == 0)
		r = pc_new(m, e);
	if (r == 0)
		r = hot_begin(m, e);
	if (r == 0)
		r = reset(m, e);
	if (r < 0) {
		machine_free(m);
		return r;
	}
	*out = m;
	return 0;
}

static void end_cpus(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->ending = true;
	for (unsigned i = 0; i < m->vcpus; i++)
		if (m->vcpu[i].started)
			vcpu_ask(&m->vcpu[i], VCPU_STOP);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < m->vcpus; i++) {
		if (m->vcpu[i].started)
			pthread_join(m->vcpu[i].thread, NULL);
		m->vcpu[i].started = false;
	}
}

void machine_lost(struct machine *m, const char *what)
{
	if (!m->why[0])
		snprintf(m->why, sizeof(m->why), "%s", what);
}

int machine_end(struct machine *m, struct err *e)
{
	struct err lost = { 0 };

	end_cpus(m);
	if (m->pc)
		pc_free(m);
	hot_end(m);
	if (nodes_end(&m->nodes, &lost) < 0)
		machine_lost(m, lost.msg);
	return m->why[0] ? err_set(e, -EIO, "%s", m->why) : 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	if (m->vcpu)
		end_cpus(m);
	if (m->pc)
		pc_free(m);
	hot_end(m);
	(void)!nodes_end(&m->nodes, NULL);
	for (unsigned i = 0; m->vcpu && i < m->vcpus; i++) {
		struct vcpu *c = &m->vcpu[i];

		if (c->accel)
			m->ops->vcpu_fini(c);
		x86_cpu_free(c->x86);
		if (c->m)
			sem_destroy(&c->wake);
	}
	if (m->vm)
		m->ops->close(m->vm);
	apics_free(m->apics);
	chardevs_free(m->chardevs);
	loop_free(m->loop);
	bus_free(m->bus);
	mem_free(m->mem);
	mem_source_free(&m->ram_bytes);
	io_close(m->kernel_fd);
	io_close(m->initrd_fd);
	log_free(m->log);
	vcpu_group_fini(&m->group);
	free(m->vcpu);
	machine_events_forget(m);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void name_thread(const struct vcpu *c)
{
	char name[16];

	snprintf(name, sizeof(name), "CPU %u/%s", c->index,
		 c->ops == &accel_soft ? "SOFT" : "KVM");
	pthread_setname_np(c->thread, name);
}

/* vCPU threads get no signals: those are the main thread's. */
static int start_cpus(struct machine *m, struct err *e)
{
	sigset_t all, old;
	int r = 0;

	sigfillset(&all);
	/* what generated code raises is its own */
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	m->hold = true;
	for (unsigned i = 0; i < m->vcpus && r == 0; i++) {
		struct vcpu *c = &m->vcpu[i];

		vcpu_ask(c, VCPU_STOP);
		r = pthread_create(&c->thread, NULL, vcpu_thread, c);
		if (r)
			r = err_set(e, -r, "no thread for vCPU %u", i);
		else
			c->started = true;
		if (c->started && m->config->debug_threads)
			name_thread(c);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int machine_run(struct machine *m, int *status, struct err *e)
{
	int r = start_cpus(m, e);

	if (r < 0)
		return r;
	if (!m->config->stopped)
		machine_cont(m);
	r = loop_run(m->loop, e);
	machine_stop(m);
	*status = m->status;
	return r;
}
