/* SPDX-License-Identifier: MIT */
#include "emu/known.h"

#include "base/compiler.h"

#include <stdio.h>
#include <string.h>

const struct known_row *known_row(unsigned i)
{
	const struct known_row *const all[] = { known_options, known_devices, known_properties,
						known_cpu };

	for (unsigned t = 0; t < ARRAY_SIZE(all); t++)
		for (const struct known_row *k = all[t]; k->of; k++)
			if (!i--)
				return k;
	return NULL;
}

/* Whether one of the words @names, divided by @by, is @s. */
static bool has_word(const char *names, const char *by, const char *s)
{
	do {
		size_t n = strcspn(names, by);

		if (n && names[n - 1] == '*' ? !strncmp(names, s, n - 1)
					     : strlen(s) == n && !strncmp(names, s, n))
			return true;
		names += n + (names[n] ? 1 : 0);
	} while (*names);
	return false;
}

const struct known_row *known_find(const char *of, const char *name)
{
	const struct known_row *k;

	for (unsigned i = 0; (k = known_row(i)); i++)
		if (!strcmp(k->of, of) && has_word(k->names, " ", name))
			return k;
	return NULL;
}

/* on and off have other spellings. */
static const char *plain(const char *v)
{
	static const char on[] = "on yes true y", off[] = "off no false n";

	return has_word(on, " ", v) ? "on" : has_word(off, " ", v) ? "off" : v;
}

int known_key(const char *of, const char *key, const char *value, struct err *e)
{
	const struct known_row *k = known_find(of, key);

	if (!k)
		return 0;
	if (!k->same)
		return err_set(e, -ENOTSUP, "%s %s= is not supported: %s", of, key, k->why);
	if (has_word(k->same, "|", plain(value)))
		return 1;
	return err_set(e, -ENOTSUP, "%s %s=%s is not supported, only %s=%s: %s", of, key, value,
		       key, k->same, k->why);
}

int known_name(const char *of, const char *name, struct err *e)
{
	const struct known_row *k = known_find(of, name);

	return k ? err_set(e, -ENOTSUP, "%s%s is not supported: %s", of, name, k->why) : 0;
}

int known_device_key(const char *name, const char *bus, bool disk, const struct opt *key,
		     struct err *e)
{
	const bool pci = !strcmp(bus, "PCI");
	const char *const all[] = { name, pci ? "PCI" : NULL,
				    pci && !strncmp(name, "virtio", 6) ? "virtio" : NULL,
				    disk ? "disk" : NULL };
	int r = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(all) && r == 0; i++) {
		char of[64];

		if (!all[i])
			continue;
		snprintf(of, sizeof(of), "-device %s", all[i]);
		if (!known_find(of, key->key))
			continue;
		r = known_key(of, key->key, key->val, e);
	}
	return r;
}
