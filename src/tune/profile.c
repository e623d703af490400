/* SPDX-License-Identifier: MIT */
#include "tune/profile.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "tune/profile_value.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* inih's own limit is 200 with line end and NUL; what is longer it would cut in two. */
#define LINE_TEXT 197

/* A key of one scalar value, or of a list that further lines go on with. */
struct key {
	const char *section, *name;
	value_read *read;
	size_t offset; /* in struct profile */
	bool list;
};

#define KEY(section, name, read, field)                                     \
	{                                                                   \
		section, name, read, offsetof(struct profile, field), false \
	}
#define LIST(section, name, read, field)                                   \
	{                                                                  \
		section, name, read, offsetof(struct profile, field), true \
	}

static const struct key keys[] = {
	KEY("host", "kvm", value_wish, kvm),
	KEY("host", "kvm_module", value_kvm_module, kvm_module),
	KEY("host", "nested", value_wish, nested),
	KEY("host", "tun", value_wish, tun),
	KEY("host", "vhost_net", value_wish, vhost_net),
	KEY("host", "vhost_mem_regions", value_regions, vhost_mem_regions),
	LIST("host", "guests", value_guests, guests),
	KEY("hugepages", "reserve", value_wish, huge),
	KEY("hugepages", "page", value_page, huge_page),
	KEY("hugepages", "count", value_count, huge_count),
	KEY("hugepages", "mount", value_path, huge_mount),
	KEY("hugepages", "group", value_account, huge_group),
	LIST("bridge", "allow", value_bridges, bridges),
	KEY("bridge", "helper_suid", value_wish, helper_suid),
	KEY("bridge", "create", value_wish, bridge_create),
	KEY("users", "create", value_wish, create_qemu),
	LIST("users", "members", value_accounts, users),
	KEY("iommu", "enable", value_wish, iommu),
	KEY("iommu", "identity", value_wish, iommu_pt),
	LIST("iommu", "vfio", value_pci, vfio),
	LIST("kernel", "cmdline", value_cmdline, cmdline),
	KEY("kernel", "psi", value_wish, psi),
	KEY("memory", "ksm", value_wish, ksm),
	KEY("memory", "thp", value_thp, thp),
	KEY("memory", "thp_shared", value_thp_shared, thp_shared),
	KEY("memory", "swappiness", value_swappiness, swappiness),
	KEY("cpu", "governor", value_governor, governor),
	KEY("limits", "memlock", value_memlock, memlock),
	KEY("services", "boot", value_wish, at_boot),
	KEY("packages", "install", value_wish, install),
	LIST("packages", "any", value_packages, pkg_any),
	LIST("packages", "alpine", value_packages, pkg_alpine),
	LIST("packages", "debian", value_packages, pkg_debian),
};

struct reading {
	struct profile *p;
	const char *file, *at; /* at: the text that was not read yet */
	unsigned line;
	bool seen[ARRAY_SIZE(keys)];
	struct err err; /* the first fault; later ones are its consequences */
};

PRINTF(3, 4) static int fault(struct reading *r, int code, const char *fmt, ...)
{
	char text[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!r->err.code)
		err_set(&r->err, code, "%s:%u: %s", r->file, r->line, text);
	return 0;
}

/* Hands inih line after line, so that we know which one it is at. */
static char *next_line(char *buf, int size, void *ctx)
{
	struct reading *r = ctx;
	size_t len = strcspn(r->at, "\n");

	if (!*r->at || r->err.code)
		return NULL;
	r->line++;
	if (len > LINE_TEXT || len + 2 > (size_t)size) {
		fault(r, -EINVAL,
		      "the line is longer than %d characters; a list may go on "
		      "in the next line, indented",
		      LINE_TEXT);
		return NULL;
	}
	memcpy(buf, r->at, len);
	r->at += len;
	if (*r->at == '\n')
		buf[len++] = *r->at++;
	buf[len] = '\0';
	return buf;
}

static bool section_known(const char *section)
{
	if (!strcmp(section, "sysctl"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

/* One key of inih's: 1 goes on, 0 is a fault. */
static int each(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;
	struct err mine = { 0 };
	size_t i = 0;
	int n;

	if (r->err.code)
		return 0;
	if (!strcmp(section, "sysctl")) {
		n = value_sysctl(r->p, name, value, &mine);
		return n < 0 ? fault(r, n, "%s", mine.msg) : 1;
	}
	while (i < ARRAY_SIZE(keys) &&
	       (strcmp(keys[i].section, section) || strcmp(keys[i].name, name)))
		i++;
	if (i == ARRAY_SIZE(keys)) {
		if (!*section)
			return fault(r, -EINVAL, "'%s' stands before the first [section]",
				     name);
		if (!section_known(section))
			return fault(r, -EINVAL, "no section [%s] is known", section);
		return fault(r, -EINVAL, "no key '%s' is known in [%s]", name, section);
	}
	if (r->seen[i] && !keys[i].list)
		return fault(r, -EINVAL, "'%s' is given twice", name);
	r->seen[i] = true;
	n = keys[i].read((char *)r->p + keys[i].offset, value, &mine);
	return n < 0 ? fault(r, n, "%s: %s", name, mine.msg) : 1;
}

/* "/etc/hostkit/kvm-host.ini" -> "kvm-host" */
static char *name_of(const char *file, struct err *e)
{
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	size_t len = strlen(base);

	if (len > 4 && !strcmp(base + len - 4, ".ini"))
		len -= 4;
	return str_printf(e, "%.*s", (int)len, base);
}

/* What one key alone cannot tell. */
static int whole(struct reading *r)
{
	const struct profile *p = r->p;

	if (p->huge == WISH_YES && !p->huge_count && !p->n_guests) {
		return err_set(&r->err, -EINVAL,
			       "%s: huge pages are to be reserved, but neither guests = nor "
			       "count = says how many",
			       r->file);
	}
	if (p->swappiness >= 0)
		for (size_t i = 0; i < p->n_sysctls; i++)
			if (!strcmp(p->sysctls[i].name, "vm.swappiness"))
				return err_set(
					&r->err, -EINVAL,
					"%s: swappiness stands in [memory] and in [sysctl]",
					r->file);
	return 0;
}

int profile_parse(const char *file, const char *text, struct profile **out, struct err *e)
{
	struct reading r = { .file = file, .at = text };
	int n;

	r.p = mem_zalloc(1, sizeof(*r.p), e);
	if (!r.p)
		return -ENOMEM;
	r.p->swappiness = -1;
	r.p->name = name_of(file, e);
	r.p->file = mem_strdup(file, e);
	if (!r.p->name || !r.p->file) {
		profile_free(r.p);
		return -ENOMEM;
	}
	n = ini_parse_stream(next_line, &r, each, &r);
	if (n > 0 && !r.err.code) {
		r.line = (unsigned)n;
		fault(&r, -EINVAL, "neither a [section] nor a 'key = value'");
	} else if (n < 0 && !r.err.code) {
		err_set(&r.err, -ENOMEM, "%s: out of memory", file);
	}
	if (r.err.code || whole(&r) < 0) {
		profile_free(r.p);
		return err_set(e, r.err.code, "%s", r.err.msg);
	}
	*out = r.p;
	return 0;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		/* all that is in the table and owns memory is either names or a text */
		if (keys[i].list && keys[i].read != value_guests)
			names_free((void *)((char *)p + keys[i].offset));
	}
	for (size_t i = 0; i < p->n_sysctls; i++) {
		free(p->sysctls[i].name);
		free(p->sysctls[i].value);
	}
	free(p->sysctls);
	free(p->guests);
	free(p->kvm_module);
	free(p->huge_mount);
	free(p->huge_group);
	free(p->thp);
	free(p->thp_shared);
	free(p->governor);
	free(p->name);
	free(p->file);
	free(p);
}

/* One candidate: 1 read, 0 not there. */
static int read_one(const struct host *h, const char *path, struct profile **out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	struct err mine = { 0 };
	int r = host_read(h, path, &text, &len, &mine);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	if (strlen(text) != len)
		return err_set(e, -EINVAL, "%s: has a zero byte, so it is no text", path);
	r = profile_parse(path, text, out, e);
	return r < 0 ? r : 1;
}

static int read_named(const struct host *h, const char *name, struct profile **out,
		      struct err *e)
{
	static const char *const folders[] = { "/etc/hostkit", "/usr/share/hostkit" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		AUTO_FREE char *path = str_printf(e, "%s/%s.ini", folders[i], name);

		r = path ? read_one(h, path, out, e) : -ENOMEM;
	}
	return r;
}

/* A path as the user means it, relative to where they are. */
static int read_file(const char *path, struct profile **out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = io_read_file(path, HOST_FILE_MAX, &text, e);

	return r < 0 ? r : profile_parse(path, text, out, e);
}

int profile_read(const struct host *h, const char *name, struct profile **out, struct err *e)
{
	AUTO_HOST struct host *here = NULL;
	int r;

	if (strchr(name, '/'))
		return read_file(name, out, e);
	if (!*name || strlen(name) > 64 || *name == '.')
		return err_set(e, -EINVAL, "'%.80s' is no name of a profile", name);
	r = read_named(h, name, out, e);
	if (r == 0 && !host_is_live(h)) {
		r = host_open(NULL, &here, e);
		if (r == 0)
			r = read_named(here, name, out, e);
	}
	if (r == 0)
		return err_set(e, -ENOENT,
			       "no profile '%s': neither /etc/hostkit/%s.ini nor "
			       "/usr/share/hostkit/%s.ini is there",
			       name, name, name);
	return r < 0 ? r : 0;
}

void profile_freep(struct profile **p)
{
	profile_free(*p);
	*p = NULL;
}

uint64_t profile_guest_bytes(const struct profile *p, unsigned *count)
{
	uint64_t sum = 0, each_sum;
	unsigned n = 0;

	for (size_t i = 0; i < p->n_guests; i++) {
		if (__builtin_mul_overflow(p->guests[i].bytes, p->guests[i].count, &each_sum) ||
		    __builtin_add_overflow(sum, each_sum, &sum))
			sum = UINT64_MAX;
		n += p->guests[i].count;
	}
	*count = n;
	return sum;
}
