// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot: hibernation by who has /dev/snapshot open already, for boot.bash.
 *
 *	snapshot FILE TEXT
 *
 * It asks for an image, drops it, writes TEXT to FILE, and asks for one again.  It prints "image before: RESULT" and
 * "image registered: RESULT"; RESULT is "made" or the error.  Where /sys/power/pm_test ends the work early, no image is
 * made, and "made" says that the kernel was ready to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/suspend_ioctls.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void image(int fd, const char *when)
{
	int in_suspend, err = 0;

	if (ioctl(fd, SNAPSHOT_FREEZE, 0)) {
		perror("freeze");
		return;
	}
	if (ioctl(fd, SNAPSHOT_CREATE_IMAGE, &in_suspend))
		err = errno;
	ioctl(fd, SNAPSHOT_FREE);
	ioctl(fd, SNAPSHOT_UNFREEZE);
	printf("image %s: %s\n", when, err ? strerror(err) : "made");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int fd = open("/dev/snapshot", O_RDONLY), file;

	if (argc != 3 || fd < 0) {
		perror("/dev/snapshot");
		return 2;
	}
	image(fd, "before");
	file = open(argv[1], O_WRONLY);
	if (write(file, argv[2], strlen(argv[2])) < 0)
		perror(argv[1]);
	image(fd, "registered");
	return 0;
}
