// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page pools of an interface, by generic netlink family "netdev".  Older headers have neither the
 * family nor these attributes, so the numbers of include/uapi/linux/netdev.h are here.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

enum { CMD_POOL_GET = 5, CMD_POOL_STATS_GET = 9 };
enum { POOL_ID = 1, POOL_IFINDEX, POOL_NAPI, POOL_INFLIGHT, POOL_PRIVATE_NODE = 9 };
enum { STATS_INFO = 1, STATS_FAST = 8, STATS_SLOW, STATS_WAIVE = 13, STATS_CACHED, STATS_CACHE_FULL,
	STATS_RING, STATS_RING_FULL, STATS_RELEASED, STATS_NODE_PAGES, STATS_NODE_FALLBACK };
enum { MAX_ATTR = 32, MAX_POOLS = 64 };

struct pool {
	uint64_t id, inflight, node, pages, fallback, recycled, waived;
};

struct reply {
	uint64_t value[MAX_ATTR];
	bool has[MAX_ATTR];
};

static struct pool pools[MAX_POOLS];
static int nr_pools;

static uint64_t number(const struct nlattr *a)
{
	uint64_t v = 0;

	/* Numbers are of four or of eight bytes, as they need. */
	memcpy(&v, (const char *)a + NLA_HDRLEN, a->nla_len - NLA_HDRLEN < 8 ? a->nla_len - NLA_HDRLEN : 8);
	return v;
}

static void parse(const void *buf, int len, struct reply *r)
{
	const struct nlattr *a = buf;
	int type;

	for (; len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len;
	     len -= NLA_ALIGN(a->nla_len), a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len))) {
		type = a->nla_type & NLA_TYPE_MASK;
		if (type >= MAX_ATTR)
			continue;
		r->has[type] = true;
		r->value[type] = number(a);
		/* The one nest that is read has the number of the pool as its first attribute. */
		if (a->nla_type & NLA_F_NESTED)
			r->value[type] = number((const void *)((const char *)a + NLA_HDRLEN));
	}
}

static struct pool *pool_of(uint64_t id)
{
	int i;

	for (i = 0; i < nr_pools; i++)
		if (pools[i].id == id)
			return &pools[i];
	if (nr_pools == MAX_POOLS)
		fail("more than %d pools", MAX_POOLS);
	pools[nr_pools].id = id;
	pools[nr_pools].node = -1;
	return &pools[nr_pools++];
}

static void got_pool(const struct reply *r)
{
	struct pool *p = pool_of(r->value[POOL_ID]);

	p->inflight = r->value[POOL_INFLIGHT];
	if (r->has[POOL_PRIVATE_NODE])
		p->node = r->value[POOL_PRIVATE_NODE];
}

static void got_stats(const struct reply *r)
{
	struct pool *p = pool_of(r->value[STATS_INFO]);

	p->recycled = r->value[STATS_CACHED] + r->value[STATS_RING];
	p->waived = r->value[STATS_WAIVE];
	p->pages = r->value[STATS_NODE_PAGES];
	p->fallback = r->value[STATS_NODE_FALLBACK];
}

static int family;

static void got_family(const struct reply *r)
{
	family = r->value[CTRL_ATTR_FAMILY_ID] & 0xffff;
}

/* Sends a request of one attribute, and hands each answer to GOT. */
static void request(int fd, int type, int flags, int cmd, const struct nlattr *attr, void (*got)(const struct reply *r))
{
	struct {
		struct nlmsghdr n;
		struct genlmsghdr g;
		char rest[256];
	} q = { .n = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) },
		.g = { .cmd = cmd, .version = 1 } };
	static char buf[1 << 16];
	struct nlmsghdr *n;
	ssize_t len;

	memcpy(q.rest, attr, attr->nla_len);
	q.n.nlmsg_len += NLA_ALIGN(attr->nla_len);
	if (send(fd, &q, q.n.nlmsg_len, 0) < 0)
		fail("netlink send");
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0)
			fail("netlink recv");
		for (n = (void *)buf; NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
			struct reply r = {};

			if (n->nlmsg_type == NLMSG_DONE)
				return;
			if (n->nlmsg_type == NLMSG_ERROR) {
				errno = -((struct nlmsgerr *)NLMSG_DATA(n))->error;
				fail("netlink command %d", cmd);
			}
			parse((char *)NLMSG_DATA(n) + GENL_HDRLEN, n->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), &r);
			got(&r);
			if (!(flags & NLM_F_DUMP))
				return;
		}
	}
}

int show_pools(const char *ifname)
{
	struct { struct nlattr a; char name[8]; } name = { { NLA_HDRLEN + 7, CTRL_ATTR_FAMILY_NAME }, "netdev" };
	struct { struct nlattr a; uint32_t index; } index = { { NLA_HDRLEN + 4, POOL_IFINDEX } };
	struct { struct nlattr a, b; uint32_t index; } info = { { 2 * NLA_HDRLEN + 4, STATS_INFO | NLA_F_NESTED },
								{ NLA_HDRLEN + 4, POOL_IFINDEX } };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int i;

	index.index = info.index = if_nametoindex(ifname);
	if (fd < 0 || !index.index)
		fail("%s", ifname);
	request(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, &name.a, got_family);
	request(fd, family, NLM_F_DUMP, CMD_POOL_GET, &index.a, got_pool);
	request(fd, family, NLM_F_DUMP, CMD_POOL_STATS_GET, &info.a, got_stats);
	for (i = 0; i < nr_pools; i++)
		printf("id=%ju inflight=%ju node=%jd pages=%ju fallback=%ju recycled=%ju waived=%ju\n",
		       (uintmax_t)pools[i].id, (uintmax_t)pools[i].inflight, (intmax_t)pools[i].node,
		       (uintmax_t)pools[i].pages, (uintmax_t)pools[i].fallback, (uintmax_t)pools[i].recycled,
		       (uintmax_t)pools[i].waived);
	close(fd);
	return 0;
}
