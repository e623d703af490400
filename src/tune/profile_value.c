/* SPDX-License-Identifier: MIT */
#include "tune/profile_value.h"

#include "base/mem.h"
#include "base/size.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

#define LIST_MAX 1024

void names_free(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i]);
	free(n->v);
	*n = (struct names){ 0 };
}

bool names_have(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->v[i], name))
			return true;
	return false;
}

int names_add(struct names *n, const char *name, size_t len, struct err *e)
{
	void *v = n->v;
	char *copy;

	if (n->n >= LIST_MAX)
		return err_set(e, -EINVAL, "more than %d names", LIST_MAX);
	copy = str_printf(e, "%.*s", (int)len, name);
	if (!copy)
		return -ENOMEM;
	if (mem_grow(&v, n->n + 1, sizeof(*n->v), e) < 0) {
		free(copy);
		return -ENOMEM;
	}
	n->v = v;
	n->v[n->n++] = copy;
	return 0;
}

int value_wish(void *field, const char *text, struct err *e)
{
	enum wish *w = field;

	if (!strcmp(text, "yes"))
		*w = WISH_YES;
	else if (!strcmp(text, "no"))
		*w = WISH_NO;
	else if (!strcmp(text, "keep"))
		*w = WISH_KEEP;
	else
		return err_set(e, -EINVAL, "'%s' is not yes, no or keep", text);
	return 0;
}

static int whole_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 19)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

/* A word in place of a number: that gives @special. */
static int number_or(uint64_t *out, const char *text, const char *word, uint64_t special,
		     uint64_t min, uint64_t max, struct err *e)
{
	if (!strcmp(text, word)) {
		*out = special;
		return 0;
	}
	if (whole_number(text, max, out) < 0 || *out < min)
		return err_set(e, -EINVAL, "'%s' is neither a number from %llu to %llu nor %s",
			       text, (unsigned long long)min, (unsigned long long)max, word);
	return 0;
}

int value_regions(void *field, const char *text, struct err *e)
{
	/* the parameter is an unsigned short */
	return number_or(field, text, "keep", 0, 1, 65535, e);
}

int value_count(void *field, const char *text, struct err *e)
{
	return number_or(field, text, "auto", 0, 1, UINT64_C(1) << 32, e);
}

int value_swappiness(void *field, const char *text, struct err *e)
{
	uint64_t n;
	int r = number_or(&n, text, "keep", UINT64_MAX, 0, 200, e);

	if (r == 0)
		*(int64_t *)field = n == UINT64_MAX ? -1 : (int64_t)n;
	return r;
}

int value_page(void *field, const char *text, struct err *e)
{
	uint64_t n = 0;

	if (strcmp(text, "default") &&
	    (size_parse(text, 'b', &n, NULL) < 0 || n < 65536 || (n & (n - 1))))
		return err_set(e, -EINVAL,
			       "'%s' is no page size such as 2M or 1G, nor is it default",
			       text);
	*(uint64_t *)field = n;
	return 0;
}

int value_memlock(void *field, const char *text, struct err *e)
{
	uint64_t n = 0;

	if (!strcmp(text, "unlimited"))
		n = UINT64_MAX;
	else if (strcmp(text, "keep") && (size_parse(text, 'b', &n, NULL) < 0 || n < 65536))
		return err_set(e, -EINVAL,
			       "'%s' is no size of at least 64K, nor is it unlimited or keep",
			       text);
	*(uint64_t *)field = n;
	return 0;
}

/* @text, made of @chars alone, of at most @max of them, into *field; @none gives NULL. */
static int word_or(char **field, const char *text, const char *chars, size_t max,
		   const char *none, const char *what, struct err *e)
{
	size_t len = strlen(text);

	if (!strcmp(text, none))
		return 0;
	if (!len || len > max || strspn(text, chars) != len || *text == '-')
		return err_set(e, -EINVAL, "'%s' is %s", text, what);
	*field = mem_strdup(text, e);
	return *field ? 0 : -ENOMEM;
}

int value_kvm_module(void *field, const char *text, struct err *e)
{
	if (strcmp(text, "kvm_intel") && strcmp(text, "kvm_amd") && strcmp(text, "auto"))
		return err_set(e, -EINVAL, "'%s' is not kvm_intel, kvm_amd or auto", text);
	return word_or(field, text, LOWER "_", 16, "auto", "", e);
}

int value_thp(void *field, const char *text, struct err *e)
{
	if (strcmp(text, "always") && strcmp(text, "madvise") && strcmp(text, "never") &&
	    strcmp(text, "keep"))
		return err_set(e, -EINVAL, "'%s' is not always, madvise, never or keep", text);
	return word_or(field, text, LOWER, 16, "keep", "", e);
}

int value_thp_shared(void *field, const char *text, struct err *e)
{
	if (strcmp(text, "always") && strcmp(text, "within_size") && strcmp(text, "advise") &&
	    strcmp(text, "never") && strcmp(text, "keep"))
		return err_set(e, -EINVAL,
			       "'%s' is not always, within_size, advise, never or keep", text);
	return word_or(field, text, LOWER "_", 16, "keep", "", e);
}

int value_governor(void *field, const char *text, struct err *e)
{
	return word_or(field, text, LOWER "_", 15, "keep", "no name of a governor", e);
}

static const char account_chars[] = ALNUM "_-.";

int value_account(void *field, const char *text, struct err *e)
{
	return word_or(field, text, account_chars, 32, "auto", "no name of a group", e);
}

int value_path(void *field, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (strcmp(text, "none") && (*text != '/' || len < 2 || text[len - 1] == '/' ||
				     strstr(text, "//") || strstr(text, "/.")))
		return err_set(e, -EINVAL, "'%s' is no plain path from / on, nor is it none",
			       text);
	return word_or(field, text, ALNUM "_-./", 128, "none",
		       "a path with characters other than letters, digits, _ - . /", e);
}

/* Lists: words by blanks or commas. */

typedef int word_check(const char *word, size_t len, struct err *e);

static const char parts[] = " \t,";

static int list(struct names *out, const char *text, word_check *check, struct err *e)
{
	for (text += strspn(text, parts); *text; text += strspn(text, parts)) {
		size_t len = strcspn(text, parts);
		AUTO_FREE char *word = str_printf(e, "%.*s", (int)len, text);
		int r = word ? check(word, len, e) : -ENOMEM;

		if (r == 0 && !names_have(out, word))
			r = names_add(out, word, len, e);
		if (r < 0)
			return r;
		text += len;
	}
	return 0;
}

static int bridge_check(const char *word, size_t len, struct err *e)
{
	/* "all" would allow each of them, which deserves a line by hand */
	if (len > 15 || strspn(word, ALNUM "_-.") != len || *word == '-' || *word == '.' ||
	    !strcmp(word, "all"))
		return err_set(e, -EINVAL, "'%s' is no name of a bridge", word);
	return 0;
}

int value_bridges(void *field, const char *text, struct err *e)
{
	return list(field, text, bridge_check, e);
}

static int account_check(const char *word, size_t len, struct err *e)
{
	if (len > 32 || strspn(word, account_chars) != len || *word == '-' ||
	    strspn(word, "0123456789") == len)
		return err_set(e, -EINVAL, "'%s' is no name of a user", word);
	return 0;
}

int value_accounts(void *field, const char *text, struct err *e)
{
	return list(field, text, account_check, e);
}

static int cmdline_check(const char *word, size_t len, struct err *e)
{
	/* loaders' files are shell text and more: nothing that needs a quote */
	if (strspn(word, ALNUM "_-.:=+/@%") != len || *word == '=' || *word == '-')
		return err_set(e, -EINVAL,
			       "'%s' has a character that no loader's file can hold as it is",
			       word);
	return 0;
}

int value_cmdline(void *field, const char *text, struct err *e)
{
	struct names *out = field;

	/* "isolcpus=2,3": here commas belong to the words, which may also come twice */
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");
		AUTO_FREE char *word = str_printf(e, "%.*s", (int)len, text);
		AUTO_FREE char *bare = word ? mem_strdup(word, e) : NULL;
		int r = bare ? 0 : -ENOMEM;

		for (char *c = bare; r == 0 && (c = strchr(c, ',')) != NULL;)
			*c = '.';
		if (r == 0)
			r = cmdline_check(bare, len, e);
		if (r == 0)
			r = names_add(out, word, len, e);
		if (r < 0)
			return r;
		text += len;
	}
	return 0;
}

static int package_check(const char *word, size_t len, struct err *e)
{
	if (len > 128 || strspn(word, ALNUM "+._-") != len || strspn(word, ALNUM) == 0)
		return err_set(e, -EINVAL, "'%s' is no name of a package", word);
	return 0;
}

int value_packages(void *field, const char *text, struct err *e)
{
	return list(field, text, package_check, e);
}

/* "0000:03:00.0" or "03:00.0", made the former. */
static int pci_normal(const char *word, char out[24])
{
	static const char form[] = "hhhh:hh:hh.f";
	size_t len = strlen(word);

	if (len != 7 && len != 12)
		return -EINVAL;
	snprintf(out, 24, "%s%.12s", len == 7 ? "0000:" : "", word);
	for (size_t i = 0; i < 12; i++) {
		const char *may = form[i] == 'h' ? "0123456789abcdefABCDEF" : "01234567";

		if (form[i] == 'h' || form[i] == 'f' ? !strchr(may, out[i]) : out[i] != form[i])
			return -EINVAL;
		if (out[i] >= 'A' && out[i] <= 'F')
			out[i] = (char)(out[i] - 'A' + 'a');
	}
	/* a bus has 32 devices */
	return out[8] > '1' ? -EINVAL : 0;
}

int value_pci(void *field, const char *text, struct err *e)
{
	struct names *out = field;

	for (text += strspn(text, parts); *text; text += strspn(text, parts)) {
		size_t len = strcspn(text, parts);
		AUTO_FREE char *word = str_printf(e, "%.*s", (int)len, text);
		char addr[24];
		int r = word ? 0 : -ENOMEM;

		if (r == 0 && pci_normal(word, addr) < 0)
			r = err_set(e, -EINVAL, "'%s' is no PCI address such as 0000:03:00.0",
				    word);
		if (r == 0 && !names_have(out, addr))
			r = names_add(out, addr, 12, e);
		if (r < 0)
			return r;
		text += len;
	}
	return 0;
}

/* "8G", "2x8G" */
static int guest_one(char *word, struct guest_mem *out)
{
	char *x = strchr(word, 'x');
	uint64_t count = 1;

	/* "0x10000000" is a size */
	if (x && x != word && !(x == word + 1 && *word == '0')) {
		*x = '\0';
		if (whole_number(word, 65536, &count) < 0 || !count)
			return -EINVAL;
		word = x + 1;
	}
	out->count = (unsigned)count;
	return size_parse(word, 'b', &out->bytes, NULL) < 0 || out->bytes < 1 << 20 ? -EINVAL
										    : 0;
}

int value_guests(void *field, const char *text, struct err *e)
{
	struct profile *p = (void *)((char *)field - offsetof(struct profile, guests));

	/* commas part guests; blanks may stand around each word and each x */
	for (; *text; text += *text == ',') {
		size_t len = strcspn(text, ","), n = 0;
		AUTO_FREE char *word = str_printf(e, "%.*s", (int)len, text);
		struct guest_mem g;
		void *v = p->guests;

		if (!word)
			return -ENOMEM;
		for (const char *c = word; *c; c++)
			if (*c != ' ' && *c != '\t')
				word[n++] = *c;
		word[n] = '\0';
		text += len;
		if (!n)
			continue;
		if (guest_one(word, &g) < 0)
			return err_set(e, -EINVAL,
				       "'%.*s' is no guest's memory such as 4G or 2 x 4G",
				       (int)len, text - len);
		if (p->n_guests >= LIST_MAX)
			return err_set(e, -EINVAL, "more than %d kinds of guests", LIST_MAX);
		if (mem_grow(&v, p->n_guests + 1, sizeof(g), e) < 0)
			return -ENOMEM;
		p->guests = v;
		p->guests[p->n_guests++] = g;
	}
	return 0;
}

int value_sysctl(struct profile *p, const char *name, const char *text, struct err *e)
{
	void *v = p->sysctls;
	struct setting s;

	/* no wildcard, no "..", nothing that sysctl(8) or a shell would read otherwise */
	if (strspn(name, ALNUM "_-./") != strlen(name) || !strchr(name, '.') ||
	    strstr(name, "..") || strstr(name, "//") || *name == '.' || *name == '/' ||
	    *name == '-')
		return err_set(e, -EINVAL, "'%s' is no name of a sysctl such as vm.swappiness",
			       name);
	if (!*text || strspn(text, ALNUM "_-.:/,+ \t") != strlen(text))
		return err_set(e, -EINVAL, "%s: '%s' is no value of a sysctl", name, text);
	for (size_t i = 0; i < p->n_sysctls; i++)
		if (!strcmp(p->sysctls[i].name, name))
			return err_set(e, -EINVAL, "'%s' is given twice", name);
	if (p->n_sysctls >= LIST_MAX)
		return err_set(e, -EINVAL, "more than %d sysctls", LIST_MAX);
	if (mem_grow(&v, p->n_sysctls + 1, sizeof(s), e) < 0)
		return -ENOMEM;
	p->sysctls = v;
	s = (struct setting){ mem_strdup(name, e), mem_strdup(text, e) };
	if (!s.name || !s.value) {
		free(s.name);
		free(s.value);
		return -ENOMEM;
	}
	p->sysctls[p->n_sysctls++] = s;
	return 0;
}
