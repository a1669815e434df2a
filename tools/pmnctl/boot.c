// SPDX-License-Identifier: GPL-2.0-only
/*
 * private_node=<nid>[:<word>,...] and the other options of private nodes before the reboot: what the kernel
 * will say to them, as far as can be told now.  The kernel's own rules are in mm/private_node/boot.c,
 * drivers/dax/private_node.c and mm/private_node/zswap.c.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

#define NODES	"/sys/devices/system/node"
#define OPTION	"private_node="

static int wrong(char *why, size_t size, const char *fmt, ...) PRINTF(3, 4);

static int wrong(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return PMN_USAGE;
}

static int parse_node(const char *text, const char *number, size_t len, int *node, char *why,
		      size_t size)
{
	char copy[16];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, number);
	if (!len || len > 4 || strspn(copy, "0123456789") != len || atoi(copy) >= 1024)
		return wrong(why, size, "%.128s: '%s' is not a node number; write private_node=1, or private_node=1:reclaim,demotion",
			     text, copy);
	*node = atoi(copy);
	return PMN_OK;
}

static bool has_word(const char *list, const char *name)
{
	char padded[520], word[64];

	snprintf(padded, sizeof(padded), ",%s,", list);
	snprintf(word, sizeof(word), ",%s,", name);
	return strstr(padded, word);
}

static void add_word(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	if (!has_word(list, name))
		snprintf(list + len, size - len, "%s%s", len ? "," : "", name);
}

/* The names in @words, of services and nothing else. */
static bool add_services(char *list, size_t size, const char *words, const char *between)
{
	char word[32];
	size_t len;

	do {
		len = strcspn(words, between);
		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		if (!pmn_service_by_name(word))
			return false;
		add_word(list, size, word);
		words += len + !!words[len];
	} while (*words);
	return true;
}

static bool parse_word(struct boot_option *option, const char *word)
{
	if (!strncmp(word, "capable=", 8))
		return add_services(option->capable, sizeof(option->capable), word + 8, "+");
	if (!strncmp(word, "access=", 7))
		return !strcmp(word + 7, "any") || !strcmp(word + 7, "named");
	return add_services(option->services, sizeof(option->services), word, ",");
}

/* Here one comma alone is between two words. */
static int parse_words(const char *text, const char *list, struct boot_option *option, char *why,
		       size_t size)
{
	char copy[512], *word, *save = NULL;

	if (strpbrk(list, " \t\n"))
		return wrong(why, size, "%.128s: a blank ends the option; write the services with commas alone",
			     text);
	if (!*list || strstr(list, ",,") || list[0] == ',' || list[strlen(list) - 1] == ',')
		return wrong(why, size, "%.128s: a service is missing; leave out the ':' for none, and write names with one comma between them",
			     text);
	if (!strcmp(list, "all") || !strcmp(list, "none"))
		return wrong(why, size, "%.128s: '%s' is not a service here; name each of them", text, list);
	if (strlen(list) >= sizeof(copy))
		return wrong(why, size, "%.128s: the list is too long; name each service once", text);
	strcpy(copy, list);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (!parse_word(option, word))
			return wrong(why, size, "%.128s: '%.64s' is not understood, so the node would be closed; write a service, capable=SERVICE+SERVICE, or access=named",
				     text, word);
	return PMN_OK;
}

bool boot_is_private_node(const char *text)
{
	return !strncmp(text, OPTION, strlen(OPTION));
}

int boot_parse(const char *text, struct boot_option *option, char *why, size_t size)
{
	const char *number, *colon;
	int ret;

	*option = (struct boot_option){};
	if (!boot_is_private_node(text))
		return wrong(why, size, "%.128s: this does not make a node private; write private_node=1, or private_node=1:reclaim,demotion",
			     text);
	number = text + strlen(OPTION);
	colon = strchrnul(number, ':');
	ret = parse_node(text, number, colon - number, &option->node, why, size);
	if (ret)
		return ret;
	return *colon ? parse_words(text, colon + 1, option, why, size) : PMN_OK;
}

void boot_unite(struct boot_option *option, const struct boot_option *other)
{
	if (*other->services)
		add_services(option->services, sizeof(option->services), other->services, ",");
	if (*other->capable)
		add_services(option->capable, sizeof(option->capable), other->capable, ",");
}

/* As choose_services() of the kernel: all of them are open, or none. */
int boot_check(struct pmn_ctx *ctx, const char *text, const struct boot_option *option, char *why,
	       size_t size)
{
	const struct pmn_service *s;
	const char *name;

	pmn_service_foreach(s) {
		name = pmn_service_get_name(s);
		if (*option->capable && has_word(option->services, name) &&
		    !has_word(option->capable, name))
			return wrong(why, size, "%.128s: capable= leaves out %s, which is to be open, so the node would be closed; write capable=%s+%s, or leave one of them out",
				     text, name, option->capable, name);
	}
	if (*option->services && pmn_services_check(ctx, option->services))
		return wrong(why, size, "%.128s: %s", text, pmn_error(ctx));
	return PMN_OK;
}

/* -- the other options ---------------------------------------------------------- */

static bool is_number(const char *text, int max)
{
	return *text && strlen(text) <= 4 && strspn(text, "0123456789") == strlen(text) &&
	       atoi(text) <= max;
}

static bool is_spare(struct pmn_ctx *ctx, const char *text)
{
	(void)ctx;
	return is_number(text, 1023);
}

static bool is_private(struct pmn_ctx *ctx, const char *text)
{
	(void)ctx;
	return !strcmp(text, "0") || !strcmp(text, "1");
}

static bool is_where(struct pmn_ctx *ctx, const char *text)
{
	(void)ctx;
	return !strcmp(text, "auto") || !strcmp(text, "target") || !strcmp(text, "spare");
}

static bool is_list(struct pmn_ctx *ctx, const char *text)
{
	return !strpbrk(text, " \t\n") && !pmn_services_check(ctx, text);
}

static bool is_zswap(struct pmn_ctx *ctx, const char *text)
{
	(void)ctx;
	return !strcmp(text, "-1") || is_number(text, 1023);
}

static const struct {
	const char *name, *values;
	bool (*fits)(struct pmn_ctx *ctx, const char *text);
} others[] = {
	{ "private_node_spare=", "a number of node ids, from 0 to 1023", is_spare },
	{ "dax.private=", "0 or 1", is_private },
	{ "dax.private_node=", "auto, target, or spare", is_where },
	{ "dax.private_services=", "all, none, or services with commas between them, each with those that it needs", is_list },
	{ "zswap.node=", "the number of a private node, or -1", is_zswap },
};

int boot_other(struct pmn_ctx *ctx, const char *text, char *why, size_t size)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		len = strlen(others[i].name);
		if (strncmp(text, others[i].name, len))
			continue;
		if (others[i].fits(ctx, text + len))
			return PMN_OK;
		return wrong(why, size, "%.128s: '%.64s' is no value of it; give %s", text, text + len,
			     others[i].values);
	}
	snprintf(why, size, "%.128s: this is no option of ours, so nothing is known about it; ours are private_node=, private_node_spare=, dax.private=, dax.private_node=, dax.private_services= and zswap.node=",
		 text);
	return PMN_NO_NODE;
}

/* -- the node ------------------------------------------------------------------- */

static bool in_list(struct pmn_ctx *ctx, const char *file, int node)
{
	char path[128], text[4096], *p = text;
	long first, last;

	snprintf(path, sizeof(path), NODES "/%s", file);
	if (pmn_read(ctx, path, text, sizeof(text)))
		return false;
	while (isdigit((unsigned char)*p)) {
		first = last = strtol(p, &p, 10);
		if (*p == '-')
			last = strtol(p + 1, &p, 10);
		if (node >= first && node <= last)
			return true;
		p += *p == ',';
	}
	return false;
}

bool boot_is_ordinary(struct pmn_ctx *ctx, int node)
{
	return in_list(ctx, "has_memory", node);
}

static bool has_cpus(struct pmn_ctx *ctx, int node)
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), NODES "/node%d/cpulist", node);
	return !pmn_read(ctx, path, text, sizeof(text)) && *text;
}

static bool is_last_ordinary(struct pmn_ctx *ctx, int node)
{
	char text[4096], own[16];

	snprintf(own, sizeof(own), "%d", node);
	return !pmn_read(ctx, NODES "/has_memory", text, sizeof(text)) && !strcmp(text, own);
}

static unsigned long long block_size(struct pmn_ctx *ctx)
{
	char text[64];

	if (pmn_read(ctx, "/sys/devices/system/memory/block_size_bytes", text, sizeof(text)))
		return 0;
	return strtoull(text, NULL, 16);
}

/* From /proc/iomem, which has zeros for who is not root. */
static bool kernel_image(struct pmn_ctx *ctx, unsigned long long *start)
{
	char *path = NULL, line[256], *name;
	unsigned long long end;
	FILE *f = NULL;

	if (asprintf(&path, "%s/proc/iomem", pmn_get_root(ctx)) >= 0)
		f = fopen(path, "re");
	free(path);
	*start = 0;
	while (f && fgets(line, sizeof(line), f)) {
		name = strstr(line, " : Kernel code");
		if (name && sscanf(line, "%llx-%llx", start, &end) == 2)
			break;
	}
	if (f)
		fclose(f);
	return *start;
}

/* Memory blocks are links memory<N> in the node's folder. */
static bool has_kernel(struct pmn_ctx *ctx, int node)
{
	unsigned long long size = block_size(ctx), start;
	char path[128];
	char text[64];

	if (!size || !kernel_image(ctx, &start))
		return false;
	snprintf(path, sizeof(path), NODES "/node%d/memory%llu/state", node, start / size);
	return !pmn_read(ctx, path, text, sizeof(text));
}

bool boot_possible(struct pmn_ctx *ctx, int node, char *why, size_t size)
{
	const char *reason = NULL;

	if (!in_list(ctx, "possible", node))
		reason = "firmware describes no such node; `numactl --hardware` shows those that it does";
	else if (!in_list(ctx, "has_memory", node) && !pmn_node_by_id(ctx, node))
		reason = "it has no memory at boot; for a DAX device use `pmnctl dax`";
	else if (has_cpus(ctx, node))
		reason = "it has processors, so the kernel leaves it ordinary; choose a node without";
	else if (is_last_ordinary(ctx, node))
		reason = "it is the last ordinary node, so the kernel leaves it ordinary";
	else if (has_kernel(ctx, node))
		reason = "the kernel image is there now; with private_node= it stays where the boot loader puts it, so have it put elsewhere";
	if (reason)
		snprintf(why, size, "node %d: %s", node, reason);
	return !reason;
}
