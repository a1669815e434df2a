// SPDX-License-Identifier: GPL-2.0-only
/* Bytes that tell their place in a stream. */
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

void fail(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(err));
	fflush(stdout);
	exit(2);
}

static uint64_t word(uint64_t seed, uint64_t nr)
{
	uint64_t x = (seed << 48) + nr + 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static unsigned char byte_at(uint64_t seed, uint64_t at)
{
	return word(seed, at / 8) >> (at % 8 * 8);
}

void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset)
{
	unsigned char *p = buf;
	uint64_t w;

	for (; len && offset % 8; len--)
		*p++ = byte_at(seed, offset++);
	for (; len >= 8; len -= 8, p += 8, offset += 8) {
		w = word(seed, offset / 8);
		memcpy(p, &w, 8);
	}
	for (; len; len--)
		*p++ = byte_at(seed, offset++);
}

bool pattern_ok(const void *buf, size_t len, uint64_t seed, uint64_t offset)
{
	unsigned char want[4096];
	const unsigned char *p = buf;
	size_t n;

	for (; len; len -= n, p += n, offset += n) {
		n = len < sizeof(want) ? len : sizeof(want);
		pattern_fill(want, n, seed, offset);
		if (memcmp(p, want, n))
			return false;
	}
	return true;
}
