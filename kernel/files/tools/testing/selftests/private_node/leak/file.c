// SPDX-License-Identifier: GPL-2.0-only
/* Page cache of ext4, 9p and block devices. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"

#define DISK "/dev/ram0"
#define MOUNT "/run/leak.ext4"
#define FILE_SIZE (160 * MIB)
#define NEW_SIZE (24 * MIB)

static int run4(char *a, char *b, char *c, char *d)
{
	char *const argv[] = { a, b, c, d, NULL };

	return wait_program(run_program(argv));
}

static void write_all(int fd, size_t size)
{
	static char buf[65536];
	size_t n;

	memset(buf, 1, sizeof(buf));
	for (n = 0; n < size && write(fd, buf, sizeof(buf)) > 0; n += sizeof(buf))
		;
}

/*
 * An ext4 on a RAM disk, which has pages for what was written alone; made once a boot.  The file
 * in it is preallocated: reading it fills the page cache and costs no other memory.
 */
static bool ext4(void)
{
	int fd;

	if (exists(MOUNT "/file"))
		return true;
	mkdir(MOUNT, 0755);
	if (run4("modprobe", "ext4", NULL, NULL) ||
	    run4("modprobe", "brd", "rd_nr=1", "rd_size=262144") ||
	    run4("mkfs.ext4", "-q", "-F", DISK) || run4("mount", DISK, MOUNT, NULL))
		return false;
	fd = open(MOUNT "/file", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || fallocate(fd, 0, 0, FILE_SIZE) || fsync(fd) || close(fd))
		return false;
	/* one that is written again later: the disk has its pages then, and needs no more */
	fd = open(MOUNT "/new", O_RDWR | O_CREAT, 0600);
	write_all(fd, NEW_SIZE);
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd >= 0 && !close(fd);
}

/* An open descriptor of the file, nothing of it cached. */
static int cold_file(void)
{
	int fd = ext4() ? open(MOUNT "/file", O_RDWR) : -1;

	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

static size_t file_amount(const struct ctx *c)
{
	return c->full ? FILE_SIZE : 8 * MIB;
}

static void read_all(int fd, size_t size)
{
	static char buf[65536];
	size_t n;

	for (n = 0; n < size && read(fd, buf, sizeof(buf)) > 0; n += sizeof(buf))
		;
}

static int file_read(struct ctx *c)
{
	int fd = cold_file();

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	read_all(fd, file_amount(c));
	return DONE;
}

static int file_mmap(struct ctx *c)
{
	volatile char *p;
	int fd = cold_file();
	size_t i;

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	for (i = 0; i < file_amount(c); i += PAGE)
		(void)p[i];
	return DONE;
}

/* The private copy is anonymous; the cache page below it is not. */
static int file_mmap_private(struct ctx *c)
{
	int fd = cold_file();

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	touch(mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), file_amount(c));
	return DONE;
}

static int file_readahead(struct ctx *c)
{
	size_t i;
	int fd = cold_file();

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	for (i = 0; i < file_amount(c); i += MIB)
		readahead(fd, i, MIB);
	return DONE;
}

static int file_willneed(struct ctx *c)
{
	size_t i;
	int fd = cold_file();

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	for (i = 0; i < file_amount(c); i += MIB)
		posix_fadvise(fd, i, MIB, POSIX_FADV_WILLNEED);
	return DONE;
}

static int file_write(struct ctx *c)
{
	int fd = ext4() ? open(MOUNT "/new", O_RDWR) : -1;

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	mark();
	write_all(fd, c->full ? NEW_SIZE : 4 * MIB);
	return DONE;
}

static int file_sendfile(struct ctx *c)
{
	int fd = cold_file(), null = open("/dev/null", O_WRONLY);
	size_t n;

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	for (n = 0; n < file_amount(c); n += MIB)
		sendfile(null, fd, NULL, MIB);
	return DONE;
}

/* read() first, mmap and mbind later: a policy of a mapping does not own the file's pages. */
static int file_read_mbind(struct ctx *c)
{
	void *p;
	int fd = cold_file();

	if (fd < 0)
		return skip_row("ext4: no image could be made");
	mark();
	p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (!bind_range(p, FILE_SIZE, 1UL << c->node))
		note_errno("mbind");
	bind_self(c->node);
	read_all(fd, 8 * MIB);
	return DONE;
}

static int block_read(struct ctx *c)
{
	int fd;

	if (!ext4())
		return skip_row("ext4: no image could be made");
	fd = open("/dev/ram0", O_RDONLY);
	if (fd < 0)
		return skip_row("/dev/ram0: not there");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	mark();
	read_all(fd, c->full ? 256 * MIB : 8 * MIB);
	return DONE;
}

/* The host's files: 9p below overlayfs. */
static int overlay_read(struct ctx *c)
{
	int fd = open("/usr/bin/qemu-system-x86_64", O_RDONLY);

	if (fd < 0)
		fd = open("/proc/self/exe", O_RDONLY);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	mark();
	read_all(fd, 8 * MIB);
	if (c->full)
		touch(map_anon(64 * MIB), 64 * MIB);
	return DONE;
}

const struct row file_rows[] = {
	{ "file-read", file_read, POLICY | FULL | QUICK | SHORT, 500 },
	{ "file-mmap", file_mmap, POLICY | FULL, 500 },
	{ "file-mmap-private", file_mmap_private, POLICY | FULL, 500 },
	{ "file-readahead", file_readahead, POLICY | FULL, 100 },
	{ "file-willneed", file_willneed, POLICY | FULL, 100 },
	{ "file-write", file_write, POLICY | FULL, 200 },
	{ "file-sendfile", file_sendfile, POLICY | FULL, 100 },
	{ "file-read-after-mbind", file_read_mbind, NAMED, 500 },
	{ "block-device-read", block_read, POLICY | FULL, 100 },
	{ "overlay-read", overlay_read, POLICY | FULL, 100 },
	{ }
};
