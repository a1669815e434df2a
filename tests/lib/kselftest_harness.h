/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest_harness.h: the selftests of kernel/files/tools/testing/selftests as programs of ours: their tests
 * run one after the other, in one process, and each check is a line of TAP.
 *
 * As much of the kernel's tools/testing/selftests/kselftest_harness.h as they use.
 */
#ifndef KSELFTEST_HARNESS_H
#define KSELFTEST_HARNESS_H

#include <string.h>

#include "tap.h"

#define KSFT_FAIL 1
#define KSFT_SKIP 4

struct __test_metadata {
	const char *name;
	void (*run)(struct __test_metadata *test);
	int exit_code;
};

static struct __test_metadata tests[64];
static int nr_tests;

#define SKIP(statement, ...) do {						\
	skip("see the name", __VA_ARGS__);					\
	_metadata->exit_code = KSFT_SKIP;					\
	statement;								\
} while (0)

#define FIXTURE(fixture) struct fixture##_data
#define FIXTURE_SETUP(fixture)							\
	static void fixture##_setup(struct __test_metadata *_metadata, struct fixture##_data *self)
#define FIXTURE_TEARDOWN_PARENT(fixture)					\
	static void fixture##_teardown(struct __test_metadata *_metadata, struct fixture##_data *self)

#define TEST_F(fixture, test)							\
	static void fixture##_##test(struct __test_metadata *_metadata, struct fixture##_data *self); \
	static void run_##fixture##_##test(struct __test_metadata *_metadata)	\
	{									\
		struct fixture##_data self = { };				\
										\
		fixture##_setup(_metadata, &self);				\
		if (_metadata->exit_code)					\
			return;							\
		fixture##_##test(_metadata, &self);				\
		fixture##_teardown(_metadata, &self);				\
	}									\
	__attribute__((constructor))						\
	static void add_##fixture##_##test(void)				\
	{									\
		tests[nr_tests++] = (struct __test_metadata){ #test, run_##fixture##_##test }; \
	}									\
	static void fixture##_##test(struct __test_metadata *_metadata, struct fixture##_data *self)
/* tests/run has a limit for all of them. */
#define TEST_F_TIMEOUT(fixture, test, timeout) TEST_F(fixture, test)

/* Runs those whose names have a word of the arguments in them; all without. */
__attribute__((unused))
static int run_tests(int argc, char **argv)
{
	int i, j;

	for (i = 0; i < nr_tests; i++) {
		for (j = 1; j < argc && !strstr(tests[i].name, argv[j]); j++)
			;
		if (j < argc || argc == 1)
			tests[i].run(&tests[i]);
		if (tests[i].exit_code == KSFT_FAIL)
			ok(false, "%s: what was made for it could not be given back", tests[i].name);
	}
	return done_testing();
}

#define TEST_HARNESS_MAIN							\
	int main(int argc, char **argv)						\
	{									\
		return run_tests(argc, argv);					\
	}

#endif
