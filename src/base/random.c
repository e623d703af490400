/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <sys/random.h>

int random_bytes(void *buf, size_t len, struct err *e)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "no random bytes");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int random_uuid(uint8_t uuid[16], struct err *e)
{
	int r = random_bytes(uuid, 16, e);

	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return r;
}
