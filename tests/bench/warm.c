/* SPDX-License-Identifier: MIT */
/*
 * Touches memory and gives it back, so that what the next program gets from the kernel is
 * really there.  A virtual machine returns free memory to its host within seconds; who
 * touches it next waits for the host, a hundred times as long as the copy of a page takes.
 * Between two programs that are compared this falls on either by chance.
 *
 *	warm MIB
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	size_t free_mib = pages > 0 && size > 0 ? (size_t)pages * (size_t)size >> 20 : 0;

	if (!mib) {
		fprintf(stderr, "usage: warm MIB\n");
		return 2;
	}
	/* Never so much that the page cache, which holds the inputs, has to give way. */
	if (mib > free_mib / 2)
		mib = free_mib / 2;
	if (mib && mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
		perror("warm");
	return 0;
}
