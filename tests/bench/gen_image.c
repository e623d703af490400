/* SPDX-License-Identifier: MIT */
/*
 * Makes the image that speeds are measured on: a quarter zeroes (written, not
 * holes), a quarter random bytes, half log-like text, in shuffled pieces of 64 KiB to 4 MiB.
 * The same arguments always give the same bytes.
 *
 *	gen_image OUT MIB [SEED]
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 4096, WORD_MAX = 16, PIECE_MIN = 64 << 10, PIECE_MAX = 4 << 20 };

static uint64_t state[2];
static char words[WORDS][WORD_MAX];

/* xorshift128+ */
static uint64_t next_random(void)
{
	uint64_t a = state[0], b = state[1];

	state[0] = b;
	a ^= a << 23;
	state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return state[1] + b;
}

static void make_words(void)
{
	static const char consonants[] = "bcdfghklmnprstvwz", vowels[] = "aeiou";

	for (int i = 0; i < WORDS; i++) {
		int syllables = 1 + (int)(next_random() % 4), n = 0;

		while (syllables--) {
			words[i][n++] = consonants[next_random() % (sizeof(consonants) - 1)];
			words[i][n++] = vowels[next_random() % (sizeof(vowels) - 1)];
			if (next_random() % 3 == 0)
				words[i][n++] =
					consonants[next_random() % (sizeof(consonants) - 1)];
		}
	}
}

/* Low numbers are far more frequent, as words are in text. */
static const char *pick_word(void)
{
	double u = (double)(next_random() >> 11) / 9007199254740992.0;

	return words[(int)(WORDS * u * u * u)];
}

static int log_line(char *line, size_t room)
{
	static const char *const levels[] = { "INFO", "DEBUG", "WARN", "ERROR" };
	static uint64_t clock = 1700000000000u;
	int count = 5 + (int)(next_random() % 20), n;

	clock += next_random() % 5000;
	n = snprintf(line, room, "%llu.%03llu [%s] %08llx:", (unsigned long long)(clock / 1000),
		     (unsigned long long)(clock % 1000),
		     levels[next_random() % 16 > 12 ? next_random() % 4 : 0],
		     (unsigned long long)(next_random() & 0xffffffff));
	while (count--)
		n += snprintf(line + n, room - (size_t)n, " %s%s", pick_word(),
			      next_random() % 12 ? "" : ",");
	line[n++] = '\n';
	return n;
}

static void fill(uint8_t *buf, size_t len, int kind)
{
	if (kind == 0) {
		memset(buf, 0, len);
		return;
	}
	if (kind == 1) {
		for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
			uint64_t v = next_random();

			memcpy(buf + i, &v, sizeof(v));
		}
		return;
	}
	for (size_t at = 0; at < len;) {
		char line[1024];
		size_t n = (size_t)log_line(line, sizeof(line));

		if (n > len - at)
			n = len - at;
		memcpy(buf + at, line, n);
		at += n;
	}
}

int main(int argc, char **argv)
{
	uint64_t total = argc > 2 ? strtoull(argv[2], NULL, 0) << 20 : 0, off = 0;
	uint64_t left[3] = { total / 4, total / 4, total - total / 4 * 2 };
	uint8_t *buf = malloc(PIECE_MAX);
	int fd;

	if (!total || !buf) {
		fprintf(stderr, "usage: gen_image OUT MIB [SEED]\n");
		return 2;
	}
	state[0] = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	state[1] = 0x9e3779b97f4a7c15u;
	make_words();
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
	while (fd >= 0 && off < total) {
		uint64_t x = next_random() % (left[0] + left[1] + left[2]), n;
		int kind = x < left[0] ? 0 : x < left[0] + left[1] ? 1 : 2;

		n = (uint64_t)PIECE_MIN << (next_random() % 7);
		if (n > left[kind])
			n = left[kind];
		fill(buf, (size_t)n, kind);
		if (pwrite(fd, buf, (size_t)n, (off_t)off) != (ssize_t)n)
			break;
		left[kind] -= n;
		off += n;
	}
	if (fd < 0 || off < total || close(fd) < 0) {
		perror(argv[1]);
		return 1;
	}
	free(buf);
	return 0;
}
