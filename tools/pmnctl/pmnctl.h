/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of pmnctl know of each other. */
#ifndef _PMNCTL_H
#define _PMNCTL_H

#include <stdbool.h>
#include <stddef.h>

#include <libpmn.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, v)	__attribute__((format(printf, f, v)))

/* What a word of the command line is: for completion, and for nothing else. */
enum kind {
	KIND_NONE, KIND_NODE, KIND_SERVICE, KIND_SETTING, KIND_DAX, KIND_REGION, KIND_CGROUP,
	KIND_WORD, KIND_COMMAND, KIND_BOOT, KIND_COLUMNS, KIND_WHERE, KIND_FULL, KIND_FILE,
	KIND_FORMAT, KIND_SHELL, KIND_SERVICES,
};

/* One option has one meaning, whichever verbs take it. */
enum option_id {
	OPT_HELP, OPT_JSON, OPT_RAW, OPT_NOHEADINGS, OPT_BYTES, OPT_COLUMNS, OPT_ALL, OPT_DRY_RUN,
	OPT_SERVICES, OPT_WHERE, OPT_ORDINARY, OPT_PERSIST, OPT_MOVE, OPT_WAIT, OPT_ONLY,
	OPT_RUNTIME, OPT_FULL, OPT_INTERVAL, OPT_COUNT, OPT_BATCH, OPT_LAST, OPT_FILE, OPT_DEVICE,
	OPT_FORMAT, OPT_TO, OPT_BOOT,
	NR_OPTIONS
};

struct option_info {
	const char *name;
	char letter;
	const char *arg;
	enum kind kind;
	const char *help;
};

struct cli;

#define MAX_ARGS	3

struct verb {
	/* Two words for those that belong together: "cram push". */
	const char *name;
	const char *usage;
	const char *help;
	/* Of the arguments; the last one is that of all further ones. */
	enum kind kinds[MAX_ARGS];
	int min, max;
	unsigned int options;
	int (*run)(struct cli *cli);
};

extern const struct option_info option_infos[NR_OPTIONS];
extern const struct verb verbs[];

struct cli {
	struct pmn_ctx *ctx;
	const struct verb *verb;
	/* The argument, or "" for an option without one; NULL where it was not given. */
	const char *opt[NR_OPTIONS];
	char **args;
	int nr;
};

/* Numbers of arguments without a limit. */
#define MANY	-1

/* main.c */
void usage_of(const struct verb *verb, bool to_stderr);

/* say.c */
int complain(int code, const char *fmt, ...) PRINTF(2, 3);
int complain_lib(struct cli *cli, int code);

/*
 * The nodes that the first argument names, to be freed by the caller.  Returns an exit status, and has said
 * what is wrong when it is not PMN_OK.
 */
int named_nodes(struct cli *cli, struct pmn_nodeset **set);
void human_size(char *text, size_t size, unsigned long long bytes);
int parse_size(const char *text, unsigned long long *bytes);
int parse_seconds(const char *text, double *seconds);
int show_steps(struct pmn_change *change);
int apply_or_show(struct cli *cli, struct pmn_change *change);

/* table.c */
enum column_type { TEXT, NUMBER, SIZE };

struct column {
	const char *name, *help;
	/* A SIZE is a number for --bytes, and else text such as 512M. */
	enum column_type type;
};

struct table;
struct table *table_new(struct cli *cli, const char *name, const struct column *all, size_t nr,
			const char *defaults);
bool table_has(struct table *table, const char *name);
void table_line(struct table *table);
void table_set(struct table *table, const char *name, const char *fmt, ...) PRINTF(3, 4);
void table_bytes(struct table *table, const char *name, unsigned long long bytes);
int table_print(struct table *table);

/* holders.c */
unsigned int print_holders(struct cli *cli, struct pmn_node *node, const char *indent);

/* conf.c and apply.c: see there */

/* verbs */
int verb_list(struct cli *cli);
int verb_show(struct cli *cli);
int verb_allow(struct cli *cli);
int verb_deny(struct cli *cli);
int verb_set(struct cli *cli);
int verb_check(struct cli *cli);
int verb_private(struct cli *cli);
int verb_dax(struct cli *cli);
int verb_cxl(struct cli *cli);
int verb_remove(struct cli *cli);
int verb_grant(struct cli *cli);
int verb_revoke(struct cli *cli);
int verb_run(struct cli *cli);
int verb_top(struct cli *cli);
int verb_stat(struct cli *cli);
int verb_why(struct cli *cli);
int verb_cram_status(struct cli *cli);
int verb_cram_push(struct cli *cli);
int verb_cram_limit(struct cli *cli);
int verb_cram_writable(struct cli *cli);
int verb_cram_reset(struct cli *cli);
int verb_metrics(struct cli *cli);
int verb_apply(struct cli *cli);
int verb_completion(struct cli *cli);

#endif
