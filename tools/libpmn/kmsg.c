// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why did the kernel refuse a write?
 *
 * An errno says little; the kernel's log has a sentence.  It is printed before the write returns, so
 * what was logged between the start of the write and its end is searched for the object.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "private.h"

/* The kernel's own limit for one record with its head. */
#define RECORD_MAX	8192

struct pmn_log {
	int fd;
};

/* Without the right to read the log there is no log, and errno has to do. */
struct pmn_log *pmn_log_open(const struct pmn_ctx *ctx)
{
	struct pmn_log *log = malloc(sizeof(*log));
	char *path = pmn_path(ctx, "/dev/kmsg");

	if (log)
		log->fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	free(path);
	if (log && log->fd >= 0)
		lseek(log->fd, 0, SEEK_END);
	return log;
}

void pmn_log_close(struct pmn_log *log)
{
	if (log && log->fd >= 0)
		close(log->fd);
	free(log);
}

/* Does the object's name occur as a word?  "node 1" is not in "node 12". */
static const char *find_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *p;

	for (p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || p[-1] == ' ') && !strchr("0123456789.", p[len]))
			return p;
	return NULL;
}

/* Whole lines of private nodes and compressed RAM begin so. */
static const char *const prefixes[] = { "private_node: ", "cram: " };

/* What follows "node 1: " or "dax0.0: "; NULL if it is of somebody else. */
static const char *about(const char *text, const char *object)
{
	const char *found = find_word(text, object);

	if (!found)
		return NULL;
	found += strlen(object);
	return found + strspn(found, ": ");
}

/*
 * For the state of a device the reason is mostly a line about its node, whose number the writer does not
 * know: "private_node: node 2: cannot unplug: ...".
 */
static const char *about_nodes(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return text + strlen(prefixes[i]);
	return NULL;
}

/* Keeps @found instead of what was found before. */
static void keep(char **reason, const char *found)
{
	free(*reason);
	*reason = strdup(found);
}

/*
 * The last warning or error about @object since the log was opened, or with @of_nodes about any node; to
 * be freed; NULL if there is none.  Records that were overwritten meanwhile are passed over (EPIPE).
 */
char *pmn_log_reason(struct pmn_log *log, const char *object, bool of_nodes)
{
	char record[RECORD_MAX + 1], *reason = NULL, *nodes = NULL, *text;
	ssize_t n;

	if (!log || log->fd < 0)
		return NULL;
	for (;;) {
		n = read(log->fd, record, RECORD_MAX);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = '\0';
		/* What is only told is no reason. */
		if ((strtoul(record, NULL, 10) & 7) > LOG_WARNING)
			continue;
		if (of_nodes && about_nodes(text))
			keep(&nodes, about_nodes(text));
		else if (about(text, object))
			keep(&reason, about(text, object));
	}
	if (!nodes)
		return reason;
	free(reason);
	return nodes;
}
