// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin: long-term pins, as io_uring takes them for registered buffers, of pages that were placed on
 * the node: refused without the service, in place with it; never a silent move.
 *
 * The first private node of the machine, whose file is given or /dev/private_node/node<N>.
 *
 * vm: --node 1G --node 256M --append private_node=1:user_numa,longterm_pin
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "../devmap/devmap.h"

#define LEN (2 * MIB)

static int ring;

/* 0, or the errno. */
static int pin(void *p, size_t len)
{
	struct iovec v = { p, len };

	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v, 1U) ? errno : 0;
}

static int unpin(void)
{
	return syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0U) ? errno : 0;
}

static void test(char *p, const char *what)
{
	unsigned long refused, used;

	touch(p, LEN);
	ok(all_here(p, LEN), "%s: on the node", what);
	enable("-longterm_pin");
	refused = counter("longterm_pin_refused ");
	ok(pin(p, LEN) == EOPNOTSUPP, "%s, closed: EOPNOTSUPP", what);
	ok(all_here(p, LEN) && intact(p, LEN), "%s, closed: nothing was moved", what);
	ok(counter("longterm_pin_refused ") > refused, "%s, closed: counted", what);
	enable("+longterm_pin");
	used = counter("longterm_pin_used ");
	ok(!pin(p, LEN) && all_here(p, LEN), "%s, open: pinned in place", what);
	ok(counter("longterm_pin_used ") > used, "%s, open: counted", what);
	enable("-longterm_pin");
	ok(all_here(p, LEN) && intact(p, LEN) && !unpin(), "%s, closed again: what is pinned stays", what);
	ok(pin(p, LEN) == EOPNOTSUPP && all_here(p, LEN), "%s, closed again: EOPNOTSUPP", what);
	enable("+longterm_pin");
}

/* -- a pin that has begun when the service is closed ------------------------------------------- */

static void *pin_both(void *p)
{
	return (void *)(long)pin(p, 2 * PAGE);
}

static bool is_here(char *p)
{
	void *at = p;
	int status = -1;

	return !syscall(SYS_move_pages, 0, 1UL, &at, NULL, &status, 0) && status == node;
}

/* Its user put the first page on the node, without a policy; a fault of the second one waits. */
static int watch_second(char *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .range = { (unsigned long)p + PAGE, PAGE },
				     .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC), to = node, status = -1;
	void *at = p;

	*p = 1;
	if (syscall(SYS_move_pages, 0, 1UL, &at, &to, &status, MPOL_MF_MOVE) || !is_here(p))
		bail("move_pages: %d", status);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &r))
		bail("userfaultfd");
	return fd;
}

static void test_begun(bool closes)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = watch_second(p);
	struct uffdio_zeropage zero = { .range = { (unsigned long)p + PAGE, PAGE } };
	struct uffd_msg msg;
	pthread_t thread;
	void *ret;

	pthread_create(&thread, NULL, pin_both, p);
	if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
		bail("no fault");
	if (closes)
		enable("-longterm_pin");
	if (ioctl(fd, UFFDIO_ZEROPAGE, &zero))
		bail("UFFDIO_ZEROPAGE");
	pthread_join(thread, &ret);
	ok((long)ret == (closes ? EOPNOTSUPP : 0) && is_here(p) && *p == 1,
	   closes ? "closed while it waits for another page: EOPNOTSUPP, and nothing was moved" :
		    "control: the same, and not closed: pinned in place");
	if (!closes)
		unpin();
	enable("+longterm_pin");
	close(fd);
	munmap(p, 2 * PAGE);
}

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };
	unsigned long mask;
	char *p, buf[256];
	int fd;

	find_node();
	if (argc > 1)
		snprintf(dev_path, sizeof(dev_path), "%s", argv[1]);
	ring = syscall(SYS_io_uring_setup, 4U, &params);
	if (ring < 0)
		bail("io_uring");
	fd = open_dev();
	p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	test(p, "device map, private");
	munmap(p, LEN);
	p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	test(p, "device map, shared");
	munmap(p, LEN);
	read_file(node_file("enabled"), buf, sizeof(buf));
	if (strstr(buf, "user_numa")) {
		mask = 1UL << node;
		p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		syscall(SYS_mbind, p, LEN, MPOL_BIND, &mask, 64UL, 0);
		test(p, "mbind");
		munmap(p, LEN);
		test_begun(false);
		test_begun(true);
	}
	/* Other memory is pinned as ever, in one go with nothing of the node. */
	p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	touch(p, LEN);
	enable("-longterm_pin");
	ok(!pin(p, LEN) && !unpin() && intact(p, LEN), "ordinary memory: pinned");
	close(fd);
	close(ring);
	return done_testing();
}
