/* SPDX-License-Identifier: MIT */
#include "img/proto/s3.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "img/proto/http.h"
#include "img/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 10 };

/* Of no bytes at all: the body of a GET. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct keys {
	char *id, *secret, *token;
};

static void keys_free(struct keys *k)
{
	if (k->secret)
		explicit_bzero(k->secret, strlen(k->secret));
	free(k->id);
	free(k->secret);
	free(k->token);
}

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static int set(char **out, const char *val, struct err *e)
{
	free(*out);
	*out = mem_strdup(val, e);
	return *out ? 0 : -ENOMEM;
}

/* ---- credentials ---- */

static char *strip(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return s;
}

/* "[profile]", then "key = value". */
static int parse_file(char *text, const char *profile, struct keys *k, struct err *e)
{
	char *rest = text, *line;
	bool ours = false;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char *value;

		line = strip(line);
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			ours = !strcmp(strip(line + 1), profile);
			continue;
		}
		value = strchr(line, '=');
		if (!ours || !value || *line == '#')
			continue;
		*value++ = '\0';
		value = strip(value);
		line = strip(line);
		if (!strcmp(line, "aws_access_key_id"))
			r = set(&k->id, value, e);
		else if (!strcmp(line, "aws_secret_access_key"))
			r = set(&k->secret, value, e);
		else if (!strcmp(line, "aws_session_token"))
			r = set(&k->token, value, e);
	}
	return r;
}

static int from_file(struct keys *k, struct err *e)
{
	const char *given = env("AWS_SHARED_CREDENTIALS_FILE"), *home = env("HOME");
	const char *profile = env("AWS_PROFILE");
	AUTO_FREE char *path = given ? mem_strdup(given, e)
				     : str_printf(e, "%s/.aws/credentials", home ? home : "");
	char *text = NULL;
	int r = path ? io_read_file(path, FILE_MAX, &text, e) : -ENOMEM;

	if (r == -ENOENT && !given) {
		if (e)
			*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	r = parse_file(text, profile ? profile : "default", k, e);
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

static int find_keys(struct keys *k, struct optset *o, const struct secret_set *secrets,
		     struct err *e)
{
	const char *id = optset_get(o, "access-key"), *ref = optset_get(o, "secret-key-secret");
	const char *secret = NULL, *token;
	int r = 0;

	if (!id != !ref)
		return err_set(e, -EINVAL, "access-key and secret-key-secret go together");
	if (ref)
		r = secret_text(secrets, ref, &secret, e);
	token = ref ? NULL : env("AWS_SESSION_TOKEN");
	if (!ref) {
		id = env("AWS_ACCESS_KEY_ID");
		secret = env("AWS_SECRET_ACCESS_KEY");
	}
	if (r < 0)
		return r;
	if (!id || !secret)
		return from_file(k, e);
	r = set(&k->id, id, e);
	if (r == 0)
		r = set(&k->secret, secret, e);
	return r == 0 && token ? set(&k->token, token, e) : r;
}

static int sign(struct http_opts *h, const struct keys *k, const char *region, struct err *e)
{
	AUTO_FREE char *line = NULL;
	int r;

	h->sigv4 = str_printf(e, "aws:amz:%s:s3", region);
	r = h->sigv4 ? set(&h->username, k->id, e) : -ENOMEM;
	if (r == 0)
		r = set(&h->password, k->secret, e);
	if (r == 0)
		r = http_opts_header(h, "x-amz-content-sha256: " EMPTY_SHA256, e);
	if (r < 0 || !k->token)
		return r;
	line = str_printf(e, "x-amz-security-token: %s", k->token);
	return line ? http_opts_header(h, line, e) : -ENOMEM;
}

/* ---- the address ---- */

/* What has no other meaning in a path stays, as the signature wants it. */
static void add_path(struct str *s, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~/", *text))
			str_addn(s, text, 1);
		else
			str_addf(s, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

static int make_url(const char *name, struct http_opts *h, const char *endpoint,
		    const char *region, struct err *e)
{
	const char *path = name + 5;
	size_t bucket = strcspn(path, "/");
	struct str s = STR_INIT;

	if (strncmp(name, "s3://", 5) != 0 || !bucket || !path[bucket] || !path[bucket + 1])
		return err_set(e, -EINVAL, "'%s' is not s3://BUCKET/KEY", name);
	if (endpoint)
		str_addn(&s, endpoint,
			 strlen(endpoint) - (endpoint[strlen(endpoint) - 1] == '/'));
	else
		str_addf(&s, "https://s3.%s.amazonaws.com", region);
	str_add(&s, "/");
	add_path(&s, path);
	free(h->url);
	h->url = str_take(&s, e);
	return h->url ? 0 : -ENOMEM;
}

int s3_opts_take(const char *name, struct http_opts *h, struct optset *o,
		 const struct secret_set *secrets, struct err *e)
{
	const char *endpoint = optset_get(o, "endpoint"), *region = optset_get(o, "region");
	struct keys k = { NULL, NULL, NULL };
	int r;

	if (!endpoint || !*endpoint)
		endpoint = env("AWS_ENDPOINT_URL");
	if (!region || !*region)
		region = env("AWS_REGION");
	if (!region)
		region = env("AWS_DEFAULT_REGION");
	if (!region)
		region = "us-east-1";
	r = http_opts_take(h, o, secrets, e);
	if (r == 0)
		r = make_url(name, h, endpoint, region, e);
	if (r == 0)
		r = find_keys(&k, o, secrets, e);
	if (r == 0 && k.id && k.secret)
		r = sign(h, &k, region, e);
	keys_free(&k);
	return r;
}

static int s3_open(const struct proto_open *o, struct blk **out, struct err *e)
{
	const char *url = optset_get(o->opts, "url");
	struct http_opts h;
	AUTO_FREE char *name = NULL;
	int r = 0;

	if (!o->name == !url)
		return err_set(e, -EINVAL, "one s3://BUCKET/KEY must be given");
	name = mem_strdup(o->name ? o->name : url, e);
	http_opts_init(&h);
	r = name ? s3_opts_take(name, &h, o->opts, o->secrets, e) : -ENOMEM;
	if (r < 0) {
		http_opts_free(&h);
		return r;
	}
	return http_open_with(name, &h, o, out, e);
}

static const char *const names[] = { "s3", NULL };

const struct img_protocol proto_s3 = { .names = names, .open = s3_open };
