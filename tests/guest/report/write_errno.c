// SPDX-License-Identifier: GPL-2.0-only
/*
 * write_errno FILE TEXT: one write(2), which has to fail with the errno that
 * PMN_ERRNO_WANTED names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *want = getenv("PMN_ERRNO_WANTED");
	ssize_t n;
	int fd;

	if (argc != 3 || !want) {
		fprintf(stderr, "usage: PMN_ERRNO_WANTED=NAME write_errno FILE TEXT\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY);
	if (fd < 0) {
		fprintf(stderr, "write_errno: %s: cannot open: %m\n", argv[1]);
		return 2;
	}
	n = write(fd, argv[2], strlen(argv[2]));
	if (n < 0 && !strcmp(strerrorname_np(errno), want))
		return 0;
	printf("# %s: want %s, got %s\n", argv[1], want,
	       n < 0 ? strerrorname_np(errno) : "success");
	return 1;
}
