// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec: what kexec-tools does, as far as tests/host/boot.sh needs it.
 *
 *	kexec load KERNEL INITRD COMMAND-LINE	kexec_file_load(); the kernel log has the segments
 *	kexec at ADDRESS			a page there by kexec_load(), and taken away again
 *	kexec go				into the kernel that was loaded
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Says where the segments are; newer than Debian 12's headers. */
#define FILE_DEBUG	8

static int said(const char *what, long ret)
{
	if (!ret)
		return 0;
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int load(const char *kernel, const char *initrd, const char *line)
{
	int k = open(kernel, O_RDONLY | O_CLOEXEC);
	int i = open(initrd, O_RDONLY | O_CLOEXEC);

	return said("kexec_file_load", syscall(SYS_kexec_file_load, k, i, strlen(line) + 1, line, FILE_DEBUG));
}

static int at(const char *where)
{
	static char page[4096];
	struct kexec_segment segment = {
		.buf = page, .bufsz = sizeof(page),
		.mem = (void *)strtoul(where, NULL, 0), .memsz = sizeof(page),
	};
	int ret = said("kexec_load", syscall(SYS_kexec_load, segment.mem, 1UL, &segment, KEXEC_ARCH_DEFAULT));

	if (!ret)
		said("kexec_load of nothing", syscall(SYS_kexec_load, 0UL, 0UL, NULL, KEXEC_ARCH_DEFAULT));
	return ret;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv[2], argv[3], argv[4]);
	if (argc == 3 && !strcmp(argv[1], "at"))
		return at(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "go"))
		return said("reboot", reboot(LINUX_REBOOT_CMD_KEXEC));
	fprintf(stderr, "usage: kexec load KERNEL INITRD COMMAND-LINE | at ADDRESS | go\n");
	return 2;
}
