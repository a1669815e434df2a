// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last refusals and kills, as the kernel wrote them down: /proc/private_node_refusals, and the
 * sentences for its words.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define REFUSALS	"/proc/private_node_refusals"

/* What a process could not do; a word that is not here is a service. */
static const struct {
	const char *what, *text;
} acts[] = {
	{ "owner", "got no memory as the owner of the node" },
	{ "device_map", "got no memory by the device file" },
	{ "soft_offline", "got no page to move the data of a bad one to" },
	{ "device_access", "could not move memory that its device uses to the node" },
	{ "attached", "got no buffers for a device that is attached to the node" },
	{ "policy", "could not name the node in a memory policy" },
	{ "move", "could not move pages to the node" },
	{ "map", "could not map memory" },
	{ "exec", "could not start a program" },
	{ "access", "got SIGBUS, or EFAULT from a system call" },
	{ "kill", "was to be killed for a page of the node" },
	{ "unplug", "could not take the node's memory away" },
	{ "offline", "could not take a block of the node offline" },
	{ "plug", "could not add memory to the node" },
	{ "register", "could not make the node private, or give it back" },
	{ "setting", "could not change a setting of the node" },
	{ "cpuset", "could not write to a file of a cpuset" },
	{ "cpu", "could not bring a processor online" },
	{ "kexec", "could not load a kernel" },
	{ "data", "was there when data of programs was lost" },
};

/* In what to do NODE is the number, SERVICE the service, and CGROUP the cgroup of the process. */
static const struct {
	const char *why, *reason, *advice;
} whys[] = {
	{ "closed", "the service SERVICE is closed on the node",
	  "`pmnctl allow NODE SERVICE` opens it" },
	{ "cpuset", "the cpuset of the process does not have the node",
	  "`pmnctl grant NODE CGROUP` gives the node to its cgroup or service" },
	{ "named", "the access of the node is named, and the cgroup of the process, or one above, does not name it",
	  "`pmnctl grant NODE CGROUP` names it there; `pmnctl set NODE access=any` gives it to all" },
	{ "unplug", "the node was being unplugged",
	  "try again; if it is gone, `pmnctl list` shows what there is" },
	{ "gone", "the owner had given the node back",
	  "end the program, or let it name a node that `pmnctl list` shows" },
	{ "empty", "the node had no memory",
	  "let its owner plug some, or name another node" },
	{ "full", "the node had no free page",
	  "`pmnctl show NODE` says who fills it; `pmnctl set NODE on_full=fallback:0` goes on in ordinary memory" },
	{ "no_block", "the node had free pages, but no piece as large as asked for",
	  "nothing for programs, which get small pages; for a driver open the service compaction" },
	{ "pool", "the pool of huge pages of the node had no free one, or the node no room for more",
	  "write more to nr_hugepages of the node, or end what uses them" },
	{ "oom", "the node was full, and the process had most memory there",
	  "`pmnctl set NODE on_full=fail` kills nobody; or give the node to fewer programs" },
	{ "nobody", "the node was full, and nobody who can be killed had memory there",
	  "`pmnctl show NODE` says who fills it" },
	{ "fixed", "the range is a mapping of the node's device file, whose memory its owner places",
	  "leave the policy of that range alone" },
	{ "too_large", "the mapping is larger than the node",
	  "map less; `pmnctl list` has the size" },
	{ "in_use", "pages of programs were on the node",
	  "end them, or `pmnctl remove NODE --move`" },
	{ "pinned", "pages of the node were held by a device or by the kernel, or were memory of a virtual machine",
	  "end what holds them" },
	{ "owner", "pages of the node were held by its owner",
	  "unload the driver, or let it free them" },
	{ "nowhere", "pages of programs may go to no other node, because of their policies or cpusets",
	  "widen these, or end the programs" },
	{ "swapped", "data of the node's device file was in swap",
	  "end what has the device file mapped, or `pmnctl set NODE on_unplug=move`" },
	{ "unmapped", "the node was unplugged with on_unplug=sigbus",
	  "what was there is lost; on_unplug=move keeps it the next time" },
	{ "broken", "the memory is broken",
	  "what was there is lost; replace the device when it happens again" },
	{ "fenced", "the node is compressed RAM",
	  "its driver takes it away" },
	{ "boot", "the memory came at boot, and its memory block cannot go: firmware or another node has a part of it",
	  "leave private_node= out of the kernel command line" },
	{ "killed", "the process was killed while it waited",
	  "try again" },
	{ "no_memory", "there was not enough ordinary memory",
	  "free some and try again" },
	{ "invalid", "the value, or the argument, makes no sense",
	  "`dmesg | grep private_node` says which" },
	{ "busy", "something that cannot be taken away is in the way",
	  "`dmesg | grep private_node` says what" },
	{ "private", "the node is private",
	  "name an ordinary node, or unplug the memory first" },
};

static void refusal_free(struct pmn_refusal *refusal)
{
	struct pmn_value *v;

	while ((v = STAILQ_FIRST(&refusal->fields))) {
		STAILQ_REMOVE_HEAD(&refusal->fields, list);
		free(v->name);
		free(v->text);
		free(v);
	}
	free(refusal->act);
	free(refusal->reason);
	free(refusal->advice);
	free(refusal);
}

void pmn_refusals_free(struct pmn_ctx *ctx)
{
	struct pmn_refusal *refusal;

	while ((refusal = STAILQ_FIRST(&ctx->refusals))) {
		STAILQ_REMOVE_HEAD(&ctx->refusals, list);
		refusal_free(refusal);
	}
	ctx->refusals_read = false;
}

/* Octal numbers behind a backslash, as the kernel writes what is not plain; in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
			/* What would end the text is left out. */
			if (!*to)
				to--;
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

static bool add_field(struct pmn_refusal *refusal, const char *word)
{
	const char *equals = strchr(word, '=');
	struct pmn_value *v;

	if (!equals || equals == word)
		return true;
	v = calloc(1, sizeof(*v));
	if (!v)
		return false;
	v->name = strndup(word, equals - word);
	v->text = strdup(equals + 1);
	STAILQ_INSERT_TAIL(&refusal->fields, v, list);
	if (!v->name || !v->text)
		return false;
	unescape(v->text);
	return true;
}

/* When the process started, in seconds since boot: the 22nd field of its stat; -1 if it has ended. */
static double started(const struct pmn_ctx *ctx, const char *dir)
{
	char *text = pmn_slurp_in(ctx, dir, "stat"), *p = text ? strrchr(text, ')') : NULL;
	unsigned long long ticks;
	double ret = -1;
	int field;

	for (field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p && sscanf(p, " %llu", &ticks) == 1)
		ret = (double)ticks / sysconf(_SC_CLK_TCK);
	free(text);
	return ret;
}

/* Its name is chosen by whoever made it, and is typed into a shell. */
static bool is_plain(const char *path)
{
	return !path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.:@-")];
}

/*
 * The path of the process's cgroup; NULL if it has ended.  One that has its number now is the same if it
 * was there before it was refused.
 */
static char *cgroup_of(const struct pmn_ctx *ctx, const struct pmn_refusal *refusal)
{
	const char *since = pmn_refusal_get(refusal, "first");
	double start;
	char *path;
	char dir[48];

	snprintf(dir, sizeof(dir), "/proc/%lld", pmn_refusal_get_number(refusal, "pid"));
	start = started(ctx, dir);
	if (start < 0 || !since || start > strtod(since, NULL))
		return NULL;
	path = pmn_cgroup_of(ctx, dir);
	if (path && is_plain(path))
		return path;
	free(path);
	return NULL;
}

/* The text with the values of NODE, SERVICE, and CGROUP if the process lives. */
static char *filled(const struct pmn_ctx *ctx, const struct pmn_refusal *refusal, const char *text)
{
	char *cgroup = strstr(text, "CGROUP") ? cgroup_of(ctx, refusal) : NULL;
	const char *node = pmn_refusal_get(refusal, "node"), *what = pmn_refusal_get(refusal, "what");
	const char *service = pmn_service_by_name(what) ? what : "user_numa";
	char *result = NULL;
	size_t size;
	FILE *f = open_memstream(&result, &size);

	while (f && *text) {
		if (!strncmp(text, "NODE", 4)) {
			fputs(node, f);
			text += 4;
		} else if (!strncmp(text, "SERVICE", 7)) {
			fputs(service, f);
			text += 7;
		} else if (cgroup && !strncmp(text, "CGROUP", 6)) {
			fputs(cgroup, f);
			text += 6;
		} else {
			fputc(*text++, f);
		}
	}
	if (f)
		fclose(f);
	free(cgroup);
	return result;
}

static char *act_of(const char *what)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		if (!strcmp(acts[i].what, what))
			return strdup(acts[i].text);
	return pmn_print("got no memory by the service %s", what);
}

static void explain(const struct pmn_ctx *ctx, struct pmn_refusal *refusal)
{
	const char *why = pmn_refusal_get(refusal, "why");
	size_t i;

	refusal->act = act_of(pmn_refusal_get(refusal, "what"));
	for (i = 0; i < ARRAY_SIZE(whys); i++)
		if (!strcmp(whys[i].why, why)) {
			refusal->reason = filled(ctx, refusal, whys[i].reason);
			refusal->advice = filled(ctx, refusal, whys[i].advice);
			return;
		}
	refusal->reason = pmn_print("the kernel calls it %s, which this version does not know", why);
	refusal->advice = strdup("`dmesg | grep private_node` may say more");
}

/* NULL for a line that lacks what each has, or without memory. */
static struct pmn_refusal *parse_line(const struct pmn_ctx *ctx, char *line)
{
	static const char *const needed[] = { "time", "count", "node", "owner", "what", "why", "pid", "comm" };
	struct pmn_refusal *refusal = calloc(1, sizeof(*refusal));
	char *word, *save = NULL;
	bool good = refusal;
	size_t i;

	if (!refusal)
		return NULL;
	STAILQ_INIT(&refusal->fields);
	for (word = strtok_r(line, " ", &save); good && word; word = strtok_r(NULL, " ", &save))
		good = add_field(refusal, word);
	for (i = 0; good && i < ARRAY_SIZE(needed); i++)
		good = pmn_refusal_get(refusal, needed[i]);
	if (good) {
		explain(ctx, refusal);
		if (refusal->act && refusal->reason && refusal->advice)
			return refusal;
	}
	refusal_free(refusal);
	return NULL;
}

/* Takes the text of the file, and changes it. */
void pmn_refusals_parse(struct pmn_ctx *ctx, char *text)
{
	struct pmn_refusal *refusal;
	char *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		refusal = parse_line(ctx, line);
		if (refusal)
			STAILQ_INSERT_TAIL(&ctx->refusals, refusal, list);
	}
}

/**
 * pmn_refusals_check - does the kernel write refusals down?
 * @ctx: the context
 *
 * Return: PMN_OK or PMN_NO_KERNEL.
 */
int pmn_refusals_check(struct pmn_ctx *ctx)
{
	if (pmn_exists(ctx, REFUSALS))
		return PMN_OK;
	return pmn_fail(ctx, PMN_NO_KERNEL,
			"kernel: it writes no refusals down, since " REFUSALS
			" is missing; boot one that is newer and built with CONFIG_PRIVATE_NODE=y");
}

/**
 * pmn_refusal_get_first - what was refused, from the oldest to the latest
 * @ctx: the context
 *
 * Who may not read the kernel's log sees those of his own processes.
 */
struct pmn_refusal *pmn_refusal_get_first(struct pmn_ctx *ctx)
{
	char *text;

	if (!ctx->refusals_read) {
		text = pmn_slurp(ctx, REFUSALS);
		if (text)
			pmn_refusals_parse(ctx, text);
		free(text);
		ctx->refusals_read = true;
	}
	return STAILQ_FIRST(&ctx->refusals);
}

struct pmn_refusal *pmn_refusal_get_next(struct pmn_refusal *refusal)
{
	return STAILQ_NEXT(refusal, list);
}

/**
 * pmn_refusal_get - a field of the kernel's line
 * @refusal: a refusal
 * @field: its name, such as "count"; the kernel's ABI text has all of them
 *
 * Return: its text; NULL if it has none.
 */
const char *pmn_refusal_get(const struct pmn_refusal *refusal, const char *field)
{
	struct pmn_value *v;

	STAILQ_FOREACH(v, &refusal->fields, list)
		if (v->name && v->text && !strcmp(v->name, field))
			return v->text;
	return NULL;
}

/* The number of a field; 0 if there is none. */
long long pmn_refusal_get_number(const struct pmn_refusal *refusal, const char *field)
{
	const char *text = pmn_refusal_get(refusal, field);

	return text ? strtoll(text, NULL, 10) : 0;
}

/* What the process could not do: words that continue its name. */
const char *pmn_refusal_get_act(const struct pmn_refusal *refusal)
{
	return refusal->act;
}

/* Why: a sentence without its full stop. */
const char *pmn_refusal_get_reason(const struct pmn_refusal *refusal)
{
	return refusal->reason;
}

/* What to do. */
const char *pmn_refusal_get_advice(const struct pmn_refusal *refusal)
{
	return refusal->advice;
}
