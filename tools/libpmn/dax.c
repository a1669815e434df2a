// SPDX-License-Identifier: GPL-2.0-only
/* DAX devices that kmem can bring up on private nodes. */
#define _GNU_SOURCE
#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define OWNER_PREFIX	"kmem-"

static void dax_free(struct pmn_dax *dax)
{
	free(dax->name);
	free(dax->driver);
	free(dax->state);
	free(dax->region);
	free(dax->services);
	free(dax->where);
	free(dax);
}

void pmn_daxes_free(struct pmn_ctx *ctx)
{
	struct pmn_dax *dax;

	while ((dax = STAILQ_FIRST(&ctx->dax))) {
		STAILQ_REMOVE_HEAD(&ctx->dax, list);
		dax_free(dax);
	}
	ctx->dax_read = false;
}

/* The last part of what a link points to; NULL without one. */
static char *link_name(const struct pmn_ctx *ctx, const char *path)
{
	char *full = pmn_path(ctx, path), target[4096], *ret = NULL;
	ssize_t n;

	n = full ? readlink(full, target, sizeof(target) - 1) : -1;
	if (n > 0) {
		target[n] = '\0';
		ret = strdup(basename(target));
	}
	free(full);
	return ret;
}

/*
 * The CXL region above the device, if it is of one: .../region0/dax_region0/dax0.0.  An NVDIMM has
 * regions of such names as well, and no dax_region.
 */
static char *region_of(const struct pmn_ctx *ctx, const char *dir)
{
	char *full = pmn_path(ctx, dir), *real = NULL, *end, *name, *ret = NULL;

	if (full)
		real = realpath(full, NULL);
	end = real ? strstr(real, "/dax_region") : NULL;
	if (end) {
		*end = '\0';
		name = strrchr(real, '/');
		if (name && !strncmp(name, "/region", 7))
			ret = strdup(name + 1);
	}
	free(real);
	free(full);
	return ret;
}

/* Unreadable is -1: "" of a missing file is no number either. */
static long long number_in(const struct pmn_ctx *ctx, const char *dir, const char *file)
{
	char *text = pmn_slurp_in(ctx, dir, file);
	unsigned long long value;
	long long ret = pmn_number(text, &value) ? -1 : (long long)value;

	free(text);
	return ret;
}

static struct pmn_dax *dax_read(struct pmn_ctx *ctx, const char *name)
{
	struct pmn_dax *dax = calloc(1, sizeof(*dax));
	char *dir = pmn_print(DAX_DEVICES "/%s", name);
	char *driver = dir ? pmn_print("%s/driver", dir) : NULL;
	long long size;

	if (dax)
		dax->name = strdup(name);
	if (!dax || !dir || !driver || !dax->name) {
		if (dax)
			dax_free(dax);
		dax = NULL;
		goto out;
	}
	dax->ctx = ctx;
	dax->driver = link_name(ctx, driver);
	dax->region = region_of(ctx, dir);
	dax->state = pmn_slurp_in(ctx, dir, "state");
	dax->services = pmn_slurp_in(ctx, dir, "private_services");
	dax->where = pmn_slurp_in(ctx, dir, "private_node");
	dax->private = number_in(ctx, dir, "private");
	dax->node = number_in(ctx, dir, "target_node");
	size = number_in(ctx, dir, "size");
	dax->size = size < 0 ? 0 : size;
out:
	free(driver);
	free(dir);
	return dax;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_dax(const struct dirent *de)
{
	return !strncmp(de->d_name, "dax", 3);
}

static void daxes_read(struct pmn_ctx *ctx)
{
	char *dir = pmn_path(ctx, DAX_DEVICES);
	struct dirent **names = NULL;
	struct pmn_dax *dax;
	int i, n;

	ctx->dax_read = true;
	n = dir ? scandir(dir, &names, is_dax, by_name) : 0;
	for (i = 0; i < n; i++) {
		dax = dax_read(ctx, names[i]->d_name);
		if (dax)
			STAILQ_INSERT_TAIL(&ctx->dax, dax, list);
		free(names[i]);
	}
	free(names);
	free(dir);
}

struct pmn_dax *pmn_dax_get_first(struct pmn_ctx *ctx)
{
	if (!ctx->dax_read)
		daxes_read(ctx);
	return STAILQ_FIRST(&ctx->dax);
}

struct pmn_dax *pmn_dax_get_next(struct pmn_dax *dax)
{
	return STAILQ_NEXT(dax, list);
}

struct pmn_dax *pmn_dax_by_name(struct pmn_ctx *ctx, const char *name)
{
	struct pmn_dax *dax;

	pmn_dax_foreach(ctx, dax)
		if (!strcmp(dax->name, name))
			return dax;
	return NULL;
}

/**
 * pmn_dax_by_owner - the device that a node's memory is of
 * @ctx: the context
 * @owner: of the node, such as "kmem-dax0.0"
 *
 * Return: the device; NULL when the owner is no device, or the device is gone.
 */
struct pmn_dax *pmn_dax_by_owner(struct pmn_ctx *ctx, const char *owner)
{
	if (strncmp(owner, OWNER_PREFIX, strlen(OWNER_PREFIX)))
		return NULL;
	return pmn_dax_by_name(ctx, owner + strlen(OWNER_PREFIX));
}

const char *pmn_dax_get_name(const struct pmn_dax *dax)
{
	return dax->name;
}

/* NULL without a driver. */
const char *pmn_dax_get_driver(const struct pmn_dax *dax)
{
	return dax->driver;
}

/* NULL unless kmem has the device. */
const char *pmn_dax_get_state(const struct pmn_dax *dax)
{
	return dax->state;
}

/* The CXL region, such as "region0", or NULL. */
const char *pmn_dax_get_region(const struct pmn_dax *dax)
{
	return dax->region;
}

const char *pmn_dax_get_services(const struct pmn_dax *dax)
{
	return dax->services;
}

const char *pmn_dax_get_where(const struct pmn_dax *dax)
{
	return dax->where;
}

/* 1: comes up private; 0: as ordinary memory; -1: the kernel has no choice. */
int pmn_dax_get_private(const struct pmn_dax *dax)
{
	return dax->private;
}

/* -1 when firmware gives it none. */
int pmn_dax_get_node(const struct pmn_dax *dax)
{
	return dax->node;
}

unsigned long long pmn_dax_get_size(const struct pmn_dax *dax)
{
	return dax->size;
}

bool pmn_dax_is_plugged(const struct pmn_dax *dax)
{
	return dax->state && strcmp(dax->state, "unplugged");
}
