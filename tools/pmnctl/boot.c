// SPDX-License-Identifier: GPL-2.0-only
/*
 * private_node=<nid>[:<word>,...] before the reboot: what the kernel will say to it, as far as can
 * be told now.  The kernel's own rules are in mm/private_node/boot.c.
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

/* capable=a+b: services, of which none needs another here. */
static bool is_capable(const char *list)
{
	char word[32];
	size_t len;

	do {
		len = strcspn(list, "+");
		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		if (!pmn_service_by_name(word))
			return false;
		list += len + !!list[len];
	} while (*list);
	return true;
}

/* Leaves in @services the names of services, and takes off the words of the other kinds. */
static int split_words(const char *text, const char *list, char *services, char *why, size_t size)
{
	char copy[512], *word, *save = NULL;
	bool good;

	snprintf(copy, sizeof(copy), "%s", list);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		good = true;
		if (!strncmp(word, "capable=", 8))
			good = is_capable(word + 8);
		else if (!strncmp(word, "access=", 7))
			good = !strcmp(word + 7, "any") || !strcmp(word + 7, "named");
		else
			snprintf(services + strlen(services), 256 - strlen(services), "%s%s",
				 *services ? "," : "", word);
		if (!good)
			return wrong(why, size, "%.128s: '%.64s' is not understood; write capable=SERVICE+SERVICE, or access=named",
				     text, word);
	}
	return PMN_OK;
}

/* Here one comma alone is between two names, and each that is needed is in the option itself. */
static int parse_services(struct pmn_ctx *ctx, const char *text, const char *list, char *services,
			  char *why, size_t size)
{
	if (strpbrk(list, " \t\n"))
		return wrong(why, size, "%.128s: a blank ends the option; write the services with commas alone",
			     text);
	if (!*list || strstr(list, ",,") || list[0] == ',' || list[strlen(list) - 1] == ',')
		return wrong(why, size, "%.128s: a service is missing; leave out the ':' for none, and write names with one comma between them",
			     text);
	if (!strcmp(list, "all") || !strcmp(list, "none"))
		return wrong(why, size, "%.128s: '%s' is not a service here; name each of them", text, list);
	if (split_words(text, list, services, why, size))
		return PMN_USAGE;
	if (*services && pmn_services_check(ctx, services))
		return wrong(why, size, "%.128s: %s", text, pmn_error(ctx));
	return PMN_OK;
}

int boot_parse(struct pmn_ctx *ctx, const char *text, struct boot_option *option, char *why,
	       size_t size)
{
	const char *number, *colon;
	int ret;

	if (strncmp(text, OPTION, strlen(OPTION)))
		return wrong(why, size, "%.128s: this is not an option of private nodes; write private_node=1, or private_node=1:reclaim,demotion",
			     text);
	number = text + strlen(OPTION);
	colon = strchrnul(number, ':');
	ret = parse_node(text, number, colon - number, &option->node, why, size);
	if (ret)
		return ret;
	*option->services = '\0';
	return *colon ? parse_services(ctx, text, colon + 1, option->services, why, size) : PMN_OK;
}

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
