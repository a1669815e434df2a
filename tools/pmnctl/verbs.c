// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of verbs and options.  The parser, --help, and the completion of bash and zsh are made of
 * it, and the tests compare the manual pages with it.
 */
#include "pmnctl.h"

const struct option_info option_infos[NR_OPTIONS] = {
	[OPT_HELP] = { "help", 'h', 0, 0, "print this" },
	[OPT_JSON] = { "json", 'J', 0, 0, "print JSON" },
	[OPT_RAW] = { "raw", 'r', 0, 0, "print columns with one blank between them" },
	[OPT_NOHEADINGS] = { "noheadings", 'n', 0, 0, "print no headings" },
	[OPT_BYTES] = { "bytes", 'b', 0, 0, "print sizes in bytes" },
	[OPT_COLUMNS] = { "output", 'o', "COLS", KIND_COLUMNS,
			  "print these columns; +COLS adds to the usual ones" },
	[OPT_DRY_RUN] = { "dry-run", 0, 0, 0, "say what would be done, and change nothing" },
	[OPT_SERVICES] = { "services", 's', "LIST", KIND_SERVICES,
			   "services that are open from the start: names with commas, none, or all" },
	[OPT_WHERE] = { "node", 0, "WHERE", KIND_WHERE,
			"target: firmware's node; spare: one of private_node_spare=; auto: either" },
	[OPT_ORDINARY] = { "ordinary", 0, 0, 0, "the other way: make it ordinary memory" },
	[OPT_PERSIST] = { "persist", 'p', 0, 0, "do it at each boot as well" },
	[OPT_MOVE] = { "move", 'm', 0, 0, "move what programs have there to ordinary memory" },
	[OPT_WAIT] = { "wait", 'w', 0, 0, "wait until nobody has memory there" },
	[OPT_ONLY] = { "only", 0, 0, 0, "take the node from all other cgroups that there are" },
	[OPT_RUNTIME] = { "runtime", 0, 0, 0, "until the next boot only, where systemd runs" },
	[OPT_FULL] = { "full", 0, "MODE", KIND_FULL,
		       "when the node is full: node (as its on_full says) or fallback (ordinary memory)" },
	[OPT_INTERVAL] = { "interval", 'i', "S", KIND_WORD, "print again each S seconds" },
	[OPT_COUNT] = { "count", 'c', "N", KIND_WORD, "end after N times" },
	[OPT_BATCH] = { "batch", 0, 0, 0, "print lines instead of filling the screen" },
	[OPT_FILE] = { "file", 'f', "FILE", KIND_FILE, "read this file instead of /etc/pmn.d/*.conf" },
	[OPT_DEVICE] = { "device", 0, "DEV", KIND_DAX, "only what the files say about this DAX device" },
	[OPT_FORMAT] = { "format", 0, "NAME", KIND_FORMAT, "openmetrics (the default) or prometheus" },
	[OPT_TO] = { "output", 'o', "FILE", KIND_FILE, "write to this file, which is replaced whole" },
};

#define BIT(o)		(1U << OPT_##o)
#define TABLE		(BIT(JSON) | BIT(RAW) | BIT(NOHEADINGS) | BIT(BYTES) | BIT(COLUMNS))

const struct verb verbs[] = {
	{ "list", "[NODE]", "list private nodes",
	  { KIND_NODE }, 0, 1, TABLE, verb_list },
	{ "show", "NODE", "show what a node is, has, and who may use it",
	  { KIND_NODE }, 1, 1, BIT(JSON) | BIT(BYTES), verb_show },
	{ NULL }
};
