/* SPDX-License-Identifier: MIT */
/*
 * What the guest of vemu_cpu.sh computes: eleven kernels, named by the first argument, repeated
 * as the second says.  Each prints a checksum, the same on every processor.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef uint8_t u8;

static u32 seed = 12345;
static inline u32 rnd(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed;
}

/* 1. coremark-like: list + matrix + state machine + crc16 */
struct node {
	struct node *next;
	int16_t v, idx;
};
static u32 crcu8(u8 d, u32 c)
{
	for (int i = 0; i < 8; i++) {
		u32 x = (d & 1) ^ (c & 1);
		d >>= 1;
		if (x) {
			c ^= 0x4002;
		}
		c >>= 1;
		if (x)
			c |= 0x8000;
		else
			c &= 0x7fff;
	}
	return c;
}

static u32 crc16(u32 v, u32 c)
{
	return crcu8(v >> 8, crcu8(v, c));
}

static struct node *msort(struct node *l)
{
	int k = 1;
	for (;;) {
		struct node *p = l, *t = 0;
		l = 0;
		int n = 0;
		while (p) {
			n++;
			struct node *q = p;
			int ps = 0;
			for (int i = 0; i < k; i++) {
				ps++;
				q = q->next;
				if (!q)
					break;
			}
			int qs = k;
			while (ps > 0 || (qs > 0 && q)) {
				struct node *e;
				if (ps == 0) {
					e = q;
					q = q->next;
					qs--;
				} else if (qs == 0 || !q) {
					e = p;
					p = p->next;
					ps--;
				} else if (p->v <= q->v) {
					e = p;
					p = p->next;
					ps--;
				} else {
					e = q;
					q = q->next;
					qs--;
				}
				if (t)
					t->next = e;
				else
					l = e;
				t = e;
			}
			p = q;
		}
		t->next = 0;
		if (n <= 1)
			return l;
		k *= 2;
	}
}

static u32 cm(int n)
{
	u32 crc = 0;
	static struct node nd[256];
	static int16_t A[20][20], B[20][20];
	static int32_t C[20][20];
	static char buf[512];
	static const char *pat[] = { "5012",     "1234",     "-874",     "+122",
				     "35.54400", ".1234500", "-110.700", "+0.64400",
				     "5.500e+3", "-.123e-2", "-87e+832", "+0.6e-12",
				     "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^" };
	int o = 0;
	while (o < 490) {
		const char *p = pat[rnd() >> 28];
		while (*p)
			buf[o++] = *p++;
		buf[o++] = ',';
	}
	buf[o] = 0;
	for (int it = 0; it < n; it++) {
		for (int i = 0; i < 256; i++) {
			nd[i].v = (int16_t)(rnd() >> 16);
			nd[i].idx = i;
			nd[i].next = i < 255 ? &nd[i + 1] : 0;
		}
		struct node *l = msort(nd);
		for (struct node *p = l; p; p = p->next)
			crc = crc16((u32)(u8)p->v, crc);
		for (int i = 0; i < 20; i++)
			for (int j = 0; j < 20; j++) {
				A[i][j] = rnd() >> 20;
				B[i][j] = rnd() >> 21;
			}
		for (int i = 0; i < 20; i++)
			for (int j = 0; j < 20; j++) {
				int32_t s = 0;
				for (int k = 0; k < 20; k++)
					s += A[i][k] * B[k][j];
				C[i][j] = s;
			}
		for (int i = 0; i < 20; i++)
			crc = crc16(C[i][i] & 0xffff, crc);
		int cnt[8] = { 0 };
		char *p = buf;
		while (*p) {
			int st = 0;
			for (; *p && *p != ','; p++) {
				switch (st) {
				case 0:
					if (*p >= '0' && *p <= '9')
						st = 3;
					else if (*p == '+' || *p == '-')
						st = 2;
					else if (*p == '.')
						st = 4;
					else
						st = 1;
					break;
				case 2:
					if (*p >= '0' && *p <= '9')
						st = 3;
					else if (*p == '.')
						st = 4;
					else
						st = 1;
					break;
				case 3:
					if (*p == '.')
						st = 4;
					else if (!(*p >= '0' && *p <= '9'))
						st = 1;
					break;
				case 4:
					if (*p == 'E' || *p == 'e')
						st = 5;
					else if (!(*p >= '0' && *p <= '9'))
						st = 1;
					break;
				case 5:
					if (*p == '+' || *p == '-')
						st = 6;
					else
						st = 1;
					break;
				case 6:
					if (*p >= '0' && *p <= '9')
						st = 7;
					else
						st = 1;
					break;
				case 7:
					if (!(*p >= '0' && *p <= '9'))
						st = 1;
					break;
				}
				cnt[st]++;
			}
			if (*p)
				p++;
		}
		for (int i = 0; i < 8; i++)
			crc = crc16(cnt[i], crc);
	}
	return crc;
}

/* 2. sha256 */
static const u32 K[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2
};
#define R(x, n) ((x) >> (n) | (x) << (32 - (n)))
static void shablk(u32 *h, const u8 *p)
{
	u32 w[64];
	for (int i = 0; i < 16; i++)
		w[i] = (u32)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 |
		       p[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		u32 a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + (R(a, 7) ^ R(a, 18) ^ a >> 3) + w[i - 7] +
		       (R(b, 17) ^ R(b, 19) ^ b >> 10);
	}
	u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
	for (int i = 0; i < 64; i++) {
		u32 t1 = k + (R(e, 6) ^ R(e, 11) ^ R(e, 25)) + ((e & f) ^ (~e & g)) + K[i] +
			 w[i],
		    t2 = (R(a, 2) ^ R(a, 13) ^ R(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		k = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
	h[5] += f;
	h[6] += g;
	h[7] += k;
}

static u32 sha(int n)
{
	static u8 b[65536];
	for (int i = 0; i < 65536; i++)
		b[i] = rnd() >> 24;
	u32 h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	for (int i = 0; i < n; i++)
		for (int j = 0; j < 65536; j += 64)
			shablk(h, b + j);
	return h[0];
}

/* 3. nbody double (SSE2 scalar on amd64) */
static u32 nbody(int n)
{
	double x[5] = { 0, 4.84, 8.34, 12.89, 15.37 }, y[5] = { 0, -1.16, 4.12, -15.11, -25.9 },
	       z[5] = { 0, -.10, -.4, -.22, .179 }, vx[5] = { 0, .606, -1.01, 1.08, .979 },
	       vy[5] = { 0, 2.81, 1.82, .868, .594 }, vz[5] = { 0, -.02, .008, -.01, -.034 },
	       m[5] = { 39.47, .03769, .01128, .0017, .002 };
	for (int s = 0; s < n; s++) {
		for (int i = 0; i < 5; i++)
			for (int j = i + 1; j < 5; j++) {
				double dx = x[i] - x[j], dy = y[i] - y[j], dz = z[i] - z[j],
				       d2 = dx * dx + dy * dy + dz * dz,
				       mg = 0.001 / (d2 * sqrt(d2));
				vx[i] -= dx * m[j] * mg;
				vy[i] -= dy * m[j] * mg;
				vz[i] -= dz * m[j] * mg;
				vx[j] += dx * m[i] * mg;
				vy[j] += dy * m[i] * mg;
				vz[j] += dz * m[i] * mg;
			}
		for (int i = 0; i < 5; i++) {
			x[i] += .001 * vx[i];
			y[i] += .001 * vy[i];
			z[i] += .001 * vz[i];
		}
	}
	u32 r;
	float f = x[0] + y[1] + z[2];
	memcpy(&r, &f, 4);
	return r;
}

/* 4. float matmul, auto-vectorized (SSE packed) */
static u32 vmm(int n)
{
	static float A[128][128], B[128][128], C[128][128];
	for (int i = 0; i < 128; i++)
		for (int j = 0; j < 128; j++) {
			A[i][j] = (rnd() >> 24) * .01f;
			B[i][j] = (rnd() >> 24) * .01f;
		}
	for (int t = 0; t < n; t++)
		for (int i = 0; i < 128; i++)
			for (int k = 0; k < 128; k++) {
				float a = A[i][k];
				for (int j = 0; j < 128; j++)
					C[i][j] = C[i][j] * .5f + a * B[k][j];
			}
	u32 r;
	memcpy(&r, &C[3][5], 4);
	return r;
}

/* 5. integer SIMD: SAD/saturating image blend, auto-vectorized */
static u32 vint(int n)
{
	static u8 a[65536], b[65536], c[65536];
	for (int i = 0; i < 65536; i++) {
		a[i] = rnd() >> 24;
		b[i] = rnd() >> 24;
	}
	u32 s = 0;
	for (int t = 0; t < n; t++) {
		for (int i = 0; i < 65536; i++) {
			int v = (a[i] * 3 + b[i] * 5 + t) >> 3;
			c[i] = v > 255 ? 255 : v;
		}
		s += c[t & 65535];
	}
	return s;
}

/* 6. recursion / call-ret */
static int __attribute__((noinline)) fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static u32 fibk(int n)
{
	u32 s = 0;
	for (int i = 0; i < n; i++)
		s += fib(27);
	return s;
}

/* 7. indirect: bytecode VM */
static u32 vmk(int n)
{
	static u8 code[1024];
	for (int i = 0; i < 1023; i++)
		code[i] = (rnd() >> 24) & 7;
	code[1023] = 8;
	u32 a = 1, b = 2, c = 3, s = 0;
	static void *T[] = { &&o0, &&o1, &&o2, &&o3, &&o4, &&o5, &&o6, &&o7, &&o8 };
	for (int i = 0; i < n; i++) {
		u8 *p = code;
		goto *T[*p++];
o0:
		a += b;
		goto *T[*p++];
o1:
		b ^= a;
		goto *T[*p++];
o2:
		c -= b;
		goto *T[*p++];
o3:
		a = a << 3 | a >> 29;
		goto *T[*p++];
o4:
		b += c * 5;
		goto *T[*p++];
o5:
		if (a & 1)
			c++;
		goto *T[*p++];
o6:
		s += a ^ c;
		goto *T[*p++];
o7:
		a -= s;
		goto *T[*p++];
o8:;
	}
	return a + b + c + s;
}

/* 8. pointer chase + memcpy */
static u32 memk(int n)
{
	u32 N = 1 << 20;
	u32 *a = malloc(N * 4);
	for (u32 i = 0; i < N; i++)
		a[i] = i;
	for (u32 i = N - 1; i > 0; i--) {
		u32 j = rnd() % i, t = a[i];
		a[i] = a[j];
		a[j] = t;
	}
	u32 p = 0, s = 0;
	for (int i = 0; i < n; i++) {
		for (u32 j = 0; j < N; j++) {
			p = a[p];
			s += p;
		}
	}
	return s;
}

static u32 cpy(int n)
{
	char *a = malloc(4 << 20), *b = malloc(4 << 20);
	memset(a, 1, 4 << 20);
	for (int i = 0; i < n; i++) {
		memcpy(b, a, 4 << 20);
		a[i & 1023] = b[(i * 7) & 1023] + 1;
		memset(a + 2048, i, 1 << 20);
	}
	return a[5] + b[9];
}

/* 9. long double (x87) */
static u32 ldk(int n)
{
	long double x = 1.0L, y = .5L, s = 0;
	for (int i = 0; i < n; i++) {
		x = x * 1.0000001L + y / (x + 1);
		y = y * .999L + sqrtl(x);
		s += x - y;
		if (s > 1e10L)
			s = 0;
	}
	return (u32)(int)s;
}

/* 10. sieve / hash table */
static u32 hashk(int n)
{
	u32 M = 1 << 16;
	u32 *h = calloc(M, 8);
	u32 s = 0;
	for (int i = 0; i < n; i++) {
		u32 k = (rnd() & 0x3fff) | 1;
		u32 x = (k * 2654435761u) >> 16;
		while (h[2 * x] && h[2 * x] != k)
			x = (x + 1) & (M - 1);
		h[2 * x] = k;
		s += h[2 * x + 1]++;
	}
	return s;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		u32 (*run)(int n);
	} kernels[] = {
		{ "core", cm },   { "sha", sha },  { "nbody", nbody }, { "vmm", vmm },
		{ "vint", vint }, { "fib", fibk }, { "vm", vmk },      { "chase", memk },
		{ "copy", cpy },  { "ld", ldk },   { "hash", hashk },
	};

	for (unsigned i = 0; argc == 3 && i < sizeof(kernels) / sizeof(*kernels); i++)
		if (!strcmp(argv[1], kernels[i].name)) {
			printf("%s %08x\n", argv[1], kernels[i].run(atoi(argv[2])));
			return 0;
		}
	return 2;
}
