/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer: runs a target over the files and directories named, so
 * that every input the fuzzers ever found stays a test under any compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int count;

static int replay_file(const char *path)
{
	uint8_t *data = NULL;
	size_t len = 0;
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return 1;
	}
	for (;;) {
		uint8_t *p = realloc(data, len + 65536);
		size_t n;

		if (!p)
			break;
		data = p;
		n = fread(data + len, 1, 65536, f);
		len += n;
		if (n == 0)
			break;
	}
	fclose(f);
	/* The exact size, so that a sanitizer sees the first byte read past the end. */
	data = realloc(data, len ? len : 1);
	if (!data)
		return 1;
	/* Before the run: a crash then names its input. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	printf("ok %d %s\n", ++count, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	return 0;
}

static int replay(const char *path)
{
	struct stat st;
	struct dirent **v;
	int n, r = 0;

	if (stat(path, &st) < 0) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	n = scandir(path, &v, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, v[i]->d_name);
		if (v[i]->d_name[0] != '.')
			r |= replay(name);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
	return r;
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc; i++)
		r |= replay(argv[i]);
	printf("1..%d\n", count);
	return r;
}
