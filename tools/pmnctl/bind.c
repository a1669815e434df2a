// SPDX-License-Identifier: GPL-2.0-only
/* A DAX device gets the driver kmem, by libdaxctl, which loads modules as well. */
#include <daxctl/libdaxctl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "dax.h"

static struct daxctl_dev *find(struct daxctl_ctx *ctx, const char *name)
{
	struct daxctl_region *region;
	struct daxctl_dev *dev;

	daxctl_region_foreach(ctx, region)
		daxctl_dev_foreach(region, dev)
			if (!strcmp(daxctl_dev_get_devname(dev), name))
				return dev;
	return NULL;
}

static int bind(struct daxctl_ctx *ctx, const char *name)
{
	struct daxctl_dev *dev = find(ctx, name);
	int ret;

	if (!dev)
		return complain(PMN_NO_NODE, "%s: libdaxctl does not know it; `daxctl list` shows what it knows",
				name);
	if (daxctl_dev_is_enabled(dev)) {
		ret = daxctl_dev_disable(dev);
		if (ret)
			return complain(PMN_BUSY, "%s: cannot be taken from its driver: %s; stop who has /dev/%s open",
					name, strerror(-ret), name);
	}
	ret = daxctl_dev_enable_ram(dev);
	if (!ret)
		return PMN_OK;
	return complain(PMN_FAILED, "%s: kmem does not take it: %s; `dmesg` says why", name,
			strerror(-ret));
}

/* It says on standard error what is said here anyway. */
static int start(struct daxctl_ctx **ctx)
{
	int ret = daxctl_new(ctx);

	if (!ret)
		daxctl_set_log_priority(*ctx, LOG_EMERG);
	return ret;
}

int dax_bind(struct cli *cli, const char *name)
{
	struct daxctl_ctx *ctx;
	int ret;

	if (*pmn_get_root(cli->ctx))
		return complain(PMN_FAILED, "%s: kmem has to take it, which cannot be done below PMN_ROOT", name);
	if (start(&ctx))
		return complain(PMN_FAILED, "%s: libdaxctl cannot start; is sysfs mounted on /sys?", name);
	ret = bind(ctx, name);
	daxctl_unref(ctx);
	return ret;
}

/* Back to device_dax, which is what it had, or would have had. */
void dax_unbind(struct cli *cli, const char *name)
{
	struct daxctl_ctx *ctx;
	struct daxctl_dev *dev;

	if (*pmn_get_root(cli->ctx) || start(&ctx))
		return;
	dev = find(ctx, name);
	if (dev && (daxctl_dev_disable(dev) || daxctl_dev_enable_devdax(dev)))
		complain(0, "%s: has no driver now; `daxctl enable-memory` or `daxctl reconfigure-device` gives it one",
			 name);
	daxctl_unref(ctx);
}
