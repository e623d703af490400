/* SPDX-License-Identifier: MIT */
/* Where guest memory comes from. */
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "emu/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HUGETLBFS 0x958458f6
#define MIB       (UINT64_C(1) << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

/* A file in the folder @path that has no name. */
static int nameless(const char *path, struct err *e)
{
	AUTO_FREE char *name = NULL;
	int fd = io_open(path, O_RDWR | O_TMPFILE, 0600, NULL);

	if (fd >= 0)
		return fd;
	/* hugetlbfs knows O_TMPFILE only since Linux 5.1 */
	name = str_printf(e, "%s/hostkit.XXXXXX", path);
	if (!name)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", name);
	unlink(name);
	return fd;
}

static int open_memfd(const struct mem_source *from, struct err *e)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (from->huge ? MFD_HUGETLB : 0);
	int fd;

	if (from->huge && from->page)
		flags |= (unsigned)__builtin_ctzll(from->page) << MFD_HUGE_SHIFT;
	fd = memfd_create("guest memory", flags);
	return fd < 0 ? err_errno(e, "memfd%s", from->huge ? " of huge pages" : "") : fd;
}

/* *@own: nobody else can have the file. */
static int open_source(const struct mem_source *from, bool *own, struct err *e)
{
	struct stat st;

	*own = false;
	if (from->memfd)
		return open_memfd(from, e);
	if (stat(from->path, &st) == 0 && S_ISDIR(st.st_mode)) {
		*own = true;
		return nameless(from->path, e);
	}
	return io_open(from->path, O_RDWR | O_CREAT, 0600, e);
}

/* Makes the file as large as *@size, which becomes whole pages of it. */
static int grow(int fd, const struct mem_source *from, uint64_t *size, bool *huge,
		struct err *e)
{
	struct statfs fs;
	struct stat st;
	int r = io_fstat(fd, &st, e);
	uint64_t page;

	if (r < 0)
		return r;
	if (fstatfs(fd, &fs) < 0)
		return err_errno(e, "its file system");
	*huge = fs.f_type == HUGETLBFS;
	page = *huge ? (uint64_t)fs.f_bsize : MEM_PAGE;
	*size = (*size + page - 1) / page * page;
	/* a device of memory (/dev/dax) has its size */
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < *size)
		r = io_truncate(fd, *size, e);
	if (r == 0 && from->memfd && !from->unsealed &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		r = err_errno(e, "its seals");
	return r;
}

/* Kernels before 5.14 do not tell whether there was enough, but do it. */
static int populate(struct mem_bytes *b, bool huge, struct err *e)
{
	if (madvise(b->host, (size_t)b->mapped, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return err_errno(e, "not all of it can be had now");
	for (uint64_t at = 0; !huge && at < b->mapped; at += MEM_PAGE)
		*(volatile uint8_t *)(b->host + at) = 0;
	return 0;
}

static void advise(const struct mem_source *from, const struct mem_bytes *b, bool huge)
{
	/* pages of 2 MiB where the system gives them: fewer misses for guest and host */
	if (!huge)
		madvise(b->host, (size_t)b->mapped, MADV_HUGEPAGE);
	if (from->merge)
		madvise(b->host, (size_t)b->mapped, MADV_MERGEABLE);
	if (from->out_of_dumps)
		madvise(b->host, (size_t)b->mapped, MADV_DONTDUMP);
}

static int map(uint64_t size, const struct mem_source *from, struct mem_bytes *out,
	       struct err *e)
{
	bool own = false, huge = false, file = from->path || from->memfd;
	int fd = file ? open_source(from, &own, e) : -1, r = fd < 0 && file ? fd : 0;
	int flags;
	void *p;

	if (r == 0 && file)
		r = grow(fd, from, &size, &huge, e);
	if (r < 0) {
		io_close(fd);
		return r;
	}
	/* whether bytes are the file's only shows where others can see it */
	flags = from->shared || own ? MAP_SHARED : MAP_PRIVATE;
	/* huge pages are set aside, or their lack ends the process later */
	if (from->overcommit && !huge)
		flags |= MAP_NORESERVE;
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
		 file ? flags : flags | MAP_ANONYMOUS, fd, 0);
	r = p == MAP_FAILED ? err_errno(e, "%llu MiB%s", (unsigned long long)(size / MIB),
					huge ? " of huge pages" : "")
			    : 0;
	io_close(fd);
	if (r < 0)
		return r;
	*out = (struct mem_bytes){ p, size };
	advise(from, out, huge);
	r = from->prealloc ? populate(out, huge, e) : 0;
	if (r < 0)
		mem_source_free(out);
	return r;
}

int mem_source_alloc(uint64_t size, const struct mem_source *from, struct mem_bytes *out,
		     struct err *e)
{
	int r;

	*out = (struct mem_bytes){ NULL, 0 };
	if (size > SIZE_MAX / 2)
		return err_set(e, -ENOMEM, "%llu bytes of guest memory are too many",
			       (unsigned long long)size);
	r = map(size, from, out, e);
	return r < 0 ? err_wrap(e, r, "guest memory%s%s", from->path ? " from " : "",
				from->path ? from->path : "")
		     : 0;
}

void mem_source_free(struct mem_bytes *b)
{
	mem_dealloc(b->host, b->mapped);
	b->host = NULL;
}

int mem_alloc(uint64_t size, const char *path, bool prealloc, uint8_t **host, struct err *e)
{
	const struct mem_source from = {
		.path = path, .shared = true, .prealloc = prealloc, .overcommit = !prealloc
	};
	struct mem_bytes b;
	int r = mem_source_alloc(size, &from, &b, e);

	*host = b.host;
	return r;
}

void mem_dealloc(uint8_t *host, uint64_t size)
{
	if (host)
		munmap(host, (size_t)size);
}
