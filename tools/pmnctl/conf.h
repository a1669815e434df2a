/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of /etc/pmn.d, read and checked; see pmn.conf(5). */
#ifndef _PMNCTL_CONF_H
#define _PMNCTL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct pmn_ctx;

enum conf_kind { CONF_NODE, CONF_DAX, CONF_CXL, CONF_CRAM, NR_CONF_KINDS };

struct conf_value {
	STAILQ_ENTRY(conf_value) list;
	char *key, *text;
	int line;
};

struct conf_section {
	STAILQ_ENTRY(conf_section) list;
	enum conf_kind kind;
	/* A node number, or a device's or region's name; "" for [cram]. */
	char *name;
	char *file;
	int line;
	STAILQ_HEAD(, conf_value) values;
};

struct conf {
	struct pmn_ctx *ctx;
	STAILQ_HEAD(, conf_section) sections;
	/* Called for each mistake, with one sentence that names file and line. */
	void (*mistake)(const char *text);
	int mistakes;
};

void conf_init(struct conf *conf, struct pmn_ctx *ctx, void (*mistake)(const char *text));
void conf_free(struct conf *conf);
/* Adds what a file's text says; mistakes are told and counted. */
void conf_parse(struct conf *conf, const char *file, const char *text, size_t len);
/* The last one with that key, or NULL. */
const char *conf_get(const struct conf_section *section, const char *key);
const char *conf_kind_name(enum conf_kind kind);

#endif
