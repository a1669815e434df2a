// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmnctl apply: makes the machine what /etc/pmn.d says, at each boot and when a device comes.
 *
 * Files are read and checked whole before anything is done.  Each section is done whole or not at all;
 * one that fails does not keep the others from being done.  What is as it should be is left alone, so
 * that it can be done again at any time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "dax.h"
#include "grant.h"
#include "services.h"
#include "setting.h"

#define CONF_DIR	"/etc/pmn.d"
/* More is no configuration. */
#define CONF_MAX	(1 << 20)

static void tell(const char *text)
{
	complain(0, "%s", text);
}

/* -- reading ---------------------------------------------------------------------- */

static int read_stream(struct conf *conf, const char *name, FILE *f)
{
	char *text = malloc(CONF_MAX + 1);
	size_t n;
	int ret = PMN_OK;

	if (!text)
		return complain(PMN_FAILED, "memory: not enough to read %s", name);
	n = fread(text, 1, CONF_MAX + 1, f);
	if (ferror(f))
		ret = complain(PMN_FAILED, "%s: cannot be read: %m; is it a file?", name);
	else if (n > CONF_MAX)
		ret = complain(PMN_FAILED, "%s: is larger than 1 MiB, which no configuration is", name);
	else
		conf_parse(conf, name, text, n);
	free(text);
	return ret;
}

static int read_file(struct conf *conf, const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	int ret;

	if (!f)
		return complain(PMN_FAILED, "%s: cannot be read: %m; nothing was changed", name);
	ret = read_stream(conf, name, f);
	fclose(f);
	return ret;
}

static int is_conf(const struct dirent *de)
{
	size_t len = strlen(de->d_name);

	return de->d_name[0] != '.' && len > 5 && !strcmp(de->d_name + len - 5, ".conf");
}

/* Without the folder there is nothing to do. */
static int read_folder(struct cli *cli, struct conf *conf)
{
	char dir[4096], path[8192], name[512];
	struct dirent **names;
	int i, n, ret = PMN_OK;

	snprintf(dir, sizeof(dir), "%s" CONF_DIR, pmn_get_root(cli->ctx));
	n = scandir(dir, &names, is_conf, alphasort);
	if (n < 0)
		return errno == ENOENT ? PMN_OK :
		       complain(PMN_FAILED, CONF_DIR ": cannot be read: %m; nothing was changed");
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		snprintf(name, sizeof(name), CONF_DIR "/%s", names[i]->d_name);
		if (!ret)
			ret = read_file(conf, path, name);
		free(names[i]);
	}
	free(names);
	return ret;
}

/* -- doing: each of these complains itself ------------------------------------------- */

static int blame(const struct conf_section *s, int ret)
{
	if (ret)
		complain(ret, "%s:%d: [%s%s%s] is not done, for the reason above", s->file, s->line,
			 conf_kind_name(s->kind), *s->name ? " " : "", s->name);
	return ret;
}

/* What the kernel would refuse in any case is found before the first file is written. */
static int check_settings(struct cli *cli, int id, const struct conf_section *s)
{
	const struct setting *setting;
	const struct conf_value *v;
	char object[32];
	int ret = PMN_OK;

	snprintf(object, sizeof(object), "node %d", id);
	STAILQ_FOREACH(v, &s->values, list) {
		setting = setting_find(v->key, strlen(v->key));
		if (!ret && setting)
			ret = setting_check(cli, object, setting, v->text);
	}
	return ret;
}

/* The services that are chosen on the command line are not those of the file. */
static int add_settings(struct cli *cli, struct pmn_change *change, struct pmn_node *node,
			const struct conf_section *s)
{
	const char *services = cli->opt[OPT_SERVICES] ? NULL : conf_get(s, "services");
	const struct setting *setting;
	const struct conf_value *v;
	char words[512] = "";
	int ret = PMN_OK;

	if (services)
		service_words(node, services, words, sizeof(words));
	if (*words)
		ret = pmn_change_services(change, node, words);
	STAILQ_FOREACH(v, &s->values, list) {
		setting = setting_find(v->key, strlen(v->key));
		if (!ret && setting)
			ret = pmn_change_set(change, node, setting->file, v->text);
	}
	return ret;
}

static int do_grants(struct cli *cli, int id, const struct conf_section *s)
{
	const struct conf_value *v;
	int ret = PMN_OK, one;

	/* systemd keeps what is set for good in files of its own; ours is the place for it. */
	cli->opt[OPT_RUNTIME] = "";
	STAILQ_FOREACH(v, &s->values, list) {
		if (strcmp(v->key, "grant"))
			continue;
		one = grant_node(cli, id, v->text, false);
		ret = ret ? ret : one;
		pmn_refresh(cli->ctx);
	}
	return ret;
}

static int set_node(struct cli *cli, struct pmn_node *node, const struct conf_section *s)
{
	int id = pmn_node_get_id(node), ret;
	struct pmn_change *change;

	ret = check_settings(cli, id, s);
	if (ret)
		return ret;
	ret = pmn_change_new(cli->ctx, &change);
	if (ret)
		return complain_lib(cli, ret);
	ret = add_settings(cli, change, node, s);
	if (ret) {
		pmn_change_free(change);
		return complain_lib(cli, ret);
	}
	ret = apply_or_show(cli, change);
	return ret ? ret : do_grants(cli, id, s);
}

static int do_node(struct cli *cli, const struct conf_section *s)
{
	struct pmn_node *node = pmn_node_by_id(cli->ctx, atoi(s->name));
	const char *owner = conf_get(s, "owner");

	if (!node)
		return complain(PMN_NO_NODE, "node %s: it is not private; `pmnctl check` says why", s->name);
	if (owner && strcmp(owner, pmn_node_get_owner(node)))
		return complain(PMN_FAILED, "node %s: its owner is %s and not %s, so it is left alone; correct owner=, or remove it",
				s->name, pmn_node_get_owner(node), owner);
	return set_node(cli, node, s);
}

static bool is_of(const struct conf_section *s, const struct pmn_dax *dax)
{
	if (s->kind == CONF_DAX)
		return !strcmp(s->name, pmn_dax_get_name(dax));
	return pmn_dax_get_region(dax) && !strcmp(s->name, pmn_dax_get_region(dax));
}

/* After the devices came up, on nodes of their own. */
static int set_device_nodes(struct cli *cli, const struct conf_section *s)
{
	char owners[MAX_DAXES][64];
	struct pmn_node *node;
	struct pmn_dax *dax;
	int i, n = 0, ret = PMN_OK;

	pmn_refresh(cli->ctx);
	pmn_dax_foreach(cli->ctx, dax)
		if (is_of(s, dax) && n < MAX_DAXES)
			snprintf(owners[n++], sizeof(owners[0]), "kmem-%s", pmn_dax_get_name(dax));
	for (i = 0; !ret && i < n; i++) {
		pmn_node_foreach(cli->ctx, node)
			if (!strcmp(pmn_node_get_owner(node), owners[i]))
				break;
		if (node)
			ret = set_node(cli, node, s);
	}
	return ret;
}

static int do_device(struct cli *cli, const struct conf_section *s)
{
	const char *private = conf_get(s, "private");
	struct dax_wish wish = {
		.private = !private || !strcmp(private, "yes"),
		.where = conf_get(s, "node"),
		.services = conf_get(s, "services"),
	};
	struct dax_list list = {};
	struct pmn_dax *dax;
	int ret;

	pmn_dax_foreach(cli->ctx, dax)
		if (is_of(s, dax) && list.nr < MAX_DAXES)
			list.daxes[list.nr++] = dax;
	if (!list.nr && cli->opt[OPT_BOOT]) {
		printf("%s: there is no such device yet; when it comes, udev has this done\n", s->name);
		return PMN_OK;
	}
	if (!list.nr)
		return complain(PMN_NO_NODE, "%s: there is no such device; when it comes, udev has this done",
				s->name);
	ret = dax_check_wish(cli, &wish);
	if (!ret)
		ret = dax_make(cli, &list, &wish);
	return ret ? ret : set_device_nodes(cli, s);
}

/* See dax.h. */
int apply_to_device(struct cli *cli, const char *kind, const char *name)
{
	const char *private;
	struct conf_section *s;
	struct pmn_dax *dax;
	struct conf conf;
	int ret;

	conf_init(&conf, cli->ctx, tell);
	ret = read_folder(cli, &conf);
	if (!ret && conf.mistakes)
		ret = complain(PMN_FAILED, "%s: is up, but the settings in " CONF_DIR " have mistakes, and none of them is applied", name);
	STAILQ_FOREACH(s, &conf.sections, list) {
		private = conf_get(s, "private");
		if (ret || (s->kind != CONF_DAX && s->kind != CONF_CXL) || (private && strcmp(private, "yes")))
			continue;
		dax = pmn_dax_by_name(cli->ctx, name);
		if ((!strcmp(conf_kind_name(s->kind), kind) && !strcmp(s->name, name)) || (dax && is_of(s, dax)))
			ret = blame(s, set_device_nodes(cli, s));
	}
	conf_free(&conf);
	return ret;
}

static int do_cram(struct cli *cli, const struct conf_section *s)
{
	struct pmn_change *change;
	const struct conf_value *v;
	char path[64];
	int ret;

	ret = pmn_change_new(cli->ctx, &change);
	if (ret)
		return complain_lib(cli, ret);
	STAILQ_FOREACH(v, &s->values, list) {
		snprintf(path, sizeof(path), "/sys/kernel/mm/cram/%s", v->key);
		if (!ret)
			ret = pmn_change_file(change, "cram", path, !strcmp(v->text, "yes") ? "1" : "0");
	}
	if (!ret)
		return apply_or_show(cli, change);
	pmn_change_free(change);
	return complain_lib(cli, ret);
}

static int do_section(struct cli *cli, const struct conf_section *s)
{
	pmn_refresh(cli->ctx);
	switch (s->kind) {
	case CONF_NODE:
		return do_node(cli, s);
	case CONF_CRAM:
		return do_cram(cli, s);
	default:
		return do_device(cli, s);
	}
}

/* With --device only what is said about that device, or the region that it is of. */
static bool is_wanted(struct cli *cli, const struct conf_section *s)
{
	const char *name = cli->opt[OPT_DEVICE];
	struct pmn_dax *dax;

	if (!name)
		return true;
	if (s->kind != CONF_DAX && s->kind != CONF_CXL)
		return false;
	dax = pmn_dax_by_name(cli->ctx, name);
	return dax && is_of(s, dax);
}

/* Failures of one kind keep their code; all else is partial. */
static int do_all(struct cli *cli, struct conf *conf)
{
	struct conf_section *s;
	int ret = PMN_OK, one;

	STAILQ_FOREACH(s, &conf->sections, list) {
		if (!is_wanted(cli, s))
			continue;
		one = blame(s, do_section(cli, s));
		if (one)
			ret = !ret || ret == one ? one : PMN_FAILED;
	}
	return ret;
}

int verb_apply(struct cli *cli)
{
	const char *file = cli->opt[OPT_FILE];
	struct conf conf;
	int ret;

	conf_init(&conf, cli->ctx, tell);
	if (!file)
		ret = read_folder(cli, &conf);
	else if (!strcmp(file, "-"))
		ret = read_stream(&conf, "standard input", stdin);
	else
		ret = read_file(&conf, file, file);
	if (!ret && conf.mistakes)
		ret = complain(PMN_USAGE, "%d mistake%s: nothing was changed", conf.mistakes,
			       conf.mistakes > 1 ? "s" : "");
	if (!ret && !STAILQ_EMPTY(&conf.sections))
		ret = pmn_check_kernel(cli->ctx) ? complain_lib(cli, PMN_NO_KERNEL) :
		      do_all(cli, &conf);
	conf_free(&conf);
	return ret;
}
