/* SPDX-License-Identifier: MIT */
#include "base/lib.h"

#include <dlfcn.h>
#include <string.h>

#ifdef STATIC_BUILD
/* The C library's own dlopen would work with exactly the C library it was built with, or not at
 * all. */
static void *open_any(const struct lib *lib, struct err *e)
{
	(void)err_set(e, -ENOTSUP, "this program is linked statically and cannot load %s",
		      lib->name);
	return NULL;
}
#else
static void *open_any(const struct lib *lib, struct err *e)
{
	const char *why = NULL;

	for (size_t i = 0; i < LIB_SONAMES && lib->sonames[i]; i++) {
		void *handle = dlopen(lib->sonames[i], RTLD_NOW | RTLD_LOCAL);
		const char *said = handle ? NULL : dlerror();

		if (handle)
			return handle;
		/* One that is there and broken tells more than one that is not there. */
		if (!why || (said && !strstr(said, "No such file")))
			why = said;
	}
	(void)err_set(e, -ENOTSUP, "%s is not installed (package %s): %s", lib->name,
		      lib->package, why ? why : "it has no name here");
	return NULL;
}
#endif

int lib_load(const struct lib *lib, void *table, struct err *e)
{
	void *handle = open_any(lib, e);

	if (!handle)
		return -ENOTSUP;
	for (size_t i = 0; i < lib->n; i++) {
		void *f = dlsym(handle, lib->calls[i].name);

		if (!f)
			return err_set(e, -ENOTSUP, "%s is too old: it has no %s", lib->name,
				       lib->calls[i].name);
		/* C has no conversion from an object's pointer to a function's. */
		memcpy((char *)table + lib->calls[i].at, &f, sizeof(f));
	}
	return 0;
}
