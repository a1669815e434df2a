// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: keep pages of a private node without mapping them, for holder.sh.
 *
 *	hold NODE WHAT [ended|own]
 *
 * ended: the first thread ends, another one goes on.  own: a thread with a table of files of its own
 * does it.  Says "ready" and waits for the end of its standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SIZE (4 * 4096UL)

static unsigned long mask;
static const char *what;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static char *map_bound(int flags, int fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED || syscall(SYS_mbind, p, SIZE, MPOL_BIND, &mask, 64UL, 0))
		die("mbind");
	memset(p, 1, SIZE);
	return p;
}

static void gift(int to, char *p)
{
	struct iovec iov = { p, SIZE };

	if (vmsplice(to, &iov, 1, 0) != (ssize_t)SIZE)
		die("vmsplice");
	munmap(p, SIZE);
}

/* Pages of the node in a pipe and nowhere else. */
static void into_pipe(int *fd)
{
	if (pipe(fd))
		die("pipe");
	gift(fd[1], map_bound(MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

static void drain_pipe(int *fd, int to, size_t size)
{
	if (splice(fd[0], NULL, to, NULL, size, 0) != (ssize_t)size)
		die("splice");
	close(fd[0]);
	close(fd[1]);
}

static void into_socket(int to)
{
	int fd[2];

	into_pipe(fd);
	drain_pipe(fd, to, SIZE);
}

static int memfd(void)
{
	int fd = memfd_create("held", 0);

	if (fd < 0 || ftruncate(fd, SIZE))
		die("memfd");
	munmap(map_bound(MAP_SHARED, fd), SIZE);
	return fd;
}

static void pair(int *end)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, end))
		die("socketpair");
}

/* The file is in the queue of a socket, and in nobody's table. */
static void send_file(int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int end[2];

	pair(end);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	if (sendmsg(end[0], &msg, 0) != 1)
		die("sendmsg");
	close(fd);
}

/* A connection that nobody accepts, to an address that the kernel chooses. */
static int waits(int family, const void *any, socklen_t len)
{
	struct sockaddr_storage addr;
	socklen_t size = sizeof(addr);
	int from = socket(family, SOCK_STREAM, 0);
	int to = socket(family, SOCK_STREAM, 0);

	if (bind(to, any, len) || listen(to, 1) || getsockname(to, (struct sockaddr *)&addr, &size) ||
	    connect(from, (struct sockaddr *)&addr, size))
		die("connect");
	return from;
}

static int unix_waits(void)
{
	sa_family_t any = AF_UNIX;

	return waits(AF_UNIX, &any, sizeof(any));
}

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void lo_is_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &lo))
		die("lo");
}

static void set_mtu(int mtu)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_mtu = mtu };

	if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFMTU, &lo))
		die("mtu");
}

static int tcp_waits(void)
{
	struct sockaddr_in any = loopback();

	lo_is_up();
	return waits(AF_INET, &any, sizeof(any));
}

/* Both ends of a connection, or two sockets for datagrams, of which the second receives. */
static void inet_pair(int *end, int type)
{
	struct sockaddr_in addr = loopback();
	socklen_t size = sizeof(addr);

	lo_is_up();
	end[0] = socket(AF_INET, type, 0);
	end[1] = socket(AF_INET, type, 0);
	if (bind(end[1], (struct sockaddr *)&addr, size) || (type == SOCK_STREAM && listen(end[1], 1)) ||
	    getsockname(end[1], (struct sockaddr *)&addr, &size) ||
	    connect(end[0], (struct sockaddr *)&addr, size))
		die("connect");
	if (type == SOCK_STREAM)
		end[1] = accept(end[1], NULL, NULL);
	if (end[1] < 0)
		die("accept");
}

/* The other side drops what comes, so that it is never acknowledged. */
static void tcp_sent(void)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog all = { 1, &drop };
	struct linger at_once = { 1, 0 };
	int end[2];

	inet_pair(end, SOCK_STREAM);
	if (setsockopt(end[1], SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)))
		die("SO_ATTACH_FILTER");
	/* Else it is sent again and again when we have ended. */
	if (setsockopt(end[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)))
		die("SO_LINGER");
	into_socket(end[0]);
}

/* Who looks first moves what came to a queue of its own. */
static void udp(int peek)
{
	int end[2];
	char c;

	inet_pair(end, SOCK_DGRAM);
	into_socket(end[0]);
	if (peek && recv(end[1], &c, 1, MSG_PEEK) != 1)
		die("recv");
	close(end[0]);
}

/* A datagram in so many parts that not all of them fit into one buffer; those of the node are the last. */
static void udp_parts(void)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int end[2], fd[2];

	inet_pair(end, SOCK_DGRAM);
	set_mtu(1000);
	if (pipe(fd))
		die("pipe");
	memset(p, 2, SIZE);
	gift(fd[1], p);
	gift(fd[1], map_bound(MAP_PRIVATE | MAP_ANONYMOUS, -1));
	drain_pipe(fd, end[0], 2 * SIZE);
	set_mtu(65536);
	close(end[0]);
}

static void hold(void)
{
	int fd[2];

	if (!strcmp(what, "pipe")) {
		into_pipe(fd);
	} else if (!strcmp(what, "socket")) {
		pair(fd);
		into_socket(fd[0]);
	} else if (!strcmp(what, "unix")) {
		into_socket(unix_waits());
	} else if (!strcmp(what, "tcp")) {
		into_socket(tcp_waits());
	} else if (!strcmp(what, "tcp-sent")) {
		tcp_sent();
	} else if (!strcmp(what, "udp")) {
		udp(0);
	} else if (!strcmp(what, "udp-peek")) {
		udp(1);
	} else if (!strcmp(what, "udp-parts")) {
		udp_parts();
	} else if (!strcmp(what, "sent")) {
		into_pipe(fd);
		close(fd[1]);
		send_file(fd[0]);
	} else if (!strcmp(what, "sent-memfd")) {
		send_file(memfd());
	} else if (!strcmp(what, "memfd")) {
		memfd();
	} else if (!strcmp(what, "memfd-untouched")) {
		fd[0] = memfd();
		mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd[0], 0);
		close(fd[0]);
	} else if (!strcmp(what, "mapped")) {
		map_bound(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	} else {
		exit(2);
	}
}

static void *last_words(void *arg)
{
	char c;

	puts("ready");
	fflush(stdout);
	exit(read(0, &c, 1) < 0);
}

static void *own_table(void *arg)
{
	if (unshare(CLONE_FILES))
		die("unshare");
	hold();
	return last_words(NULL);
}

/* Until the first thread is a zombie. */
static void *goes_on(void *arg)
{
	char line[128];
	FILE *f;
	int z;

	do {
		usleep(10000);
		f = fopen("/proc/self/stat", "r");
		z = f && fgets(line, sizeof(line), f) && strstr(line, ") Z ");
		if (f)
			fclose(f);
	} while (!z);
	return last_words(NULL);
}

static void start(void *(*thread)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL))
		die("pthread_create");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	mask = 1UL << atoi(argv[1]);
	what = argv[2];
	if (argc > 3 && !strcmp(argv[3], "own")) {
		start(own_table);
		pause();
	}
	hold();
	if (argc > 3) {
		start(goes_on);
		pthread_exit(NULL);
	}
	last_words(NULL);
}
