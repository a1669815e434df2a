// SPDX-License-Identifier: GPL-2.0-only
/* Calls from within the kernel, by the module private_node_leak: a row for each of its files. */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "leak.h"

#define DIR_NAME "/sys/kernel/debug/private_node_leak"
#define MAX_CALLS 128

static struct row rows[MAX_CALLS + 1];
static char names[MAX_CALLS][64];

/* Means the node of the processor it runs on, and no other. */
static bool is_local(const char *call)
{
	return !strcmp(call, "alloc_pages_thisnode");
}

/* Goes to a processor of a node; false when it has none. */
static bool go_near(int n)
{
	char path[64], buf[64];
	cpu_set_t set;
	int cpu;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", n);
	if (!read_file(path, buf, sizeof(buf)) || sscanf(buf, "%d", &cpu) != 1)
		return false;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static int attempt(struct ctx *c)
{
	const char *call = c->row->name + strlen("kernel-");
	unsigned long on = 0, of = 0;
	char path[160], buf[128];
	bool tried = false;
	int n;

	press(c);
	snprintf(path, sizeof(path), DIR_NAME "/%s", call);
	for (n = 0; n < MAX_NODES; n++) {
		if (!(c->candidates >> n & 1))
			continue;
		if (is_local(call) && !go_near(n))
			continue;
		tried = true;
		if (!write_file(path, "%d", n))
			note_errno(call);
		if (read_file(path, buf, sizeof(buf)) &&
		    sscanf(buf, "pages-on-node %lu of %lu", &on, &of) == 2)
			seen(on);
		note("%lu of %lu", on, of);
	}
	return tried ? DONE :
		       skip_row("it means the processor's node, and this one has no processor");
}

static int no_module(struct ctx *c)
{
	return skip_row("private_node_leak: not in this kernel (CONFIG_PRIVATE_NODE_LEAK_TEST)");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Some files of the module are readings that allocate nothing. */
static int is_call(const struct dirent *de)
{
	static const char *const others[] = { "all", "nr_online_nodes", "page_reporting" };
	unsigned int i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(de->d_name, others[i]))
			return 0;
	return de->d_name[0] != '.';
}

/* A few for the odd topologies: the calls that are most likely to get a page by mistake. */
static unsigned int sets(const char *call)
{
	static const char *const quick[] = { "alloc_pages_node",
					     "alloc_pages_node_thisnode",
					     "kmalloc_node",
					     "vmalloc_node",
					     "nodemask_only",
					     "nodemask_n_memory",
					     "alloc_contig_range",
					     "alloc_contig_pages",
					     "dma_alloc_coherent",
					     "alloc_pages_bulk",
					     "product" };
	unsigned int i, flags = POLICY;

	for (i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		if (!strcmp(call, quick[i]))
			flags |= QUICK;
	if (!strcmp(call, "kmalloc_node") || !strcmp(call, "alloc_pages_node_thisnode"))
		flags |= SHORT;
	/* its pages follow the processors, whatever the policy: only exhaustion brings it here */
	if (!strcmp(call, "percpu"))
		flags = FULL;
	return flags;
}

const struct row *incore_rows(void)
{
	char *const mod[] = { "modprobe", "private_node_leak", NULL };
	struct dirent **list;
	int n, i;

	if (rows[0].name)
		return rows;
	if (!exists(DIR_NAME))
		wait_program(run_program(mod));
	n = scandir(DIR_NAME, &list, is_call, by_name);
	if (n <= 0)
		rows[0] = (struct row){
			"kernel-calls", no_module, NAMED | QUICK | SHORT, 1, 0, 0, 0, NULL
		};
	for (i = 0; i < n && i < MAX_CALLS; i++) {
		snprintf(names[i], sizeof(names[i]), "kernel-%.50s", list[i]->d_name);
		rows[i] =
			(struct row){ names[i], attempt, sets(list[i]->d_name), 1, 0, 0, 0, NULL };
	}
	return rows;
}
