// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services, as in the kernel's mm/private_node/services.c.  A kernel may have fewer or more: what
 * a node has is in its own files, this table is for help and for refusing a typing mistake early.
 */
#include <string.h>

#include "private.h"

struct pmn_service {
	const char *name, *needs, *help;
};

static const struct pmn_service services[] = {
	{ "user_numa", NULL, "programs may name the node: numactl, mbind, set_mempolicy, move_pages, tmpfs mpol=" },
	{ "reclaim", NULL, "cold memory of the node may be reclaimed" },
	{ "demotion", "reclaim", "cold memory of faster nodes is demoted to this one" },
	{ "promotion", "demotion", "hot memory moves up from this node" },
	{ "compaction", NULL, "the node's free memory is made contiguous" },
	{ "longterm_pin", NULL, "RDMA, VFIO and io_uring may pin memory in place" },
	{ "thp", "compaction", "small pages are collapsed into huge ones" },
	{ "hugetlb", "user_numa", "the node may have pools of huge pages" },
	{ "numa_balancing", "user_numa", "memory follows the processors that use it" },
	{ "guest_memfd", NULL, "virtual machines may have memory there, by guest_memfd of KVM" },
};

const struct pmn_service *pmn_service_get_first(void)
{
	return services;
}

const struct pmn_service *pmn_service_get_next(const struct pmn_service *service)
{
	return service + 1 < services + ARRAY_SIZE(services) ? service + 1 : NULL;
}

const struct pmn_service *pmn_service_by_name(const char *name)
{
	const struct pmn_service *s;

	pmn_service_foreach(s)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

const char *pmn_service_get_name(const struct pmn_service *service)
{
	return service->name;
}

const char *pmn_service_get_help(const struct pmn_service *service)
{
	return service->help;
}

/**
 * pmn_service_get_needed - the service that has to be open as well
 * @service: a service
 *
 * Return: the service, which may need one itself; or NULL.
 */
const struct pmn_service *pmn_service_get_needed(const struct pmn_service *service)
{
	return service->needs ? pmn_service_by_name(service->needs) : NULL;
}

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = strstr(list, name); p; p = strstr(p + 1, name))
		if ((p == list || strchr(" ,", p[-1])) && (!p[len] || strchr(" ,", p[len])))
			return true;
	return false;
}

static int check_word(struct pmn_ctx *ctx, const char *list, const char *word)
{
	const struct pmn_service *s = pmn_service_by_name(word);

	if (!s)
		return pmn_fail(ctx, PMN_USAGE,
				"services '%s': '%s' is not a service; `pmnctl allow --help` lists them",
				list, word);
	if (s->needs && !listed(list, s->needs))
		return pmn_fail(ctx, PMN_USAGE, "services '%s': %s needs %s; name both", list, s->name,
				s->needs);
	return PMN_OK;
}

/**
 * pmn_services_check - is this a list of services, each with what it needs?
 * @ctx: the context
 * @list: names with blanks or commas between them; "none"; "all"
 *
 * Return: PMN_OK, or PMN_USAGE.
 */
int pmn_services_check(struct pmn_ctx *ctx, const char *list)
{
	const char *p = list + strspn(list, " ,");
	char word[32];
	size_t len;
	int ret;

	if (!strcmp(list, "none") || !strcmp(list, "all"))
		return PMN_OK;
	if (!*p)
		return pmn_fail(ctx, PMN_USAGE,
				"services '%s': none are named; write none, all, or their names", list);
	for (; *p; p += len, p += strspn(p, " ,")) {
		len = strcspn(p, " ,");
		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		ret = check_word(ctx, list, word);
		if (ret)
			return ret;
	}
	return PMN_OK;
}
