/* SPDX-License-Identifier: MIT */
#include "emu/monitor/chord.h"

#include "emu/display/keys.h"
#include "emu/machine.h"

#include <string.h>

#define AT_ONCE 8u

int chord_press(struct machine *m, const char *text, struct err *e)
{
	const struct key *key[AT_ONCE];
	uint8_t codes[2 * AT_ONCE * KEYS_BYTES];
	unsigned count = 0, n = 0;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "-");

		if (count == AT_ONCE)
			return err_set(e, -EINVAL, "more than %u keys together", AT_ONCE);
		key[count] = keys_find(p, len);
		if (!key[count++])
			return err_set(e, -EINVAL, "there is no key '%.*s'",
				       len > 32 ? 32 : (int)len, p);
		p += len;
		if (*p == '-' && !*++p)
			return err_set(e, -EINVAL, "there is no key ''");
	}
	if (!count)
		return err_set(e, -EINVAL, "which key?");
	for (unsigned i = 0; i < count; i++)
		n += keys_bytes(key[i], true, codes + n);
	for (unsigned i = count; i-- > 0;)
		n += keys_bytes(key[i], false, codes + n);
	return pc_key(m, codes, n)
		       ? 0
		       : err_set(e, -EAGAIN,
				 "the guest does not take keys now: too many wait, or "
				 "its keyboard is off");
}
