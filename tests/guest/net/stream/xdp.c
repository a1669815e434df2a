// SPDX-License-Identifier: GPL-2.0-only
/* A program of two instructions at an interface: pass, drop or tx. */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stream.h"

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(int action)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = action },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t)"GPL";
	return bpf(BPF_PROG_LOAD, &attr);
}

int xdp(const char *ifname, const char *action)
{
	int what = !strcmp(action, "pass") ? XDP_PASS : !strcmp(action, "drop") ? XDP_DROP : XDP_TX;
	union bpf_attr attr = {};
	int prog = load(what), link;
	char line[8];

	if (prog < 0 && errno == ENOSYS) {
		puts("skip");
		return 0;
	}
	if (prog < 0)
		fail("load");
	attr.link_create.prog_fd = prog;
	attr.link_create.target_ifindex = if_nametoindex(ifname);
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = 1U << 2;	/* XDP_FLAGS_DRV_MODE: the driver's own */
	link = bpf(BPF_LINK_CREATE, &attr);
	if (link < 0)
		fail("link to %s", ifname);
	puts("ready");
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0)
		;
	close(link);
	return 0;
}
