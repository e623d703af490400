/* SPDX-License-Identifier: MIT */
#include "hostcheck/facts.h"

#include "base/mem.h"
#include "host/cmdline.h"

#include <stdlib.h>
#include <string.h>

static int facts_read_vendor(const struct host *h, struct kvm_vendor *out, struct err *e)
{
	AUTO_MODULES struct modules *m = NULL;
	int r = modules_open(h, &m, e);

	return r < 0 ? r : kvm_vendor_get(m, out, e);
}

static void facts_close_modules(struct modules **m)
{
	modules_close(*m);
}

static void facts_free_ids(struct process_ids *p)
{
	free(p->groups);
}

static void facts_free_text(char **text)
{
	free(*text);
}

/* These own nothing. */
#define KEEP(name, type)                            \
	static void facts_keep_##name(type *unused) \
	{                                           \
		(void)unused;                       \
	}
KEEP(virt, struct virt)
KEEP(kvm, struct kvm)
KEEP(distro, struct distro)
KEEP(memory, struct memory)
KEEP(vendor, struct kvm_vendor)

enum state { NOT_ASKED, THERE, FAILED };

#define STORE(name, type, read, release) \
	struct {                         \
		type v;                  \
		enum state state;        \
		struct err e;            \
	} name;

struct facts_store {
	FACTS(STORE)
};

#define DEFINE(name, type, read, release)                                       \
	int facts_##name(struct facts *f, type const **out, struct err *e)      \
	{                                                                       \
		struct facts_store *s = f->store;                               \
		if (s->name.state == NOT_ASKED) {                               \
			int r = read(f->h, &s->name.v, &s->name.e);             \
			s->name.state = r < 0 ? FAILED : THERE;                 \
			if (r < 0)                                              \
				s->name.e.code = r;                             \
		}                                                               \
		if (s->name.state == FAILED)                                    \
			return err_set(e, s->name.e.code, "%s", s->name.e.msg); \
		*out = &s->name.v;                                              \
		return 0;                                                       \
	}
FACTS(DEFINE)

int facts_open(const struct host *h, const struct check_opts *o, struct facts **out,
	       struct err *e)
{
	struct facts *f = mem_zalloc(1, sizeof(*f), e);

	if (!f)
		return -ENOMEM;
	f->h = h;
	f->o = o;
	f->store = mem_zalloc(1, sizeof(*f->store), e);
	if (!f->store) {
		free(f);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

#define CLOSE(name, type, read, release)   \
	if (f->store->name.state == THERE) \
		release(&f->store->name.v);

void facts_close(struct facts *f)
{
	if (!f)
		return;
	FACTS(CLOSE)
	free(f->store);
	free(f);
}

const char *facts_kernel(struct facts *f)
{
	const struct kernels *k = NULL;

	return facts_kernels(f, &k, NULL) == 0 ? k->running : "";
}

bool facts_is_guest(const char *arch)
{
	static const char *const known[] = { "i386", "x86_64", "arm", "aarch64" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i], arch))
			return true;
	return false;
}

bool facts_is_x86(const struct facts *f)
{
	return cpuid_is_x86(f->h);
}

bool facts_is_arm64(const struct facts *f)
{
	return !strcmp(host_arch(f->h), "aarch64");
}
