/* SPDX-License-Identifier: MIT */
/* os-release(5): KEY=value lines, quoted as the shell does, never run by one. */
#ifndef HOST_OS_RELEASE_H
#define HOST_OS_RELEASE_H

#include "host/host.h"

struct os_release {
	char id[32];      /* "alpine"; "linux" if the file does not say */
	char id_like[64]; /* "debian ubuntu" */
	char version_id[32];
	char pretty_name[96];
};

/* Lines that are none are skipped; the last of two counts. */
void os_release_parse(const char *text, size_t len, struct os_release *out);
/* /etc/os-release, else /usr/lib/os-release; -ENOENT: neither. */
int os_release_read(const struct host *h, struct os_release *out, struct err *e) MUST_CHECK;
/* ID is @id, or it is one of ID_LIKE. */
bool os_release_like(const struct os_release *o, const char *id);

#endif
