// SPDX-License-Identifier: GPL-2.0-only
/*
 * limits: the kernel's selftest of what is charged for; and pages that are on their way while a device goes, and
 * that move from one device to another.
 *
 * vm: --node 1G --reserve 256M,node=0 --append private_node_spare=2
 */
#include "../../../kernel/files/tools/testing/selftests/cram/limits.c"

#define FREEING HOLD "/freeing"

static int removes(void *arg)
{
	(void)arg;
	return remove_device() ? 0 : 1;
}

static bool gives_way(void)
{
	return !cram_number("credit_bytes");
}

/*
 * A page on its way from its last user to the device is waited for.  Otherwise its books, and the charge that it
 * may have, are never ended, and the device is written to after it went.
 */
static void gone_while_freed(void)
{
	char words[16];
	pid_t pid;
	int i;

	if (system("modprobe private_node_hold"))
		bail("modprobe private_node_hold");
	snprintf(words, sizeof(words), "%d", node);
	put(FREEING, words);
	pid = fork();
	if (!pid)
		_exit(removes(NULL));
	within(60, gives_way);
	for (i = 0; i < 20 && !access(cram_file("state"), F_OK); i++)
		usleep(50000);
	ok(!access(cram_file("state"), F_OK), "a page is being freed: its device does not go");
	put(FREEING, "-1");
	ok(waitpid(pid, &i, 0) == pid && !i, "it does when the page is free");
	new_device("physical=192M");
	put(FREEING, words);
	ok(!remove_device() && errno == EBUSY && !system("dmesg | grep -q ' 1 pages are still being freed; try again'"),
	   "and is refused, with the reason, when that does not end");
	put(FREEING, "-1");
	ok(within(60, is_ok) && remove_device(), "nothing has changed then");
	ok(!system("modprobe -r private_node_hold"), "nothing is left");
}

static void make(const char *name, unsigned long start)
{
	char words[128];

	snprintf(words, sizeof(words), "name=%s range=%#lx:128M physical=96M", name, start);
	put(SIM "/new_device", words);
}

static void farther(int nid, const char *distance)
{
	char path[128];

	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/adistance", nid);
	put(path, distance);
	snprintf(path, sizeof(path), NODE_DIR "/node%d/private/enabled", nid);
	put(path, "-promotion");
}

static bool both_ok(void)
{
	int first = node;
	bool all = is_ok();

	node++;
	all &= is_ok();
	node = first;
	return all;
}

/* From one device to another: charged to memory.cram once, to memory.current not at all. */
static void two_devices(void)
{
	unsigned long before, here, start = strtoul(reserved_range(0), NULL, 0);
	char path[128], buf[64];
	int tries;
	char *p;

	remove_device();
	make("c", start);
	make("d", start + 128 * MIB);
	if (!read_file("/sys/kernel/mm/cram/nodes", buf, sizeof(buf)))
		bail("nodes");
	node = atoi(buf);
	farther(node, "1500");
	farther(node + 1, "3000");
	if (!within(60, both_ok))
		bail("no reading");
	before = charged();
	p = filled(10);
	here = make_cold(p, LEN);
	snprintf(path, sizeof(path), NODE_DIR "/node%d/reclaim", node);
	for (tries = 0; tries < 10 && cram_number("resident_bytes"); tries++) {
		write_file(path, "16M swappiness=max");
		madvise(p, LEN, MADV_COLD);
	}
	node++;
	ok(where(p, LEN).here == here && here, "from one device to another: %lu pages of %lu", where(p, LEN).here, here);
	node_free();
	ok(current() == here * PAGE && charged() <= before + SLACK,
	   "are charged to memory.cram.current once (%lu), and not to memory.current (%lu, %lu before)", current(), charged(),
	   before);
	munmap(p, LEN);
	ok(within(60, none_charged) && charged() <= before + SLACK, "freed: to neither (%lu, %lu)", current(), charged());
	put(SIM "/remove_device", "c");
	put(SIM "/remove_device", "d");
}

LIMIT_TEST(gone_while_freed)
LIMIT_TEST(two_devices)
