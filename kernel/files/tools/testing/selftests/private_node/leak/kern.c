// SPDX-License-Identifier: GPL-2.0-only
/* Memory that the kernel takes for itself on a program's behalf. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "leak.h"

static void many_files(void)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	setrlimit(RLIMIT_NOFILE, &r);
}

/* Names that do not exist: each is a negative dentry. */
static int dentries(struct ctx *c)
{
	int i, n = c->full ? 60000 : 5000;
	struct stat st;
	char path[64];

	if (!scratch())
		return skip_row("tmpfs: cannot be mounted");
	mkdir("/mnt/d", 0755);
	press(c);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/proc/sys/none-%d", i);
		stat(path, &st);
		snprintf(path, sizeof(path), "/mnt/d/a-name-that-is-too-long-to-be-inline-%d", i);
		stat(path, &st);
	}
	return DONE;
}

static int inodes(struct ctx *c)
{
	int i, n = c->full ? 20000 : 2000;
	char path[64];

	if (!scratch())
		return skip_row("tmpfs: cannot be mounted");
	press(c);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/mnt/f%d", i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	return DONE;
}

static int sockets(struct ctx *c)
{
	int i, n = c->full ? 4000 : 300, pair[2];
	static char data[4096];

	many_files();
	press(c);
	for (i = 0; i < n && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair); i++)
		(void)!write(pair[0], data, sizeof(data));
	return DONE;
}

static int tcp(struct ctx *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM, 0), i, n = c->full ? 400 : 20;
	socklen_t len = sizeof(a);
	static char data[65536];

	many_files();
	bind(l, (void *)&a, sizeof(a));
	listen(l, n);
	getsockname(l, (void *)&a, &len);
	press(c);
	for (i = 0; i < n; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(s, (void *)&a, sizeof(a)))
			break;
		fcntl(s, F_SETFL, O_NONBLOCK);
		while (write(s, data, sizeof(data)) > 0)
			;
	}
	return DONE;
}

static int pipes(struct ctx *c)
{
	int i, n = c->full ? 800 : 40, p[2];
	static char data[65536];

	many_files();
	press(c);
	for (i = 0; i < n && !pipe2(p, O_NONBLOCK); i++)
		(void)!write(p[1], data, sizeof(data));
	return DONE;
}

static int messages(struct ctx *c)
{
	static struct { long type; char text[8000]; } m = { .type = 1 };
	int q, i, n = c->full ? 4000 : 200;

	write_file("/proc/sys/kernel/msgmnb", "%d", 64 << 20);
	write_file("/proc/sys/kernel/msgmax", "8192");
	q = msgget(IPC_PRIVATE, 0600);
	press(c);
	for (i = 0; i < n && !msgsnd(q, &m, sizeof(m.text), IPC_NOWAIT); i++)
		;
	msgctl(q, IPC_RMID, NULL);
	return DONE;
}

/* A table of descriptors for a million files is 8M, by kvmalloc. */
static int vmalloc_fdtable(struct ctx *c)
{
	many_files();
	press(c);
	if (dup2(2, (1 << 20) - 1) < 0)
		note_errno("dup2");
	return DONE;
}

/* A ring of a packet socket: pages by order, or vmalloc. */
static int packet_ring(struct ctx *c)
{
	struct tpacket_req r = { .tp_block_size = 65536, .tp_frame_size = 2048,
				 .tp_block_nr = c->full ? 512 : 64, };
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	r.tp_frame_nr = r.tp_block_nr * 32;
	press(c);
	if (s < 0 || setsockopt(s, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)))
		note_errno("PACKET_RX_RING");
	return DONE;
}

/* Reading one page in each 2M maps the zero page and allocates page tables alone. */
static int page_tables(struct ctx *c)
{
	size_t n = c->full ? 12000 : 1000, i;
	volatile char *p = mmap(NULL, n * 2 * MIB, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	press(c);
	for (i = 0; p != MAP_FAILED && i < n; i++)
		(void)p[i * 2 * MIB];
	return DONE;
}

static void *sleeper(void *arg)
{
	pause();
	return arg;
}

static int kernel_stacks(struct ctx *c)
{
	int i, n = c->full ? 1500 : 150;
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	press(c);
	for (i = 0; i < n && !pthread_create(&t, &attr, sleeper, NULL); i++)
		;
	note("%d threads", i);
	return DONE;
}

static int eventfds(struct ctx *c)
{
	int i, n = c->full ? 40000 : 3000;

	many_files();
	press(c);
	for (i = 0; i < n && eventfd(0, 0) >= 0; i++)
		;
	return DONE;
}

static int aio_ring(struct ctx *c)
{
	aio_context_t ctx;
	int i;

	write_file("/proc/sys/fs/aio-max-nr", "1048576");
	press(c);
	for (i = 0; i < 8; i++) {
		ctx = 0;
		if (syscall(SYS_io_setup, c->full ? 30000 : 4000, &ctx))
			return note_errno("io_setup"), DONE;
	}
	return DONE;
}

static int io_uring_ring(struct ctx *c)
{
	struct io_uring_params p;
	int i;

	press(c);
	for (i = 0; i < 4; i++) {
		memset(&p, 0, sizeof(p));
		if (syscall(SYS_io_uring_setup, c->full ? 32768 : 8192, &p) < 0)
			return note_errno("io_uring_setup"), DONE;
	}
	return DONE;
}

/* Registering pins the pages for long, and faults them in. */
static int io_uring_buffers(struct ctx *c)
{
	struct io_uring_params p = { 0 };
	size_t size = amount(c);
	struct iovec v = { .iov_base = map_anon(size), .iov_len = size };
	int fd = syscall(SYS_io_uring_setup, 8, &p);

	if (fd < 0)
		return skip_row("io_uring: not in this kernel");
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &v, 1))
		note_errno("IORING_REGISTER_BUFFERS");
	return DONE;
}

struct gup_test {
	__u64 get_delta_usec, put_delta_usec, addr, size;
	__u32 nr_pages_per_call, gup_flags, test_flags, which_pages[8];
};

#define PIN_LONGTERM_BENCHMARK _IOWR('g', 3, struct gup_test)

static int gup_longterm(struct ctx *c)
{
	size_t size = amount(c);
	struct gup_test t = { .addr = (unsigned long)map_anon(size),
			      .size = size,
			      .nr_pages_per_call = 512,
			      .gup_flags = 1 };
	int fd = open("/sys/kernel/debug/gup_test", O_RDWR);

	if (fd < 0)
		return skip_row("gup_test: not in debugfs");
	if (ioctl(fd, PIN_LONGTERM_BENCHMARK, &t))
		note_errno("PIN_LONGTERM_BENCHMARK");
	return DONE;
}

const struct row kern_rows[] = {
	{ "slab-dentries", dentries, FULL | SHORT, 50 },
	{ "slab-inodes", inodes, FULL, 50 },
	{ "slab-sockets", sockets, POLICY | FULL, 50 },
	{ "slab-eventfds", eventfds, FULL, 20 },
	{ "slab-messages", messages, FULL, 50 },
	{ "tcp-buffers", tcp, POLICY | FULL, 50 },
	{ "pipe-buffers", pipes, POLICY | FULL, 100 },
	{ "vmalloc-fdtable", vmalloc_fdtable, POLICY | FULL | QUICK, 500 },
	{ "packet-ring", packet_ring, POLICY | FULL, 16 },
	{ "page-tables", page_tables, POLICY | FULL | QUICK | SHORT | PLUG, 500 },
	{ "kernel-stacks", kernel_stacks, POLICY | FULL | SHORT, 100 },
	{ "aio-ring", aio_ring, POLICY | FULL, 50 },
	{ "io_uring-ring", io_uring_ring, POLICY | FULL, 2 },
	{ "io_uring-buffers", io_uring_buffers, POLICY | FULL, 500 },
	{ "gup-longterm", gup_longterm, POLICY | FULL, 500 },
	{ }
};
