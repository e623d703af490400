/* SPDX-License-Identifier: MIT */
#include "host/os_release.h"

#include "host/words.h"

#include <stdlib.h>
#include <string.h>

/* What the shell would make of a value, without running anything. */
static void unquote(struct span s, char *out, size_t size)
{
	char plain[256];
	char quote = 0;
	size_t n = 0;

	s = span_trim(s);
	for (size_t i = 0; i < s.len && n + 1 < sizeof(plain); i++) {
		char c = s.s[i];

		if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		else if (quote && c == quote)
			quote = 0;
		else if (c == '\\' && quote != '\'' && i + 1 < s.len)
			plain[n++] = s.s[++i];
		else if (!quote && (c == ' ' || c == '\t'))
			break;
		else
			plain[n++] = c;
	}
	span_copy((struct span){ plain, n }, out, size);
}

void os_release_parse(const char *text, size_t len, struct os_release *out)
{
	struct span rest = { text, len }, line, key;

	memset(out, 0, sizeof(*out));
	while (span_line(&rest, &line)) {
		line = span_trim(line);
		if (!line.len || line.s[0] == '#' || !span_cut(&line, '=', &key))
			continue;
		if (span_is(key, "ID"))
			unquote(line, out->id, sizeof(out->id));
		else if (span_is(key, "ID_LIKE"))
			unquote(line, out->id_like, sizeof(out->id_like));
		else if (span_is(key, "VERSION_ID"))
			unquote(line, out->version_id, sizeof(out->version_id));
		else if (span_is(key, "PRETTY_NAME"))
			unquote(line, out->pretty_name, sizeof(out->pretty_name));
	}
	if (!out->id[0])
		strncpy(out->id, "linux", sizeof(out->id) - 1);
}

int os_release_read(const struct host *h, struct os_release *out, struct err *e)
{
	struct err mine = { 0 };
	char *text;
	size_t len;
	int r = host_read(h, "/etc/os-release", &text, &len, &mine);

	if (r == -ENOENT)
		r = host_read(h, "/usr/lib/os-release", &text, &len, NULL);
	if (r < 0)
		return err_set(e, r, "%s", mine.msg);
	os_release_parse(text, len, out);
	free(text);
	return 0;
}

bool os_release_like(const struct os_release *o, const char *id)
{
	struct span rest = { o->id_like, strlen(o->id_like) }, word;

	if (!strcmp(o->id, id))
		return true;
	while (span_word(&rest, &word))
		if (span_is(word, id))
			return true;
	return false;
}
