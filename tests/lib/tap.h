/* SPDX-License-Identifier: GPL-2.0-only */
/* tap.h: the few lines of TAP that a C test needs; include it as "tap.h" (-I tests/lib). */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline void tap_line(const char *verdict, const char *fmt, va_list ap, const char *skip)
{
	printf("%s %d - ", verdict, ++tap_count);
	vprintf(fmt, ap);
	if (skip)
		printf(" # SKIP %s", skip);
	putchar('\n');
	fflush(stdout);
}

/* Prints the verdict, returns whether it was good. */
__attribute__((format(printf, 2, 3), unused))
static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(good ? "ok" : "not ok", fmt, ap, NULL);
	va_end(ap);
	tap_failed += !good;
	return good;
}

__attribute__((format(printf, 2, 3), unused))
static void skip(const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line("ok", fmt, ap, reason);
	va_end(ap);
}

/* Last line of main(): return done_testing(); */
__attribute__((unused))
static int done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed || !tap_count;
}

#endif
