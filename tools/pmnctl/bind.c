// SPDX-License-Identifier: GPL-2.0-only
/* A DAX device gets the driver kmem, by libdaxctl, which loads modules as well. */
#define _GNU_SOURCE
#include <ctype.h>
#include <daxctl/libdaxctl.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

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

/* Is one of the files that the process has open, or mapped, the device? */
static bool has_open(const char *pid, const char *dir, const char *device)
{
	char path[PATH_MAX], target[PATH_MAX];
	bool ret = false;
	struct dirent *de;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, dir);
	d = opendir(path);
	while (d && !ret && (de = readdir(d))) {
		n = readlinkat(dirfd(d), de->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		ret = !strcmp(target, device);
	}
	if (d)
		closedir(d);
	return ret;
}

/* The process that uses the character device; 0 when nobody does.  The driver would go all the same. */
static int user_of(const char *name)
{
	DIR *proc = opendir("/proc");
	char device[PATH_MAX];
	struct dirent *de;
	int pid = 0;

	snprintf(device, sizeof(device), "/dev/%s", name);
	while (proc && !pid && (de = readdir(proc)))
		if (isdigit((unsigned char)de->d_name[0]) &&
		    (has_open(de->d_name, "fd", device) || has_open(de->d_name, "map_files", device)))
			pid = atoi(de->d_name);
	if (proc)
		closedir(proc);
	return pid;
}

static int bind(struct daxctl_ctx *ctx, const char *name)
{
	struct daxctl_dev *dev = find(ctx, name);
	int ret, pid;

	if (!dev)
		return complain(PMN_NO_NODE, "%s: libdaxctl does not know it; `daxctl list` shows what it knows",
				name);
	if (daxctl_dev_is_enabled(dev)) {
		pid = user_of(name);
		if (pid)
			return complain(PMN_BUSY, "%s: cannot become a node: pid %d has /dev/%s open; end it first",
					name, pid, name);
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
