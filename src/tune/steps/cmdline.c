/* SPDX-License-Identifier: MIT */
/*
 * Words of the kernel's command line: written where this machine's boot loader keeps them, the
 * loader's own files made anew, and in effect after a reboot.  Only words that this kernel
 * knows and needs: "iommu=on" is none, and AMD's IOMMU needs no word at all.
 */
#include "host/cmdline.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/bootloader.h"
#include "host/iommu.h"
#include "host/sysattr.h"
#include "hugepages/pools.h"
#include "tune/steps/huge.h"

#include <stdlib.h>
#include <string.h>

#define EDITS_MAX 80

struct words_wanted {
	struct boot_edit v[EDITS_MAX];
	size_t n;
	bool full;
	char *huge;    /* pages of a pool that is for the command line: "4", "0:2,1:2" */
	char *running; /* /proc/cmdline, or NULL */
	char *set;     /* what is configured, or NULL */
};

static void want(struct words_wanted *w, enum boot_verb verb, const char *word)
{
	if (w->n < EDITS_MAX)
		w->v[w->n++] = (struct boot_edit){ .verb = verb, .word = word };
	else
		w->full = true;
}

static bool runs_with(const struct words_wanted *w, const char *name)
{
	char value[64];

	return w->running && cmdline_get(w->running, name, value, sizeof(value)) != -ENOENT;
}

static int live_iommu(const struct stepping *s, struct words_wanted *w, struct err *e)
{
	struct iommu m;
	int r = iommu_read(s->h, &m, e);

	if (r < 0)
		return r;
	if (m.state == IOMMU_ABSENT)
		r = STEP_NOTE(s, true, e,
			      "firmware tells of no IOMMU: switch it on in its setup (VT-d, "
			      "AMD-Vi, SMMU), if the machine has one");
	/* a kernel that has it on without being told needs no word */
	if ((m.sources & IOMMU_DMAR) && (m.state != IOMMU_ON || runs_with(w, "intel_iommu")))
		want(w, BOOT_SET, "intel_iommu=on");
	if (m.off_word)
		/* of a constant table in host/iommu.c, so it outlives this */
		if (strcmp(m.off_word, "intel_iommu=off"))
			want(w, BOOT_DROP, m.off_word);
	if (r == 0 && m.state == IOMMU_OFF && (m.sources & IOMMU_VIOT) && !m.n_units)
		r = STEP_NOTE(s, false, e,
			      "the IOMMU is a virtio device: its driver is the module "
			      "virtio_iommu, which not every kernel has ('vmod status "
			      "virtio_iommu')");
	iommu_free(&m);
	return r;
}

static int iommu_words(const struct stepping *s, struct words_wanted *w, struct err *e)
{
	bool arm = !strcmp(host_arch(s->h), "aarch64");
	char value[64];
	int r = 0;

	if (s->p->iommu == WISH_YES && host_has_kernel(s->h))
		r = live_iommu(s, w, e);
	else if (s->p->iommu == WISH_YES && !arm)
		r = STEP_NOTE(
			s, false, e,
			"an image does not tell whose IOMMU it will meet; for Intel's on "
			"Alpine add 'cmdline = intel_iommu=on' to [kernel], others are on "
			"by themselves");
	else if (s->p->iommu == WISH_NO)
		want(w, BOOT_DROP, "intel_iommu=on");
	if (s->p->iommu_pt == WISH_NO)
		want(w, BOOT_DROP, arm ? "iommu.passthrough=1" : "iommu=pt");
	if (s->p->iommu_pt == WISH_YES && arm)
		want(w, BOOT_SET, "iommu.passthrough=1");
	if (s->p->iommu_pt == WISH_YES && !arm) {
		bool other = w->set && !cmdline_get(w->set, "iommu", value, sizeof(value)) &&
			     strcmp(value, "on") && strcmp(value, "1") && strcmp(value, "pt");

		/* "iommu=soft" and its kin add up; "on" says nothing and can give way */
		want(w, other ? BOOT_ADD : BOOT_SET, "iommu=pt");
	}
	return r;
}

static int psi_word(const struct stepping *s, struct words_wanted *w, struct err *e)
{
	enum psi now;
	int r;

	if (s->p->psi == WISH_NO)
		want(w, BOOT_DROP, "psi=1");
	if (s->p->psi != WISH_YES)
		return 0;
	if (host_has_kernel(s->h)) {
		r = sysattr_psi(s->h, &now, e);
		if (r < 0)
			return r;
		if (now == PSI_NONE)
			return STEP_NOTE(s, true, e,
					 "this kernel is built without pressure stall "
					 "information");
		if (now == PSI_ON && !runs_with(w, "psi"))
			return 0;
	}
	want(w, BOOT_SET, "psi=1");
	return 0;
}

static int huge_words(const struct stepping *s, struct words_wanted *w, struct err *e)
{
	AUTO_HUGE struct huge_answer *a = NULL;
	int r = huge_work_out(s, &a, e);
	const char *pages;

	if (r < 0 || a->state != HUGE_READY || !a->at_boot || !a->size.cmdline)
		return r;
	pages = strstr(a->size.cmdline, " hugepages=");
	w->huge = mem_strdup(pages ? pages + strlen(" hugepages=") : "0", e);
	if (!w->huge)
		return -ENOMEM;
	want(w, BOOT_POOL, w->huge);
	/* one of the first words, so there was room */
	w->v[w->n - 1].size = a->page;
	return 0;
}

/* Names that may stand there several times, each with a meaning of its own. */
static bool adds_up(const char *word)
{
	static const char *const names[] = { "console",    "earlycon",      "video",
					     "memmap",     "pci",           "hugepages",
					     "hugepagesz", "cgroup_enable", "cgroup_disable" };
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], word, len))
			return true;
	return false;
}

static bool pool_holds(const char *set, const struct boot_edit *b)
{
	struct cmdline_pools pools;

	if (cmdline_pools(set, &pools, NULL) < 0)
		return false;
	for (size_t i = 0; i < pools.n; i++)
		if (pools.v[i].size == b->size && !strcmp(pools.v[i].text, b->word))
			return true;
	return false;
}

/* In effect by the words that are configured, wherever they stand. */
static bool holds(const char *set, const struct boot_edit *b)
{
	if (!set)
		return false;
	if (b->verb == BOOT_POOL)
		return pool_holds(set, b);
	if (b->verb == BOOT_SET)
		return cmdline_effective(set, b->word);
	/* what is dropped here always is a word with its value */
	return cmdline_has(set, b->word) == (b->verb == BOOT_ADD);
}

/* What is to change, in words. */
static char *listed(const struct words_wanted *w, struct err *e)
{
	char page[HUGEPAGE_TEXT];
	struct str s = STR_INIT;

	for (size_t i = 0; i < w->n; i++) {
		const struct boot_edit *b = &w->v[i];

		if (holds(w->set, b))
			continue;
		str_add(&s, s.len ? ", " : "");
		if (b->verb == BOOT_POOL)
			str_addf(&s, "hugepagesz=%s hugepages=%s", hugepage_text(b->size, page),
				 b->word);
		else
			str_addf(&s, "%s%s", b->verb == BOOT_DROP ? "without " : "", b->word);
	}
	return str_take(&s, e);
}

/* One of the loader's files.  1 if it changes. */
static int edit(const struct stepping *s, const struct boot_place *p,
		const struct words_wanted *w, const char *words, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *fresh = NULL;
	struct err why = { 0 };
	size_t len;
	int r = step_text(s, p->path, &text, e);

	if (r < 0 || !text)
		return r;
	r = boot_edit(p->syntax, text, strlen(text), w->v, w->n, &fresh, &len, &why);
	if (r == -ENOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r < 0)
		return STEP_NOTE(s, true, e, "%s: %s; the kernel's command line should have %s",
				 p->path, why.msg, words);
	return r == 0 ? 0
		      : plan_amend(s->plan, s->h, &kind_file, s->step, p->path, fresh,
				   WHEN_REBOOT, e, "the kernel is to start with %s", words);
}

static int edit_all(const struct stepping *s, const struct bootloader *b,
		    const struct words_wanted *w, const char *words, struct err *e)
{
	bool changed = false;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < b->n; i++) {
		if (!b->places[i].edit)
			continue;
		r = edit(s, &b->places[i], w, words, e);
		changed = changed || r > 0;
	}
	if (r < 0 || !changed)
		return r < 0 ? r : 0;
	if (b->regen && b->regen->argv[0])
		r = STEP_CHANGE(s, &kind_regen, "bootloader", b->regen->id, WHEN_REBOOT, e,
				"%s makes %s's own files of it", b->regen->id, b->name);
	else
		r = 0;
	return r == 0 && *b->note ? STEP_NOTE(s, true, e, "%s", b->note) : r;
}

/* All is written, and the kernel that runs was started without it. */
static int pending(const struct stepping *s, const struct words_wanted *w, struct err *e)
{
	for (size_t i = 0; w->running && i < w->n; i++)
		if (!holds(w->running, &w->v[i]))
			return STEP_NOTE(
				s, false, e,
				"the kernel's command line is as it should be from the "
				"next boot on; this kernel was started with another one");
	return 0;
}

static int write_words(const struct stepping *s, const struct bootloader *b,
		       struct words_wanted *w, struct err *e)
{
	AUTO_FREE char *words = listed(w, e);

	if (!words)
		return -ENOMEM;
	/* a file that is edited may not be the one that says it */
	if (!*words)
		return pending(s, w, e);
	if (w->full)
		return STEP_NOTE(s, true, e, "more than %d words are asked for", EDITS_MAX);
	if (b->writable)
		return edit_all(s, b, w, words, e);
	return STEP_NOTE(
		s, true, e,
		"%s; put it where this machine's kernel gets its command line from: %s",
		*b->note ? b->note : "no boot loader's file was found", words);
}

/* Words that do nothing; not ours, so only told of. */
static int useless(const struct stepping *s, const struct words_wanted *w, struct err *e)
{
	static const char *const words[] = { "iommu=on", "iommu=1", "amd_iommu=on" };
	int r = 0;

	for (size_t i = 0; r == 0 && w->set && i < ARRAY_SIZE(words); i++)
		if (cmdline_has(w->set, words[i]) &&
		    !(s->p->iommu_pt == WISH_YES && !strncmp(words[i], "iommu", 5)))
			r = STEP_NOTE(
				s, false, e,
				"the word %s on the kernel's command line does nothing and "
				"can go",
				words[i]);
	return r;
}

static int plan(const struct host *h, const struct profile *p, struct plan *out, struct err *e)
{
	const struct stepping s = { h, p, out, "kernel.cmdline" };
	struct words_wanted w = { 0 };
	struct bootloader b = { 0 };
	int r;

	if (p->iommu == WISH_KEEP && p->iommu_pt == WISH_KEEP && p->psi == WISH_KEEP &&
	    !p->cmdline.n && p->huge != WISH_YES)
		return 0;
	r = bootloader_read(h, &b, e);
	if (r == 0 && host_has_kernel(h))
		r = cmdline_read(h, &w.running, e);
	/* where no loader is known, what it passed on is all that can be known */
	w.set = b.n ? b.cmdline : w.running;
	if (r == 0)
		r = iommu_words(&s, &w, e);
	if (r == 0)
		r = psi_word(&s, &w, e);
	if (r == 0)
		r = huge_words(&s, &w, e);
	for (size_t i = 0; r == 0 && i < p->cmdline.n; i++)
		want(&w, adds_up(p->cmdline.v[i]) ? BOOT_ADD : BOOT_SET, p->cmdline.v[i]);
	if (r == 0 && w.n)
		r = write_words(&s, &b, &w, e);
	if (r == 0)
		r = useless(&s, &w, e);
	free(w.huge);
	free(w.running);
	bootloader_free(&b);
	return r;
}

const struct step step_kernel_cmdline = {
	.id = "kernel.cmdline",
	.title = "Kernel command line",
	.why = "The IOMMU, pressure information and pages of 1G are decided when the kernel "
	       "starts; only words that this kernel knows and needs are written.",
	.plan = plan,
};
