/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leak: attempts to get memory of a node that nobody opened.
 *
 * A row is one attempt.  It runs in a process of its own, with a candidate node that is ordinary
 * (the control: it must land there), and with one that is private (it must not).
 */
#ifndef LEAK_H
#define LEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_NODES 64
#define MIB (1UL << 20)
#define PAGE 4096UL

/* How an attempt comes to prefer the candidate node; each gives a variant of the row. */
#define NAMED	0x01	/* the attempt names the node itself */
#define POLICY	0x02	/* task policy: bind to the node, refused when it is private */
#define FULL	0x04	/* ordinary nodes are exhausted to the low watermark */
/* In which sets a row is. */
#define QUICK	0x10	/* odd topologies */
#define SHORT	0x20	/* demo */
/* What a row does to the machine. */
#define GIGA	0x40	/* nodes with more than 1G; only in the set giga */
#define TIER	0x100	/* tiers by HMAT; only in the set tier */
#define DIMM	0x800	/* a DIMM on the last ordinary node; only in the set dimm */
#define PLUG	0x200	/* blocks go and come: only in the set plug, on an untouched node */
#define LATE	0x80	/* changes hotplug state: after all others */
#define EARLY	0x400	/* FULL: ordinary nodes are exhausted at mark(), not before */

struct row;

/* What a row knows. */
struct ctx {
	const struct row *row;
	int node;		/* the first candidate */
	unsigned long candidates;	/* mask */
	unsigned long ordinary;		/* mask: nodes with memory that are no candidates */
	bool full;		/* variant */
};

/* Return values of a row: done (landed or refused), or not possible here. */
enum { DONE, SKIPPED };

struct row {
	const char *name;
	int (*fn)(struct ctx *c);
	unsigned int flags;
	unsigned int min;	/* pages that must land in the control */
	unsigned long a, b, d;	/* for the function */
	const char *text;
};

/* A way that cannot land by its nature. */
struct apart {
	const char *name, *reason, *where;
};

extern const struct row mem_rows[], file_rows[], kern_rows[], policy_rows[], move_rows[],
	plug_rows[];
extern const struct apart aparts[];
const struct row *incore_rows(void);
const struct row *mode_rows(void);

/* For rows, by the program that runs them. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note_errno(const char *what);
int skip_row(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mark(void);		/* count from here: what was set up before is no part of it */
void seen(unsigned long pages);	/* the attempt itself looked where its pages are */

/* Helpers, util.c */
bool read_file(const char *path, char *buf, size_t size);
bool write_file(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool exists(const char *path);
unsigned long parse_nodes(const char *list);
unsigned long node_set(const char *file);
unsigned long vmstat(const char *name);
unsigned long vmstat_sum(const char *const *names);
unsigned long node_free(int node);	/* pages, per-CPU lists included */
unsigned long node_events(int node);	/* allocations from the node so far */
unsigned long node_spare(int node);	/* free pages above the low watermarks and reserves */
unsigned long node_field(int node, const char *field);	/* of /proc/zoneinfo, summed */
void *map_anon(size_t size);
void touch(void *p, size_t size);
void touch_on(unsigned long mask, void *p, size_t size);	/* leaves no policy */
bool scratch(void);		/* own mount namespace, tmpfs on /mnt */
bool bind_self(int node);	/* set_mempolicy(MPOL_BIND) */
bool bind_range(void *p, size_t size, unsigned long mask);
pid_t run_program(char *const argv[]);
int wait_program(pid_t pid);
size_t amount(const struct ctx *c);	/* bytes to ask for in this variant */
/* Takes the little that a full variant starts with; what comes then meets the low watermark. */
void press(const struct ctx *c);

#endif
