/* SPDX-License-Identifier: MIT */
#include "img/proto.h"

#include "img/open.h"
#include "img/proto/http.h"
#include "img/proto/nbd.h"
#include "img/proto/null.h"
#include "img/proto/s3.h"

#include <string.h>

static const struct img_protocol *const protocols[] = {
#ifdef HAVE_LIBCURL
	&proto_http,
#endif
	&proto_nbd,
	&proto_null,
#ifdef HAVE_LIBCURL
	&proto_s3,
#endif
};

/* What QEMU would know; of anything else the colon may be a slip. */
static const char *const others[] = {
	"http",        "https",    "ftp",       "ftps",        "ssh",          "rbd",
	"iscsi",       "iser",     "nfs",       "gluster",     "nvme",         "fat",
	"host_device", "blkdebug", "blkverify", "gluster+tcp", "gluster+unix", "gluster+rdma",
};

static bool is_called(const char *const *names, const char *name, size_t len)
{
	for (; *names; names++)
		if (strlen(*names) == len && !memcmp(*names, name, len))
			return true;
	return false;
}

const struct img_protocol *proto_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (is_called(protocols[i]->names, name, len))
			return protocols[i];
	return NULL;
}

int proto_of_name(const char *name, const struct img_protocol **proto, const char **path,
		  struct err *e)
{
	size_t n = strcspn(name, ":/");

	*proto = NULL;
	*path = name;
	if (name[n] != ':')
		return 0;
	if (n == 4 && !strncmp(name, "file", 4)) {
		*path = name + 5;
		return 0;
	}
	*proto = proto_find(name, n);
	if (*proto)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strlen(others[i]) == n && !strncmp(others[i], name, n))
			return err_set(e, -ENOTSUP, "protocol '%s' is not supported",
				       others[i]);
	return err_set(e, -ENOTSUP, "Unknown protocol '%.*s'", (int)n, name);
}

int proto_open_name(const struct img_protocol *p, const char *name, unsigned flags,
		    const struct blk_log *log, struct blk **out, struct err *e)
{
	char driver[32] = { 0 };
	struct optset none = OPTSET_INIT;
	struct proto_open o = {
		.driver = driver, .name = name, .opts = &none, .flags = flags, .log = log
	};
	size_t n = strcspn(name, ":");

	memcpy(driver, name, n < sizeof(driver) ? n : sizeof(driver) - 1);
	return p->open(&o, out, e);
}

int proto_read_only(const char *what, unsigned *flags, struct err *e)
{
	if (!(*flags & BLK_WRITE))
		return 0;
	if (!(*flags & BLK_AUTO_RDONLY))
		return err_set(e, -EACCES, "'%s' can only be read from", what);
	*flags &= ~(unsigned)BLK_WRITE;
	return 0;
}

int proto_cannot_create(const char *name, struct err *e)
{
	return err_set(e, -ENOTSUP, "Protocol driver '%.*s' does not support image creation",
		       (int)strcspn(name, ":"), name);
}
