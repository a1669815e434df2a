// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream: sends and receives data whose every byte is known.
 *
 *   stream tcp-send ADDRESS PORT BYTES
 *   stream tcp-sink PORT HOW [KEEP]   HOW: read, splice or zerocopy.  With KEEP the connection is accepted, and
 *				nothing is read before a line comes on standard input; with zerocopy the last
 *				mapping is kept until another line comes
 *   stream udp-send ADDRESS PORT PACKETS SIZE
 *   stream udp-sink PORT	 until a packet of one byte, or a silence of 2 s
 *   stream udp-hold PORT	 reads nothing before a line comes, then all that is there
 *   stream pools INTERFACE	 one line for each page pool
 *   stream xdp INTERFACE ACTION
 *
 * A sink prints "ready", and at its end "good BYTES ..." or "bad ..." and why.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "stream.h"

#define CHUNK (1 << 16)
#define WINDOW (1 << 18)

/* struct tcp_zerocopy_receive of newer headers; as much of it as is used. */
struct zerocopy {
	uint64_t address;
	uint32_t length, skip;
	uint32_t inq;
	int32_t err;
	uint64_t copybuf;
	int32_t copybuf_len;
	uint32_t flags;
};

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void wait_for_line(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (host && inet_pton(AF_INET, host, &a.sin_addr) != 1)
		fail("address %s", host);
	return a;
}

static int open_socket(int type, const char *host, const char *port)
{
	struct sockaddr_in a = address(host, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (host ? connect(fd, (void *)&a, sizeof(a)) : bind(fd, (void *)&a, sizeof(a)))
		fail("%s port %s", host ?: "bind", port);
	return fd;
}

static int tcp_send(const char *host, const char *port, uint64_t bytes)
{
	static unsigned char buf[CHUNK];
	int fd = open_socket(SOCK_STREAM, host, port);
	uint64_t done = 0, in_buf;
	ssize_t n;

	while (done < bytes) {
		in_buf = bytes - done < CHUNK ? bytes - done : CHUNK;
		pattern_fill(buf, in_buf, 0, done);
		for (size_t at = 0; at < in_buf; at += n) {
			n = write(fd, buf + at, in_buf - at);
			if (n < 0)
				fail("write at %ju", (uintmax_t)(done + at));
		}
		done += in_buf;
	}
	close(fd);
	return 0;
}

static uint64_t total, mapped;

static void check(const void *buf, size_t len)
{
	if (!pattern_ok(buf, len, 0, total)) {
		printf("bad bytes between %ju and %ju\n", (uintmax_t)total, (uintmax_t)(total + len));
		exit(1);
	}
	total += len;
}

static void sink_read(int fd)
{
	static unsigned char buf[CHUNK];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		check(buf, n);
	if (n < 0)
		fail("read at %ju", (uintmax_t)total);
}

/* By way of a pipe, in which the received pages are for a moment. */
static void sink_splice(int fd, bool keep)
{
	static unsigned char buf[CHUNK];
	int p[2];
	ssize_t n, m;

	if (pipe2(p, O_CLOEXEC))
		fail("pipe");
	while ((n = splice(fd, NULL, p[1], NULL, CHUNK, 0)) > 0) {
		if (keep) {
			say("held");
			wait_for_line();
			keep = false;
		}
		for (; n; n -= m) {
			m = read(p[0], buf, n);
			if (m <= 0)
				fail("read of the pipe");
			check(buf, m);
		}
	}
	if (n < 0)
		fail("splice at %ju", (uintmax_t)total);
}

/* The received pages appear at the address; what cannot be mapped is read. */
static void sink_zerocopy(int fd, bool keep)
{
	static unsigned char buf[CHUNK];
	unsigned char *at = mmap(NULL, WINDOW, PROT_READ, MAP_SHARED, fd, 0);
	socklen_t len;
	ssize_t n;

	if (at == MAP_FAILED)
		fail("mmap of a socket");
	for (;;) {
		struct zerocopy zc = { .address = (uintptr_t)at, .length = WINDOW };

		len = sizeof(zc);
		if (getsockopt(fd, IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */, &zc, &len)) {
			if (errno == EIO)	/* the end */
				break;
			fail("TCP_ZEROCOPY_RECEIVE at %ju", (uintmax_t)total);
		}
		if (zc.length) {
			check(at, zc.length);
			mapped += zc.length;
			if (keep) {
				say("held");
				wait_for_line();
				keep = false;
			}
			madvise(at, WINDOW, MADV_DONTNEED);
		}
		if (zc.skip)
			n = recv(fd, buf, zc.skip < CHUNK ? zc.skip : CHUNK, 0);
		else
			n = recv(fd, buf, 1, MSG_PEEK);
		if (n < 0)
			fail("recv at %ju", (uintmax_t)total);
		if (!n)
			break;
		if (zc.skip)
			check(buf, n);
	}
	munmap(at, WINDOW);
}

static int tcp_sink(const char *port, const char *how, bool keep)
{
	int listener = open_socket(SOCK_STREAM, NULL, port), fd, room = 4 << 20;

	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (listen(listener, 1))
		fail("listen");
	say("ready");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		fail("accept");
	if (keep) {
		say("accepted");
		wait_for_line();
	}
	if (!strcmp(how, "splice"))
		sink_splice(fd, keep);
	else if (!strcmp(how, "zerocopy"))
		sink_zerocopy(fd, keep);
	else
		sink_read(fd);
	printf("good %ju mapped %ju\n", (uintmax_t)total, (uintmax_t)mapped);
	return 0;
}

static int udp_send(const char *host, const char *port, unsigned int packets, unsigned int size)
{
	unsigned char *buf = malloc(size);
	int fd = open_socket(SOCK_DGRAM, host, port);
	unsigned int i;

	for (i = 0; i < packets; i++) {
		memcpy(buf, &i, sizeof(i));
		pattern_fill(buf + sizeof(i), size - sizeof(i), i + 1, 0);
		if (send(fd, buf, size, 0) < 0 && errno != ECONNREFUSED)
			fail("send of packet %u", i);
		/* The receiver has as many buffers as its ring is long. */
		if (i % 32 == 31)
			usleep(2000);
	}
	for (i = 0; i < 3; i++)
		if (send(fd, "", 1, 0) < 0 && errno != ECONNREFUSED)
			fail("send");
	return 0;
}

static int udp_sink(const char *port, bool hold)
{
	static unsigned char buf[CHUNK];
	int fd = open_socket(SOCK_DGRAM, NULL, port), room = 4 << 20;
	struct timeval silence = { .tv_sec = 2 };
	unsigned int nr, got = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	say("ready");
	if (hold) {
		wait_for_line();
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	}
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 1) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
		memcpy(&nr, buf, sizeof(nr));
		if (!pattern_ok(buf + sizeof(nr), n - sizeof(nr), nr + 1, 0)) {
			printf("bad packet %u\n", nr);
			return 1;
		}
		got++;
		total += n;
	}
	printf("good %u packets\n", got);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (!strcmp(verb, "tcp-send") && argc == 5)
		return tcp_send(argv[2], argv[3], strtoull(argv[4], NULL, 0));
	if (!strcmp(verb, "tcp-sink") && argc >= 4)
		return tcp_sink(argv[2], argv[3], argc > 4);
	if (!strcmp(verb, "udp-send") && argc == 6)
		return udp_send(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	if (!strcmp(verb, "udp-sink"))
		return udp_sink(argv[2], false);
	if (!strcmp(verb, "udp-hold"))
		return udp_sink(argv[2], true);
	if (!strcmp(verb, "pools"))
		return show_pools(argv[2]);
	if (!strcmp(verb, "xdp") && argc == 4)
		return xdp(argv[2], argv[3]);
	fputs("usage: see the head of stream.c\n", stderr);
	return 2;
}
