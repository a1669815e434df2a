// SPDX-License-Identifier: GPL-2.0-only
/*
 * file: clean page cache of ext4 and xfs is placed on a compressing device when that is switched on, and read
 * there, mapped or by read(); who changes it finds it in ordinary memory, with the right contents.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "cram.h"

#define LEN (4 * MIB)
#define NR (LEN / PAGE)
#define MNT "/tmp/cram-fs"
#define FILE_NAME MNT "/f"
#define SALT 21

static int fd;
static char *map;		/* shared, read-only */
static char expect[LEN];	/* what the file holds */

/* Sparse; xfs has a least size. */
static void make_fs(const char *type)
{
	char line[256];

	mkdir(MNT, 0755);
	snprintf(line, sizeof(line), "modprobe %s; truncate -s 320M /tmp/cram-img && mkfs.%s -q /tmp/cram-img && "
		 "mount -t %s $(losetup -f --show /tmp/cram-img) " MNT, type, type, type);
	if (system(line))
		bail("%s", type);
}

static void end_fs(void)
{
	if (system("umount " MNT " && losetup -D && rm /tmp/cram-img"))
		bail("umount");
}

static bool same(void)
{
	static char buf[LEN];

	return pread(fd, buf, LEN, 0) == (ssize_t)LEN && !memcmp(buf, expect, LEN) && !memcmp(map, expect, LEN);
}

static unsigned long there(void)
{
	unsigned long here = 0;
	size_t i;

	/* Mapped only when it is touched. */
	for (i = 0; i < NR; i++)
		(void)*(volatile char *)(map + i * PAGE);
	here = where(map, LEN).here;
	return here;
}

/* What was dropped instead of placed was read again by there(). */
static unsigned long cold(void)
{
	unsigned long here = 0;
	int i;

	fsync(fd);
	for (i = 0; i < 10 && here < NR * 19 / 20; i++) {
		madvise(map, LEN, MADV_COLD);
		write_file("/sys/devices/system/node/node0/reclaim", "8M swappiness=0");
		here = there();
	}
	return here;
}

static void new_file(void)
{
	fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
	fill(expect, LEN, HALF, SALT);
	if (fd < 0 || pwrite(fd, expect, LEN, 0) != (ssize_t)LEN)
		bail(FILE_NAME);
	map = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		bail("mmap");
	munlock(map, LEN);
}

/* The page is no longer on the device, the file has what it should, the device saw no store. */
static void judge(size_t page, const char *what)
{
	(void)*(volatile char *)(map + page * PAGE);
	ok(!where(map + page * PAGE, PAGE).here, "%s: not on the device", what);
	ok(same(), "%s: contents", what);
	ok(!sim_number("check") && nothing_lost(), "%s: no page on the device changed", what);
}

static void placing(const char *type)
{
	unsigned long before;

	ok(number_in("/sys/kernel/mm/cram/file", "") == 0, "%s: off by default", type);
	ok(!cold() && !cram_stat("admitted_file"), "%s, off: nothing comes", type);
	put("/sys/kernel/mm/cram/file", "1");
	before = cold();
	ok(before > NR * 17 / 20 && cram_stat("admitted_file") >= before, "%s, on: %lu of %lu pages are there", type,
	   before, NR);
	ok(same(), "contents, read and mapped");
	ok(there() == before, "read in place: all stay");
}

static void by_write(void)
{
	unsigned long copied, dropped;

	ok(cold() > NR / 2, "cold");
	copied = cram_stat("copied_up");
	dropped = cram_stat("dropped");
	memset(expect + 3 * PAGE + 100, 'w', 50);
	if (pwrite(fd, expect + 3 * PAGE + 100, 50, 3 * PAGE + 100) != 50)
		bail("pwrite");
	judge(3, "write");
	ok(cram_stat("copied_up") > copied && cram_stat("dropped") == dropped, "a copy took its place: %lu pages, %lu dropped",
	   cram_stat("copied_up") - copied, cram_stat("dropped") - dropped);
}

static void by_mapping(void)
{
	char *w = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	munlock(w, LEN);
	munmap(w, LEN);
	ok(cold() > NR / 2, "cold");
	w = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	munlock(w, LEN);
	w[5 * PAGE + 7] = expect[5 * PAGE + 7] = 'm';
	judge(5, "a mapping that writes");
	(void)*(volatile char *)(w + 6 * PAGE);
	w[6 * PAGE] = expect[6 * PAGE] = 'n';
	judge(6, "a mapping that read before");
	munmap(w, LEN);
	ok(cold() > NR / 2, "cold");
	w = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	munlock(w, LEN);
	(void)*(volatile char *)(w + 7 * PAGE);
	mprotect(w, LEN, PROT_READ | PROT_WRITE);
	w[7 * PAGE] = expect[7 * PAGE] = 'o';
	judge(7, "a mapping made writable");
	munmap(w, LEN);
}

static void by_private_mapping(void)
{
	char *w;

	ok(cold() > NR / 2, "cold");
	w = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	munlock(w, LEN);
	w[8 * PAGE] = 'p';
	ok(w[8 * PAGE] == 'p' && same(), "a private mapping writes a copy of its own");
	ok(!sim_number("check") && nothing_lost(), "... no page on the device changed");
	munmap(w, LEN);
}

static void by_punch(void)
{
	ok(cold() > NR / 2, "cold");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 9 * PAGE + 512, 2 * PAGE))
		bail("punch");
	memset(expect + 9 * PAGE + 512, 0, 2 * PAGE);
	judge(9, "a hole");
}

static void by_direct(void)
{
	int direct = open(FILE_NAME, O_RDWR | O_DIRECT);
	char *buf = aligned_alloc(PAGE, PAGE);

	ok(cold() > NR / 2, "cold");
	memset(buf, 'd', PAGE);
	memset(expect + 12 * PAGE, 'd', PAGE);
	if (pwrite(direct, buf, PAGE, 12 * PAGE) != (ssize_t)PAGE)
		bail("O_DIRECT");
	judge(12, "direct I/O");
	ok(pread(direct, buf, PAGE, 14 * PAGE) == (ssize_t)PAGE && !memcmp(buf, expect + 14 * PAGE, PAGE),
	   "direct I/O reads");
	free(buf);
	close(direct);
}

/* A page of the mapping that is on the device. */
static size_t one_there(size_t page)
{
	while (!where(map + page * PAGE, PAGE).here)
		if (++page == NR)
			bail("no page is there");
	return page;
}

/* A pipe may hold the page for as long as it likes. */
static void by_splice(void)
{
	char got[8] = "";
	int pipes[2];
	size_t page;
	loff_t at;

	ok(cold() > NR / 2, "cold");
	page = one_there(13);
	at = page * PAGE;
	if (pipe(pipes) || splice(fd, &at, pipes[1], NULL, 8, 0) != 8)
		bail("splice");
	judge(page, "in a pipe");
	memset(expect + page * PAGE, 's', 8);
	if (pwrite(fd, "ssssssss", 8, page * PAGE) != 8)
		bail("pwrite");
	judge(page, "write to what a pipe holds");
	ok(read(pipes[0], got, 8) == 8 && !memcmp(got, "ssssssss", 8), "the pipe has what the file has");
	close(pipes[0]);
	close(pipes[1]);
}

/* Direct I/O from a mapping of the file holds the page for as long as the disk takes. */
static void by_pin(void)
{
	char *other = MNT "/other", back[PAGE];
	int direct = open(other, O_RDWR | O_CREAT | O_DIRECT, 0644);
	size_t page;

	ok(cold() > NR / 2, "cold");
	page = one_there(20);
	ok(pwrite(direct, map + page * PAGE, PAGE, 0) == (ssize_t)PAGE, "direct I/O from a mapping of the file: %s",
	   strerror(errno));
	judge(page, "pinned");
	close(direct);
	direct = open(other, O_RDONLY);
	ok(pread(direct, back, PAGE, 0) == (ssize_t)PAGE && !memcmp(back, expect + page * PAGE, PAGE), "and what it wrote");
	close(direct);
	unlink(other);
}

#define HUGE_LEN (2 * PMD)

static int reads_itself(void *arg)
{
	char got[64], *huge = arg;
	struct iovec to = { got, sizeof(got) }, from = { huge + 5 * PAGE, sizeof(got) };
	long before;

	/* It is mapped as a whole, if the kernel maps any page of a device so. */
	(void)*(volatile char *)huge;
	alarm(60);
	before = minor_faults();
	if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != sizeof(got))
		return 1;
	/* Who pins finds the copy at once, and not when something else takes the huge page away. */
	if (minor_faults() - before > 100)
		return 2;
	return where(huge + 5 * PAGE, PAGE).here ? 3 : 0;
}

/* A huge page, in a file that goes on behind it, so that it could be mapped by one entry. */
static void by_huge_pin(int type, const char *what)
{
	char *other = MNT "/huge", *data = malloc(HUGE_LEN), *start, *huge;
	int file = open(other, O_RDWR | O_CREAT, 0644), i, status;
	unsigned long here = 0;

	fill(data, HUGE_LEN, HALF, SALT + 2);
	if (file < 0 || pwrite(file, data, HUGE_LEN, 0) != (ssize_t)HUGE_LEN)
		bail("%s", other);
	fsync(file);
	put("/proc/sys/vm/drop_caches", "1");
	start = mmap(NULL, HUGE_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	huge = (char *)(((uintptr_t)start + PMD - 1) & ~(PMD - 1));
	if (mmap(huge, PMD, PROT_READ, type | MAP_FIXED, file, 0) != huge)
		bail("mmap");
	munlock(huge, PMD);
	madvise(huge, PMD, MADV_HUGEPAGE);
	for (i = 0; i < 20 && here < PMD / PAGE; i++) {
		(void)*(volatile char *)huge;
		node_free();
		madvise(huge, PMD, MADV_PAGEOUT);
		for (size_t at = 0; at < PMD; at += PAGE)
			(void)*(volatile char *)(huge + at);
		here = where(huge, PMD).here;
	}
	ok(here == PMD / PAGE, "%s: %lu pages of a huge page are there", what, here);
	status = in_child(reads_itself, huge);
	ok(!status, "%s: a pin of it ends, and has a copy (%#x)", what, status);
	ok(!memcmp(huge, data, PMD), "%s: contents", what);
	ok(!sim_number("check") && nothing_lost(), "%s: no page on the device changed", what);
	munmap(start, HUGE_LEN);
	free(data);
	close(file);
	unlink(other);
}

/* The device goes although nobody has read the pipes. */
static void by_pipes(void)
{
	char *a = anon(PAGE), *got = aligned_alloc(PAGE, PAGE);
	struct iovec v[2] = { { .iov_len = PAGE }, { .iov_base = a, .iov_len = PAGE } };
	size_t spliced, vmspliced;
	int pipes[2];
	loff_t at;

	fill(a, PAGE, HALF, SALT + 1);
	ok(cold() > NR / 2 && make_cold(a, PAGE) == 1, "cold");
	spliced = one_there(30);
	vmspliced = one_there(spliced + 1);
	at = spliced * PAGE;
	v[0].iov_base = map + vmspliced * PAGE;
	if (pipe(pipes) || splice(fd, &at, pipes[1], NULL, PAGE, 0) != (ssize_t)PAGE ||
	    vmsplice(pipes[1], v, 2, 0) != 2 * (ssize_t)PAGE)
		bail("splice, vmsplice");
	ok(remove_device(), "the device goes while a pipe has a page of the file, mapped and not, and an anonymous one");
	ok(read(pipes[0], got, PAGE) == (ssize_t)PAGE && !memcmp(got, expect + spliced * PAGE, PAGE), "the pipe has the file's");
	ok(read(pipes[0], got, PAGE) == (ssize_t)PAGE && !memcmp(got, expect + vmspliced * PAGE, PAGE),
	   "the one that was mapped");
	ok(read(pipes[0], got, PAGE) == (ssize_t)PAGE && !damaged(got, 0, PAGE, HALF, SALT + 1), "and the anonymous one");
	free(got);
	munmap(a, PAGE);
	close(pipes[0]);
	close(pipes[1]);
}

/* -- a peer that does not read ------------------------------------------------------------------------ */

static void loopback_up(int any)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (ioctl(any, SIOCSIFFLAGS, &lo))
		bail("lo");
}

static int connected(int *peer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), sock = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	loopback_up(sock);
	if (bind(listener, (void *)&at, len) || listen(listener, 1) || getsockname(listener, (void *)&at, &len) ||
	    connect(sock, (void *)&at, len))
		bail("connect");
	*peer = accept(listener, NULL, NULL);
	close(listener);
	return sock;
}

/* Until nothing can be sent, so that what comes next stays with the sender; returns how many bytes. */
static size_t send_until_full(int sock)
{
	static char zeros[64 * 1024];
	size_t sent = 0;
	ssize_t now;
	int tries;

	for (tries = 0; tries < 20; tries += now <= 0) {
		now = send(sock, zeros, sizeof(zeros), MSG_DONTWAIT);
		sent += now > 0 ? now : 0;
		if (now <= 0)
			usleep(20000);
	}
	return sent;
}

static void read_all(int peer, char *buf, size_t len)
{
	ssize_t now;

	for (; len; buf += now, len -= now) {
		now = read(peer, buf, len);
		if (now <= 0)
			bail("read");
	}
}

static void by_zerocopy(void)
{
	char *a = anon(PAGE), *got;
	int peer, sock, on = 1, room = 16 * MIB;
	size_t sent;

	new_device("physical=192M");
	sock = connected(&peer);
	sent = send_until_full(sock);
	if (setsockopt(sock, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		bail("setsockopt");
	fill(a, PAGE, HALF, SALT + 3);
	ok(make_cold(a, PAGE) == 1, "cold");
	ok(send(sock, a, PAGE, MSG_ZEROCOPY | MSG_DONTWAIT) == (ssize_t)PAGE, "MSG_ZEROCOPY, behind %zu bytes: %s", sent,
	   strerror(errno));
	ok(remove_device(), "the device goes although the peer does not read");
	got = aligned_alloc(PAGE, sent + PAGE);
	read_all(peer, got, sent);
	read_all(peer, got, PAGE);
	ok(!damaged(got, 0, PAGE, HALF, SALT + 3), "and the peer has what was sent");
	free(got);
	close(sock);
	close(peer);
	munmap(a, PAGE);
}

#define HOT (256 * 1024)

static size_t hot_page;

/* By read() alone: the mapping does not have these pages. */
static bool read_and_gone(void)
{
	static char buf[HOT];

	madvise(map + hot_page * PAGE, HOT, MADV_DONTNEED);
	if (pread(fd, buf, HOT, hot_page * PAGE) != (ssize_t)HOT || memcmp(buf, expect + hot_page * PAGE, HOT))
		bail("pread");
	return counter("promotion_used ") >= HOT / PAGE / 2;
}

static void by_reading(void)
{
	ok(cold() > NR / 2, "cold");
	hot_page = one_there(64);
	ok(within(240, read_and_gone), "what is read all the time moves up: %lu pages", counter("promotion_used "));
	ok(same(), "contents");
}

static void *keep_writing(void *stop)
{
	size_t i = 0;
	char c;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		i = (i * 5 + 1) % NR;
		c = ++expect[i * PAGE + 5];
		if (pwrite(fd, &c, 1, i * PAGE + 5) != 1)
			bail("pwrite");
		if (!(i % 64))
			fdatasync(fd);
	}
	return NULL;
}

/* Between the choice of a page and its move somebody writes to it. */
static void by_race(void)
{
	unsigned long before = cram_stat("admitted_file"), came;
	time_t start = time(NULL), spent;
	bool stop = false;
	pthread_t writer;

	pthread_create(&writer, NULL, keep_writing, &stop);
	do {
		there();
		madvise(map, LEN, MADV_COLD);
		write_file("/sys/devices/system/node/node0/reclaim", "8M swappiness=0");
		came = cram_stat("admitted_file") - before;
		spent = time(NULL) - start;
	} while (spent < 4 || (came < 64 && spent < 40));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	ok(came >= 64, "written while they move: 64 pages came");
	printf("# %lu pages in %lu s\n", came, (unsigned long)spent);
	ok(same(), "... contents");
	ok(!sim_number("check") && nothing_lost(), "... no page on the device changed");
}

static void by_truncate(void)
{
	ok(cold() > NR / 2, "cold");
	if (ftruncate(fd, LEN - 2 * PAGE + 100) || ftruncate(fd, LEN))
		bail("ftruncate");
	memset(expect + LEN - 2 * PAGE + 100, 0, 2 * PAGE - 100);
	judge(NR - 2, "truncate");
}

/* What the disk has is what was written. */
static void reread(void)
{
	ok(cold() > NR / 2, "cold");
	fsync(fd);
	put("/proc/sys/vm/drop_caches", "1");
	ok(same(), "read again from the disk");
	by_pipes();
	ok(same(), "contents");
}

static void with(const char *type)
{
	new_device("physical=192M");
	make_fs(type);
	new_file();
	placing(type);
	by_write();
	by_mapping();
	by_private_mapping();
	by_punch();
	by_direct();
	by_splice();
	by_pin();
	by_huge_pin(MAP_SHARED, "shared");
	by_huge_pin(MAP_PRIVATE, "private");
	by_reading();
	by_race();
	by_truncate();
	reread();
	munmap(map, LEN);
	close(fd);
	put("/sys/kernel/mm/cram/file", "0");
	end_fs();
}

int main(void)
{
	group();
	/* node0/reclaim takes mapped page cache as well. */
	put("/proc/sys/vm/zone_reclaim_mode", "4");
	with("ext4");
	with("xfs");
	by_zerocopy();
	put("/proc/sys/vm/zone_reclaim_mode", "0");
	ungroup();
	return done_testing();
}
