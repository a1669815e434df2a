// SPDX-License-Identifier: GPL-2.0-only
/*
 * device: the rows of the movers matrix for a device that uses memory of processes: it takes pages to
 * its node when it uses them or is told to, and gives them back.
 *
 * The table is explained in cells.h of the kernel's selftests.
 *
 * vm: --node 1G --node 512M --reserve 128M,node=0 --append private_node_spare=1
 * timeout: 300
 * libs: -pthread
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>

#include "table.h"
#include "../../../kernel/files/lib/test_npu_uapi.h"

static int open_device(void)
{
	int fd = open("/dev/npu_t", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		bail("/dev/npu_t");
	return fd;
}

static int advise(char *p, int advice)
{
	struct npu_sim_advise v = { .start = (uintptr_t)p, .len = len, .advice = advice };
	int fd = open_device(), err;

	err = ioctl(fd, NPU_SIM_ADVISE, &v) ? errno : 0;
	close(fd);
	return err;
}

static int prefer_device(struct cell *cell, char *p)
{
	return advise(p, NPU_SIM_DEVICE);
}

static int prefer_host(struct cell *cell, char *p)
{
	return advise(p, NPU_SIM_HOST);
}

/* A page fault of the device, which ends well wherever the memory is. */
static int device_uses(struct cell *cell, char *p)
{
	struct npu_sim_job job = { .op = NPU_SIM_HASH, .a = (uintptr_t)p, .len = len };
	struct npu_sim_wait w = { 0 };
	int fd = open_device(), err;

	err = ioctl(fd, NPU_SIM_SUBMIT, &job) ? errno : 0;
	w.id = job.id;
	if (!err)
		err = ioctl(fd, NPU_SIM_WAIT, &w) ? errno : -w.error;
	close(fd);
	return err;
}

static const struct row rows[] = {
	{ "device: page fault", MAY_STAY, .down = true, .make = make_touched, .act = device_uses },
	{ "device: prefer device", MAY_STAY, .down = true, .make = make_touched, .act = prefer_device },
	{ "device: prefer host", MOVES, .act = prefer_host },
};

int main(int argc, char **argv)
{
	make_node("on_unplug=move");
	if (system("modprobe npu_sim"))
		bail("modprobe npu_sim");
	put("/sys/kernel/npu_sim/attach", "t");
	make_cgroups(argc, argv);
	RUN_ROWS(rows, argc, argv);
	put("/sys/kernel/npu_sim/detach", "t");
	ok(write_file(SIM "remove_node", "t"), "the node goes, empty");
	end_cgroups();
	return done_testing();
}
