/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h: a test with more than one check, over kselftest_harness.h.
 *
 * ok() prints each check as a line of KTAP's subtests, and the test fails when one of them did; so
 * a report has all that is wrong, and the names of what was looked at.
 *
 * A kselftest_harness.h that comes with ok() and skip() of its own is taken as it is.
 */
#ifndef CHECK_H
#define CHECK_H

#include "kselftest_harness.h"

/* Seconds for one test, on a slow machine. */
#define LONG_TEST 600

static struct __test_metadata *under_test;

#ifndef TAP_H
#define BAIL_OUT "  # the test cannot go on: "

static int nr_checks;

static void check_line(const char *verdict, const char *fmt, va_list ap, const char *reason)
{
	printf("  %s %d ", verdict, ++nr_checks);
	vprintf(fmt, ap);
	printf("%s%s\n", reason ? " # SKIP " : "", reason ?: "");
	fflush(stdout);
}

/* Prints the verdict, returns whether it was good. */
__attribute__((format(printf, 2, 3), unused))
static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_line(good ? "ok" : "not ok", fmt, ap, NULL);
	va_end(ap);
	if (!good)
		under_test->exit_code = KSFT_FAIL;
	return good;
}

__attribute__((format(printf, 2, 3), unused))
static void skip(const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_line("ok", fmt, ap, reason);
	va_end(ap);
}
#endif

#include "private_node.h"

/* Tests of a fixture have a private node on which SERVICES, with commas, can be opened, and are. */
#define NODE_FIXTURE(fixture, services)						\
	FIXTURE(fixture) { bool made; };					\
	FIXTURE_SETUP(fixture)							\
	{									\
		const char *why = want_node(services, &self->made);		\
										\
		under_test = _metadata;						\
		if (why)							\
			SKIP(return, "%s", why);				\
	}									\
	FIXTURE_TEARDOWN_PARENT(fixture)					\
	{									\
		if (self->made && !drop_node())					\
			_metadata->exit_code = KSFT_FAIL;			\
	}

#endif
