/* SPDX-License-Identifier: MIT */
#include "host/bridge_helper.h"

#include "base/compiler.h"

const char *bridge_helper_path(size_t i)
{
	/* Debian and Alpine; Fedora and Gentoo; Arch; built from source */
	static const char *const paths[] = { "/usr/lib/qemu/qemu-bridge-helper",
					     "/usr/libexec/qemu-bridge-helper",
					     "/usr/lib/qemu-bridge-helper",
					     "/usr/local/libexec/qemu-bridge-helper" };

	return i < ARRAY_SIZE(paths) ? paths[i] : NULL;
}
