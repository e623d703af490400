/* SPDX-License-Identifier: MIT */
#include "tune/kinds/attribute.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* "always [madvise] never" becomes "madvise", in place. */
static void chosen(char *text)
{
	char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
	bool word = close && (open == text || open[-1] == ' ') &&
		    (!close[1] || close[1] == ' ') && !strchr(open + 1, '[');

	if (!word || close == open + 1)
		return;
	*close = '\0';
	memmove(text, open + 1, (size_t)(close - open));
}

int attribute_read(const struct host *h, const char *path, char **value, struct err *e)
{
	size_t len;
	int r = host_read(h, path, value, &len, e);

	if (r < 0)
		return r;
	if (strlen(*value) != len) {
		free(*value);
		*value = NULL;
		return err_set(e, -EINVAL, "%s is no text", path);
	}
	while (len && strchr(" \t\n", (*value)[len - 1]))
		(*value)[--len] = '\0';
	chosen(*value);
	return 0;
}

bool attribute_equal(const char *want, const char *have)
{
	static const char blanks[] = " \t\n";

	for (;;) {
		size_t n, m;

		want += strspn(want, blanks);
		have += strspn(have, blanks);
		n = strcspn(want, blanks);
		m = strcspn(have, blanks);
		if (n != m || memcmp(want, have, n))
			return false;
		if (!n)
			return true;
		want += n;
		have += m;
	}
}

static bool number(const char *s, unsigned long long *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return !errno && !*end;
}

bool attribute_partial(const struct change *c, const char *have)
{
	unsigned long long from, to, now;

	if (!have || !c->old_val || !c->value || !number(c->old_val, &from) ||
	    !number(c->value, &to) || !number(have, &now))
		return false;
	return from < to ? from <= now && now <= to : to <= now && now <= from;
}

static int not_taken(const char *path, const char *value, const char *have, struct err *e)
{
	const char *name = strrchr(path, '/');
	unsigned long long asked, came;

	if (name && !strncmp(name, "/nr_hugepages", 13) && number(value, &asked) &&
	    number(have, &came)) {
		if (came < asked)
			return err_set(
				e, -ENOMEM,
				"asked for %llu huge pages, %llu came (%s): memory is too "
				"scattered or too full; reserve them at boot, or ask for "
				"fewer",
				asked, came, path);
		return err_set(e, -EBUSY,
			       "%llu huge pages are in use and stay, %llu were to (%s)", came,
			       asked, path);
	}
	return err_set(e, -EIO, "%s: '%s' was written, the kernel keeps '%s'", path, value,
		       have);
}

int attribute_write(const struct host *h, const char *path, const char *value, struct err *e)
{
	AUTO_FREE char *line = str_printf(e, "%s\n", value);
	AUTO_FREE char *have = NULL;
	/* in a recorded host these are plain files */
	int flags = O_WRONLY | O_NOCTTY | (host_is_live(h) ? 0 : O_TRUNC);
	AUTO_CLOSE int fd = -1;
	int r;

	if (!line)
		return -ENOMEM;
	fd = host_openat(h, path, flags, 0, e);
	if (fd < 0)
		return fd;
	r = io_write(fd, line, strlen(line), NULL);
	if (r < 0)
		return err_set(e, r, "%s: the kernel refuses '%s': %s", path, value,
			       strerror(-r));
	r = attribute_read(h, path, &have, e);
	if (r < 0)
		return r;
	return attribute_equal(value, have) ? 0 : not_taken(path, value, have, e);
}
