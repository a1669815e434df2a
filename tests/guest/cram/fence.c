// SPDX-License-Identifier: GPL-2.0-only
/*
 * fence: each way to write to memory of another process or one's own copies it up first, or takes a grant
 * for it: the device never sees a page change that nobody has paid for.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=1
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "cram.h"

#define LEN (2 * MIB)

static char *p;

static void placed(void)
{
	p = anon(LEN);
	madvise(p, LEN, MADV_NOHUGEPAGE);
	fill(p, LEN, HALF, 7);
	if (make_cold(p, LEN) < LEN / PAGE / 2)
		bail("only %zu pages are there", (size_t)where(p, LEN).here);
}

static bool here(size_t page)
{
	return where(p + page * PAGE, PAGE).here;
}

/* Does a write stay where it is? */
static bool in_place;

/* Writes what is there once more, by /proc/self/mem if @mem is its descriptor. */
static void write_again(int mem, size_t page)
{
	char same = *(volatile char *)(p + page * PAGE);

	if (mem < 0)
		*(volatile char *)(p + page * PAGE) = same;
	else if (pwrite(mem, &same, 1, (off_t)(uintptr_t)(p + page * PAGE)) != 1)
		bail("/proc/self/mem");
}

/*
 * A page that the kernel just looks at, or that is still in the list of another CPU's new pages, is copied
 * although writes stay: then some of its neighbours, written to in the same way, tell.
 */
static void written_by(int mem, size_t page, const char *what)
{
	size_t last = page + 8, i;
	bool stays = here(page);

	for (i = page + 1; in_place && !stays && i < last; i++) {
		if (!here(i))
			continue;
		write_again(mem, i);
		stays = here(i);
	}
	ok(stays == in_place, "%s: %s", what, in_place ? "in place" : "copied up");
}

static void written(size_t page, const char *what)
{
	written_by(-1, page, what);
}

/* Page 3 has been written to, and nothing else has. */
static void judge(const char *what, bool did, char want)
{
	unsigned long check;

	ok(did, "%s: succeeds", what);
	ok(p[3 * PAGE] == want, "%s: is seen", what);
	p[3 * PAGE] = pattern_word(HALF, 3, 0, 7) & 0xff;
	ok(!damaged(p, 0, LEN, HALF, 7), "%s: nothing else changed", what);
	check = sim_number("check");
	ok(!check && nothing_lost(), "%s: no page on the device changed", what);
	munmap(p, LEN);
}

static void by_mprotect(void)
{
	placed();
	mprotect(p, LEN, PROT_READ);
	mprotect(p, LEN, PROT_READ | PROT_WRITE);
	p[3 * PAGE] = 'm';
	written(3, "mprotect");
	judge("mprotect and write", true, 'm');
}

static void by_mem_file(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	bool did;

	placed();
	did = pwrite(fd, "f", 1, (off_t)(uintptr_t)(p + 3 * PAGE)) == 1;
	written_by(fd, 3, "/proc/self/mem");
	judge("/proc/self/mem", did, 'f');
	close(fd);
}

/* A debugger's write to a page of a large folio that nobody else has, where the mapping allows none. */
static void by_force(void)
{
	int status;
	pid_t pid;
	bool did;

	p = anon(LEN);
	madvise(p, LEN, MADV_HUGEPAGE);
	fill(p, LEN, HALF, 7);
	if (make_cold(p, LEN) != LEN / PAGE)
		bail("no huge page is there");
	pid = fork();
	if (!pid) {
		mprotect(p, LEN, PROT_READ);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(p[3 * PAGE] == 'F' && !damaged(p, 4 * PAGE, LEN - 4 * PAGE, HALF, 7) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	munmap(p, LEN);
	node_free();
	did = !ptrace(PTRACE_POKEDATA, pid, p + 3 * PAGE, 'F');
	ptrace(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	ok(did && WIFEXITED(status) && !WEXITSTATUS(status), "ptrace poke, a large folio mapped read-only: is seen");
	ok(!sim_number("check") && nothing_lost(), "ptrace poke, a large folio mapped read-only: no page on the device changed");
}

static void by_vm_writev(void)
{
	struct iovec local = { "v", 1 }, remote;

	placed();
	remote = (struct iovec){ p + 3 * PAGE, 1 };
	judge("process_vm_writev", process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1, 'v');
}

static void by_ptrace(void)
{
	int status;
	pid_t pid;
	bool did;

	placed();
	pid = fork();
	if (!pid) {
		mprotect(p, LEN, PROT_READ);	/* a debugger's pokes get in nevertheless */
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(p[3 * PAGE] == 't' && p[4 * PAGE] == (char)pattern_word(HALF, 4, 0, 7) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	did = !ptrace(PTRACE_POKEDATA, pid, p + 3 * PAGE, 't');
	ptrace(PTRACE_DETACH, pid, 0, 0);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status), "ptrace: the child sees it");
	judge("ptrace poke into read-only memory of a child", did, pattern_word(HALF, 3, 0, 7) & 0xff);
}

/* O_DIRECT, or what stands for it on tmpfs: a read into the page by a pin. */
static void by_read(void)
{
	int fd = memfd_create("f", 0);
	struct io_uring_params params = { 0 };
	struct iovec v;
	int ring, tries, ret = -1;

	if (pwrite(fd, "r", 1, 0) != 1)
		bail("memfd");
	placed();
	judge("read()", pread(fd, p + 3 * PAGE, 1, 0) == 1, 'r');
	placed();
	v = (struct iovec){ p, LEN };
	ring = syscall(SYS_io_uring_setup, 4U, &params);
	if (ring < 0)
		bail("io_uring_setup");
	/* A page that the kernel just looks at cannot move for a moment. */
	for (tries = 0; tries < 5 && ret; tries++)
		ret = syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U);
	ok(!ret, "a long-term pin succeeds, at try %d", tries);
	ok(!where(p, LEN).here, "and is of copies: none is on the device");
	p[3 * PAGE] = 'p';
	close(ring);
	judge("registered buffer", true, 'p');
	close(fd);
}

static void by_splice(void)
{
	struct iovec v;
	int pipes[2];
	char got = 0;

	placed();
	v = (struct iovec){ p + 3 * PAGE, 1 };
	if (pipe(pipes) || vmsplice(pipes[1], &v, 1, 0) != 1)
		bail("vmsplice");
	p[3 * PAGE] = 's';
	ok(read(pipes[0], &got, 1) == 1, "vmsplice: read");
	judge("write after vmsplice", true, 's');
	close(pipes[0]);
	close(pipes[1]);
}

static void by_madvise(void)
{
	placed();
	madvise(p, LEN, MADV_FREE);
	p[3 * PAGE] = 'a';
	fill(p, 3 * PAGE, HALF, 7);
	written(3, "MADV_FREE");
	written(0, "MADV_FREE");
	judge("write after MADV_FREE", true, 'a');
	placed();
	madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED);
	ok(!p[3 * PAGE], "MADV_DONTNEED: zeroes");
	p[3 * PAGE] = 'd';
	p[3 * PAGE] = 0;
	fill(p, LEN, HALF, 7);
	p[3 * PAGE] = 'd';
	judge("write after MADV_DONTNEED", true, 'd');
}

static void by_mremap(void)
{
	char *q;

	placed();
	q = mremap(p, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, anon(LEN));
	if (q == MAP_FAILED)
		bail("mremap");
	p = q;
	ok(here(3), "mremap: still there");
	p[3 * PAGE] = 'x';
	written(3, "mremap");
	judge("write after mremap", true, 'x');
}

static void by_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_writeprotect wp = { 0 };
	struct uffdio_register reg = { 0 };

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		bail("userfaultfd");
	placed();
	reg.range.start = wp.range.start = (uintptr_t)p;
	reg.range.len = wp.range.len = LEN;
	reg.mode = UFFDIO_REGISTER_MODE_WP;
	wp.mode = UFFDIO_WRITEPROTECT_MODE_WP;
	if (ioctl(fd, UFFDIO_REGISTER, &reg) || ioctl(fd, UFFDIO_WRITEPROTECT, &wp))
		bail("UFFDIO_WRITEPROTECT");
	wp.mode = 0;
	ok(!ioctl(fd, UFFDIO_WRITEPROTECT, &wp) && here(3), "userfaultfd: protected and not any more, still there");
	p[3 * PAGE] = 'u';
	written(3, "userfaultfd");
	close(fd);
	judge("write after userfaultfd", true, 'u');
}

static void by_soft_dirty(void)
{
	placed();
	put("/proc/self/clear_refs", "4");
	p[3 * PAGE] = 'c';
	written(3, "clear_refs");
	judge("write after clear_refs", true, 'c');
}

/* Cold again, and hot again, and each time another value. */
static void by_turns(void)
{
	int i;

	placed();
	for (i = 0; i < 5; i++) {
		p[3 * PAGE] = 'A' + i;
		make_cold(p, LEN);
	}
	ok(here(3), "written five times, placed five times");
	judge("five times", true, 'A' + 4);
}

static void each_way(void)
{
	by_mprotect();
	by_mem_file();
	by_force();
	by_vm_writev();
	by_ptrace();
	by_read();
	by_splice();
	by_madvise();
	by_mremap();
	by_userfaultfd();
	by_soft_dirty();
	by_turns();
	all_trimmed("the end");
}

int main(void)
{
	new_device("physical=192M");
	group();
	put(cram_file("writable_bytes"), "0");
	each_way();
	put(cram_file("writable_bytes"), "default");
	in_place = true;
	each_way();
	ok(remove_device(), "the device goes");
	ungroup();
	return done_testing();
}
