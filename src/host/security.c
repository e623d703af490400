/* SPDX-License-Identifier: MIT */
#include "host/security.h"

#include "host/choice.h"
#include "host/sysattr.h"

#include <stdlib.h>
#include <string.h>

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

int security_efi_bool(const void *buf, size_t len, bool *on, struct err *e)
{
	const unsigned char *p = buf;

	if (len != 5 || p[4] > 1)
		return err_set(e, -EINVAL, "no EFI variable that is on or off");
	*on = p[4] == 1;
	return 0;
}

static enum tri read_secure_boot(const struct host *h)
{
	char *text;
	size_t len;
	bool on = false;
	int r = host_read(h, SECURE_BOOT, &text, &len, NULL);

	/* not there: no such firmware, or nobody mounted efivarfs */
	if (r < 0)
		return TRI_UNKNOWN;
	r = security_efi_bool(text, len, &on, NULL);
	free(text);
	return r < 0 ? TRI_UNKNOWN : tri_of(on);
}

/* "lockdown,capability,yama,apparmor": one word to the rest of us. */
static int read_lsm(const struct host *h, struct words *out, struct err *e)
{
	struct span rest;
	char *text;
	size_t len;
	int r;

	if (host_read(h, "/sys/kernel/security/lsm", &text, &len, NULL) < 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] == ',')
			text[i] = ' ';
	rest = (struct span){ text, len };
	r = words_parse(rest, out, e);
	free(text);
	return r;
}

static void read_selinux(const struct host *h, struct security *out)
{
	uint64_t v;

	if (host_read_u64(h, "/sys/fs/selinux/enforce", &v, NULL) == 0) {
		out->selinux = TRI_YES;
		out->selinux_enforce = tri_of(v != 0);
	} else if (out->lsm.n) {
		out->selinux = tri_of(words_has(&out->lsm, "selinux"));
	} else if (!host_exists(h, "/sys/fs/selinux")) {
		out->selinux = TRI_NO;
	}
}

int security_read(const struct host *h, struct security *out, struct err *e)
{
	struct choice lockdown;
	int r;

	memset(out, 0, sizeof(*out));
	if (!host_has_kernel(h))
		return err_set(e, -ENOTSUP, "no kernel runs in an image");
	if (choice_read(h, "/sys/kernel/security/lockdown", &lockdown, NULL) == 0)
		memcpy(out->lockdown, lockdown.active, sizeof(out->lockdown) - 1);
	r = read_lsm(h, &out->lsm, e);
	if (r < 0)
		return r;
	if (sysattr_param(h, "apparmor", "enabled", &out->apparmor, NULL) == -ENOENT)
		out->apparmor = TRI_NO;
	read_selinux(h, out);
	out->efi = tri_of(host_exists(h, "/sys/firmware/efi"));
	out->secure_boot = out->efi == TRI_YES ? read_secure_boot(h) : TRI_NO;
	if (sysattr_param(h, "module", "sig_enforce", &out->signed_modules, NULL) == -ENOENT)
		out->signed_modules = TRI_NO;
	/* lockdown refuses unsigned modules as well */
	if (!strcmp(out->lockdown, "integrity") || !strcmp(out->lockdown, "confidentiality"))
		out->signed_modules = TRI_YES;
	return 0;
}

void security_free(struct security *s)
{
	words_free(&s->lsm);
}
