/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * torture.h: what the tests that draw at random share: the draws of a process, files that are
 * written and read in one call, and what went wrong, told by many processes and kept once.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* xorshift64: not 0. */
static uint64_t rng;

__attribute__((unused)) static unsigned long draw(unsigned long below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % below;
}

/* Sets errno as write(2) does. */
__attribute__((unused)) static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return good;
}

__attribute__((unused)) static bool get_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* In memory that all processes share; the first text is kept. */
struct verdict {
	unsigned long wrong;
	char what[256];
};

__attribute__((format(printf, 2, 3), unused))
static void wrong_at(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	if (__atomic_fetch_add(&v->wrong, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(ap, fmt);
	vsnprintf(v->what, sizeof(v->what), fmt, ap);
	va_end(ap);
}

#endif
