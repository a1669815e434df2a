// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl dax, cxl and private: memory becomes private, now and at each boot. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "dax.h"
#include "persist.h"
#include "services.h"

#define CONF_DIR	"/etc/pmn.d"
/* All names of services fit twice. */
#define MAX_LIST	256
#define GRUB_DIR	"/etc/default/grub.d"

static bool has_kmem(const struct pmn_dax *dax)
{
	const char *driver = pmn_dax_get_driver(dax);

	return driver && !strcmp(driver, "kmem");
}

/* The private node that the device is on now; NULL when there is none. */
static struct pmn_node *node_of(struct cli *cli, struct pmn_dax *dax)
{
	struct pmn_node *node = NULL;

	if (pmn_dax_is_plugged(dax))
		node = pmn_node_by_id(cli->ctx, pmn_dax_get_node(dax));
	if (node && pmn_dax_by_owner(cli->ctx, pmn_node_get_owner(node)) == dax)
		return node;
	return NULL;
}

/* Is it already what it is to become, but for the services? */
static bool is_as_wished(struct cli *cli, struct pmn_dax *dax, const struct dax_wish *wish)
{
	if (!pmn_dax_is_plugged(dax) || !strcmp(pmn_dax_get_state(dax), "offline"))
		return false;
	if (!!node_of(cli, dax) != wish->private)
		return false;
	return !wish->where || !strcmp(wish->where, pmn_dax_get_where(dax));
}

static int set_services(struct pmn_change *change, struct pmn_node *node, const char *list)
{
	char words[512];

	service_words(node, list, words, sizeof(words));
	return *words ? pmn_change_services(change, node, words) : PMN_OK;
}

/* The device's files are written while nothing is plugged in. */
static int add_steps(struct cli *cli, struct pmn_change *change, struct pmn_dax *dax,
		     const struct dax_wish *wish)
{
	int ret = PMN_OK;

	if (is_as_wished(cli, dax, wish))
		return wish->private && wish->services ?
		       set_services(change, node_of(cli, dax), wish->services) : PMN_OK;
	if (pmn_dax_is_plugged(dax))
		ret = pmn_change_dax(change, dax, "state", "unplugged");
	if (!ret)
		ret = pmn_change_dax(change, dax, "private", wish->private ? "1" : "0");
	if (!ret && wish->private && wish->where)
		ret = pmn_change_dax(change, dax, "private_node", wish->where);
	if (!ret && wish->private && wish->services)
		ret = pmn_change_dax(change, dax, "private_services", wish->services);
	if (!ret && has_kmem(dax))
		ret = pmn_change_dax(change, dax, "state", "online_movable");
	return ret;
}

static int check_dax(struct pmn_dax *dax)
{
	if (pmn_dax_get_private(dax) >= 0)
		return PMN_OK;
	return complain(PMN_NO_KERNEL,
			"%s: this kernel cannot bring it up private; boot one that is built with CONFIG_DEV_DAX_PRIVATE=y",
			pmn_dax_get_name(dax));
}

/* A device that kmem has just taken is online as the default policy says, which may be not at all. */
static int bring_online(struct cli *cli, const char *name)
{
	struct pmn_change *change;
	struct pmn_dax *dax;
	int ret;

	pmn_refresh(cli->ctx);
	dax = pmn_dax_by_name(cli->ctx, name);
	if (!dax || !pmn_dax_get_state(dax))
		return complain(PMN_FAILED, "%s: it went away while kmem took it; look at `dmesg`", name);
	if (pmn_dax_is_plugged(dax) && strcmp(pmn_dax_get_state(dax), "offline"))
		return PMN_OK;
	ret = pmn_change_new(cli->ctx, &change);
	if (ret)
		return complain_lib(cli, ret);
	if (pmn_dax_is_plugged(dax))
		ret = pmn_change_dax(change, dax, "state", "unplugged");
	if (!ret)
		ret = pmn_change_dax(change, dax, "state", "online_movable");
	if (!ret)
		ret = pmn_change_apply(change);
	if (ret)
		complain_lib(cli, ret);
	pmn_change_free(change);
	return ret;
}

static int bind_and_online(struct cli *cli, const char *name)
{
	int ret = dax_bind(cli, name);

	if (!ret) {
		ret = bring_online(cli, name);
		if (ret)
			dax_unbind(cli, name);
	}
	return ret;
}

/* Names of those that kmem does not have yet: objects go with each pmn_refresh(). */
struct unbound {
	int nr;
	char names[MAX_DAXES][64];
};

static int bind_rest(struct cli *cli, struct pmn_change *change, const struct unbound *unbound)
{
	int i, ret = PMN_OK;

	for (i = 0; i < unbound->nr; i++) {
		ret = bind_and_online(cli, unbound->names[i]);
		if (ret)
			break;
	}
	if (!ret)
		return PMN_OK;
	/* Those before it as well: all, or none. */
	while (i-- > 0)
		dax_unbind(cli, unbound->names[i]);
	if (pmn_change_undo(change))
		complain_lib(cli, ret);
	return ret;
}

static int make_all(struct cli *cli, struct pmn_change *change, const struct unbound *unbound)
{
	int ret, i;

	if (cli->opt[OPT_DRY_RUN]) {
		show_steps(change);
		for (i = 0; i < unbound->nr; i++)
			printf("%s: would be given to kmem\n", unbound->names[i]);
		return PMN_OK;
	}
	ret = pmn_change_apply(change);
	if (ret)
		return complain_lib(cli, ret);
	return bind_rest(cli, change, unbound);
}

int dax_make(struct cli *cli, const struct dax_list *list, const struct dax_wish *wish)
{
	struct unbound unbound = {};
	struct pmn_change *change;
	int ret, i;

	ret = pmn_change_new(cli->ctx, &change);
	if (ret)
		return complain_lib(cli, ret);
	for (i = 0; !ret && i < list->nr; i++) {
		ret = check_dax(list->daxes[i]);
		if (ret)
			break;
		ret = add_steps(cli, change, list->daxes[i], wish);
		if (ret)
			complain_lib(cli, ret);
		if (!has_kmem(list->daxes[i]))
			snprintf(unbound.names[unbound.nr++], sizeof(unbound.names[0]), "%s",
				 pmn_dax_get_name(list->daxes[i]));
	}
	if (!ret)
		ret = make_all(cli, change, &unbound);
	pmn_change_free(change);
	return ret;
}

int dax_check_wish(struct cli *cli, struct dax_wish *wish)
{
	const char *where = wish->where;

	if (where && strcmp(where, "auto") && strcmp(where, "target") && strcmp(where, "spare"))
		return complain(PMN_USAGE, "node '%s': it is none of auto, target, spare", where);
	if (!wish->private && (where || wish->services))
		return complain(PMN_USAGE,
				"ordinary memory: it has neither services nor a node to choose; leave these out");
	if (wish->services && strlen(wish->services) > MAX_LIST)
		return complain(PMN_USAGE, "services: the list is longer than %d letters; name each service once",
				MAX_LIST);
	if (wish->services && pmn_services_check(cli->ctx, wish->services))
		return complain_lib(cli, PMN_USAGE);
	return PMN_OK;
}

static struct dax_wish wish_of(struct cli *cli)
{
	return (struct dax_wish){
		.private = !cli->opt[OPT_ORDINARY],
		.where = cli->opt[OPT_WHERE],
		.services = cli->opt[OPT_SERVICES],
	};
}

/* -- at each boot ---------------------------------------------------------------- */

static void conf_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, CONF_DIR "/%s.conf", name);
}

static int persist_dax(struct cli *cli, const char *kind, const char *name,
		       const struct dax_wish *wish)
{
	char path[256], text[1024];
	size_t n;
	int ret;

	conf_path(path, sizeof(path), name);
	if (!wish->private)
		return persist_remove(cli, path);
	n = snprintf(text, sizeof(text), "[%s %s]\nprivate = yes\n", kind, name);
	if (wish->where)
		n += snprintf(text + n, sizeof(text) - n, "node = %s\n", wish->where);
	if (wish->services)
		snprintf(text + n, sizeof(text) - n, "services = %s\n", wish->services);
	ret = persist_write(cli, path, cli->verb->name, text);
	if (!ret)
		printf("%s: %s does it at each boot; pmn-apply.service has to be enabled\n", name, path);
	return ret;
}

/* Whether the file can be written is asked first, so that nothing is done by halves. */
static int make_and_persist(struct cli *cli, const char *kind, const char *name,
			    const struct dax_list *list)
{
	struct dax_wish wish = wish_of(cli);
	char path[256];
	int ret;

	ret = dax_check_wish(cli, &wish);
	conf_path(path, sizeof(path), name);
	if (!ret && cli->opt[OPT_PERSIST])
		ret = persist_check(cli, path);
	if (!ret)
		ret = dax_make(cli, list, &wish);
	if (!ret && wish.private)
		ret = apply_to_device(cli, kind, name);
	if (ret || !cli->opt[OPT_PERSIST])
		return ret;
	if (!cli->opt[OPT_DRY_RUN])
		return persist_dax(cli, kind, name, &wish);
	printf("%s: would be %s\n", path, wish.private ? "written" : "removed");
	return PMN_OK;
}

/* -- verbs -------------------------------------------------------------------------- */

int verb_dax(struct cli *cli)
{
	struct dax_list list = { .nr = 1 };
	const char *name = cli->args[0];

	list.daxes[0] = pmn_dax_by_name(cli->ctx, name);
	if (!list.daxes[0])
		return complain(PMN_NO_NODE, "%s: there is no such DAX device; `daxctl list` shows those that there are, and `ndctl create-namespace -m devdax` makes one of persistent memory",
				name);
	return make_and_persist(cli, "dax", name, &list);
}

static void list_add(struct dax_list *list, struct pmn_dax *dax)
{
	if (list->nr < MAX_DAXES)
		list->daxes[list->nr++] = dax;
}

int verb_cxl(struct cli *cli)
{
	struct dax_list list = {};
	const char *name = cli->args[0];
	struct pmn_dax *dax;

	pmn_dax_foreach(cli->ctx, dax)
		if (pmn_dax_get_region(dax) && !strcmp(pmn_dax_get_region(dax), name))
			list_add(&list, dax);
	if (!list.nr)
		return complain(PMN_NO_NODE, "%s: no CXL region of that name has a DAX device; `cxl list -R` shows the regions, and `cxl create-region` makes one",
				name);
	return make_and_persist(cli, "cxl", name, &list);
}

/* grub's own file says that grub boots this machine. */
static bool has_grub(struct cli *cli)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/etc/default/grub", pmn_get_root(cli->ctx));
	return !access(path, F_OK);
}

/* Where they keep the options of the kernel, of those that Debian has. */
static int no_grub(int node, const char *option)
{
	if (option)
		printf("%s\n", option);
	return complain(PMN_FAILED, "node %d: there is no /etc/default/grub, so another boot loader starts this machine; %s the kernel command line by hand: "
			"systemd-boot and unified images have it in /etc/kernel/cmdline (then `kernel-install add-all`, or `dpkg-reconfigure` of the kernel), "
			"u-boot and extlinux in U_BOOT_PARAMETERS of /etc/default/u-boot (then `u-boot-update`), "
			"a Raspberry Pi in /boot/firmware/cmdline.txt, a boot entry of the firmware in what `efibootmgr -u` shows, and a virtual machine in its -append",
			node, option ? "add that line to" : "take private_node= off");
}

/* At each boot; without @option no more. */
static int boot_file(struct cli *cli, int node, const char *option)
{
	char path[128], text[1024];
	int ret;

	if (!has_grub(cli))
		return no_grub(node, option);
	snprintf(path, sizeof(path), GRUB_DIR "/pmn-node%d.cfg", node);
	ret = persist_check(cli, path);
	if (ret)
		return ret;
	if (cli->opt[OPT_DRY_RUN]) {
		printf("node %d: would %s %s%s%s\n", node, option ? "write" : "remove", path,
		       option ? " with " : "", option ? option : "");
		return PMN_OK;
	}
	snprintf(text, sizeof(text), "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"\n", option ? option : "");
	ret = option ? persist_write(cli, path, cli->verb->name, text) : persist_remove(cli, path);
	if (!ret)
		printf("node %d: %s %s%s; run update-grub and boot again\n", node, path,
		       option ? "has " : "is gone", option ? option : "");
	return ret;
}

/* private_node=1:reclaim,demotion, of --services. */
static void boot_option_of(struct cli *cli, int node, char *option, size_t size)
{
	const char *list = cli->opt[OPT_SERVICES];
	const struct pmn_service *s;
	size_t len, i;

	if (list && !strcmp(list, "none"))
		list = NULL;
	len = snprintf(option, size, "private_node=%d%s", node, list ? ":" : "");
	if (list && strcmp(list, "all")) {
		snprintf(option + len, size - len, "%s", list);
		for (i = len; option[i]; i++)
			option[i] = option[i] == ' ' ? ',' : option[i];
	} else if (list) {
		pmn_service_foreach(s)
			len += snprintf(option + len, size - len, "%s%s",
					s == pmn_service_get_first() ? "" : ",", pmn_service_get_name(s));
	}
}

static int check_boot_words(struct cli *cli, int node)
{
	const char *services = cli->opt[OPT_SERVICES];

	if (cli->opt[OPT_WHERE])
		return complain(PMN_USAGE, "--node: only memory of a DAX device can come up on another node, and node %d has boot memory; leave it out",
				node);
	if (services && cli->opt[OPT_ORDINARY])
		return complain(PMN_USAGE, "ordinary memory: it has no services; leave them out");
	if (services && strlen(services) > MAX_LIST)
		return complain(PMN_USAGE, "services: the list is longer than %d letters; name each service once",
				MAX_LIST);
	return PMN_OK;
}

/* Memory that was there at boot: the command line alone makes it private. */
static int private_at_boot(struct cli *cli, int node)
{
	struct boot_option parsed;
	char option[512], why[768];
	int ret;

	ret = check_boot_words(cli, node);
	if (ret)
		return ret;
	boot_option_of(cli, node, option, sizeof(option));
	ret = boot_parse(option, &parsed, why, sizeof(why));
	if (!ret)
		ret = boot_check(cli->ctx, option, &parsed, why, sizeof(why));
	if (ret)
		return complain(ret, "%s", why);
	if (!boot_possible(cli->ctx, node, why, sizeof(why)))
		return complain(PMN_FAILED, "%s", why);
	if (cli->opt[OPT_PERSIST])
		return boot_file(cli, node, option);
	return complain(PMN_NO_KERNEL, "node %d: its memory was there at boot, and this kernel cannot make it private while it runs; add %s to the kernel command line (--persist does so for grub) and boot again",
			node, option);
}

/* The way back. */
static int ordinary_at_boot(struct cli *cli, int node)
{
	int ret = check_boot_words(cli, node);

	if (ret)
		return ret;
	if (cli->opt[OPT_PERSIST])
		return boot_file(cli, node, NULL);
	if (!pmn_node_by_id(cli->ctx, node)) {
		printf("node %d: is ordinary already\n", node);
		return PMN_OK;
	}
	return complain(PMN_NO_KERNEL, "node %d: its memory came at boot, and this kernel cannot make it ordinary while it runs; leave private_node=%d out of the kernel command line (--persist does so where `pmnctl private` put it there) and boot again",
			node, node);
}

/* Boot memory that `pmnctl remove` took offline. */
static int bring_back(struct cli *cli, struct pmn_node *node)
{
	struct pmn_change *change = NULL;
	int ret = pmn_change_new(cli->ctx, &change);

	if (!ret)
		ret = pmn_change_set(change, node, "boot_memory", "online");
	if (!ret)
		return apply_or_show(cli, change);
	pmn_change_free(change);
	return complain_lib(cli, ret);
}

/* A node that is private already: its memory, its services, and the next boot. */
static int private_already(struct cli *cli, struct pmn_node *node)
{
	const char *services = cli->opt[OPT_SERVICES];
	int id = pmn_node_get_id(node), ret;
	struct pmn_change *change = NULL;

	if (strcmp(pmn_node_get_owner(node), "boot") &&
	    (cli->opt[OPT_PERSIST] || cli->opt[OPT_ORDINARY] || cli->opt[OPT_WHERE]))
		return complain(PMN_NO_KERNEL, "node %d: its owner %s is a driver of its own, which brings it and takes it away; only --services can be chosen here",
				id, pmn_node_get_owner(node));
	ret = check_boot_words(cli, id);
	if (ret)
		return ret;
	if (!pmn_node_get_size(node) && !strcmp(pmn_node_get_owner(node), "boot")) {
		ret = bring_back(cli, node);
		if (ret || (!services && !cli->opt[OPT_PERSIST]))
			return ret;
	}
	if (!services && !cli->opt[OPT_PERSIST]) {
		printf("node %d: is private already; `pmnctl allow` opens services\n", id);
		return PMN_OK;
	}
	if (services && pmn_services_check(cli->ctx, services))
		return complain_lib(cli, PMN_USAGE);
	/* The next boot first: what this kernel refuses, such as more than capable= says, that one may take. */
	ret = cli->opt[OPT_PERSIST] ? private_at_boot(cli, id) : PMN_OK;
	if (ret || !services)
		return ret;
	ret = pmn_change_new(cli->ctx, &change);
	if (!ret)
		ret = set_services(change, node, services);
	if (!ret)
		return apply_or_show(cli, change);
	pmn_change_free(change);
	return complain_lib(cli, ret);
}

/* An ordinary node, so that the grammar for private ones does not fit. */
static int parse_ordinary(const char *text, int *node)
{
	if (!*text || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
		return complain(PMN_USAGE, "node '%s': the number of one ordinary node is wanted, such as 1",
				text);
	*node = atoi(text);
	return PMN_OK;
}

int verb_private(struct cli *cli)
{
	struct dax_list list = {};
	struct pmn_node *there;
	struct pmn_dax *dax;
	int node = -1, ret;

	ret = parse_ordinary(cli->args[0], &node);
	if (ret)
		return ret;
	ret = pmn_check_kernel(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	there = pmn_node_by_id(cli->ctx, node);
	dax = there ? pmn_dax_by_owner(cli->ctx, pmn_node_get_owner(there)) : NULL;
	if (dax)
		return make_and_persist(cli, "dax", pmn_dax_get_name(dax), &(struct dax_list){ 1, { dax } });
	if (there && !(cli->opt[OPT_ORDINARY] && !strcmp(pmn_node_get_owner(there), "boot")))
		return private_already(cli, there);
	pmn_dax_foreach(cli->ctx, dax)
		if (pmn_dax_get_node(dax) == node)
			list_add(&list, dax);
	if (!list.nr)
		return cli->opt[OPT_ORDINARY] ? ordinary_at_boot(cli, node) : private_at_boot(cli, node);
	if (list.nr > 1)
		return complain(PMN_FAILED, "node %d: %d DAX devices are on it, and a private node has one; use `pmnctl dax DEV`, with --node spare for all but one",
				node, list.nr);
	return make_and_persist(cli, "dax", pmn_dax_get_name(list.daxes[0]), &list);
}
