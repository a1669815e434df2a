/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h: the movers matrix as a table: all rows, and columns of both kinds of cgroups.
 *
 * With "v1" the cpusets are of cgroup v1, which has one mask, and knows no private nodes; with "short"
 * some rows and columns are run, for the demo.
 */
#ifndef TABLE_H
#define TABLE_H

#include "../devmap/devmap.h"
#include "../../../kernel/files/tools/testing/selftests/private_node/cells.h"

static const struct column columns_v1[] = {
	{ "no policy, v1", CONTROL },
	{ "cgroup v1: cpuset", CPUSET, .set = set_v1 },
	{ "cgroup v1: nested", CPUSET, .set = set_v1, .nested = true },
	{ "cgroup v1: of who shares it", SHARER_CPUSET, .set = set_sharer_cpuset },
};

/* cgroup v2 has memory; v1 takes cpusets, which do not come back to v2 at once. */
static void make_v1_root(void)
{
	mkdir(ROOT, 0755);
	mkdir(V1_ROOT, 0755);
	if (mount("none", ROOT, "cgroup2", 0, NULL))
		bail("cgroup");
	write_file(ROOT "/cgroup.subtree_control", "-cpuset");
	put(ROOT "/cgroup.subtree_control", "+memory");
	if (mount("none", V1_ROOT, "cgroup", 0, "cpuset"))
		bail("cgroup v1");
	is_v1 = true;
	columns = columns_v1;
	nr_columns = sizeof(columns_v1) / sizeof(columns_v1[0]);
}

static void make_cgroups(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "v1"))
		make_v1_root();
	else
		make_root();
	is_brief = argc > 1 && !strcmp(argv[1], "short");
}

static void end_cgroups(void)
{
	umount2(ROOT, MNT_DETACH);
	if (is_v1)
		umount2(V1_ROOT, 0);
}

/* Runs all rows, or those whose names have a word of the arguments in them, and shows the table. */
static void run_rows(const struct row *rows, int nr, int argc, char **argv)
{
	static char lines[32][MAX_COLUMNS * 8];
	int first = 1 + (is_v1 || is_brief), i, j;

	for (i = 0; i < nr; i++) {
		for (j = first; j < argc; j++)
			if (strstr(rows[i].name, argv[j]))
				break;
		if ((j == argc && argc > first) || (is_v1 && rows[i].not_v1) || (is_brief && !rows[i].brief))
			continue;
		run_row(&rows[i], lines[i], sizeof(lines[i]));
	}
	printf("#\n# Movers matrix: pages outside of what their users may have\n");
	for (i = j = 0; j < nr_columns; j++)
		if (!is_brief || columns[j].brief)
			printf("# %c %s%s\n", 'a' + i++, columns[j].name, j ? "" : " (control: the mover reaches the node)");
	printf("# %-32s", "");
	for (j = 0; j < i; j++)
		printf(" %5c", 'a' + j);
	for (i = 0; i < nr; i++)
		if (*lines[i])
			printf("\n# %-32s%s", rows[i].name, lines[i]);
	printf("\n");
}

#define RUN_ROWS(rows, argc, argv) run_rows(rows, (int)(sizeof(rows) / sizeof((rows)[0])), argc, argv)

#endif
