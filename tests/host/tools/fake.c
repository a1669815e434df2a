// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake: plays the kernel for files below PMN_ROOT, by LD_PRELOAD.
 *
 * What is written to "enabled" changes the list in it, as the kernel does it.  And as told:
 *
 *	PMN_FAKE_REFUSE=SUFFIX:ERRNO:TEXT	a write to a file that ends with SUFFIX fails, and TEXT is
 *						added to dev/kmsg; the number is decimal
 *	PMN_FAKE_NTH=N				only the Nth such write; all without it
 *	PMN_FAKE_VANISH=SUFFIX:DIR		when a file that ends with SUFFIX is opened, the folder DIR
 *						(below PMN_ROOT) goes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int nth;

static bool ends_with(const char *text, const char *end, size_t len)
{
	size_t n = strlen(text);

	return n >= len && !strncmp(text + n - len, end, len);
}

static bool path_of(int fd, char *path, size_t size)
{
	const char *root = getenv("PMN_ROOT");
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = root ? readlink(link, path, size - 1) : -1;
	if (n < 0)
		return false;
	path[n] = '\0';
	return !strncmp(path, root, strlen(root));
}

static void log_line(const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/dev/kmsg", getenv("PMN_ROOT"));
	f = fopen(path, "a");
	if (!f)
		return;
	fprintf(f, "3,1,1,-;%s\n", text);
	fclose(f);
}

/* The errno, or 0. */
static int refused(const char *path)
{
	const char *rule = getenv("PMN_FAKE_REFUSE"), *number = rule ? strchr(rule, ':') : NULL;
	const char *only = getenv("PMN_FAKE_NTH");
	char *text;
	int error;

	if (!number || !ends_with(path, rule, number - rule))
		return 0;
	if (only && ++nth != atoi(only))
		return 0;
	error = strtol(number + 1, &text, 10);
	if (*text == ':' && text[1])
		log_line(text + 1);
	return error;
}

/* In the order of the kernel's table, as it prints them. */
static void sort_list(char *list, size_t size, const char *padded)
{
	static const char *const names[] = {
		"user_numa", "reclaim", "demotion", "promotion", "compaction", "longterm_pin", "thp",
		"hugetlb", "numa_balancing", "guest_memfd",
	};
	size_t i, len = 0;
	char name[64];

	*list = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), " %s ", names[i]);
		if (strstr(padded, name))
			len += snprintf(list + len, size - len, "%s%s", len ? " " : "", names[i]);
	}
}

/* The list after "+a -b". */
static void change_list(char *list, size_t size, const char *words)
{
	char *copy = strdup(words), *word, *save = NULL, padded[1024], name[64], *at;

	snprintf(padded, sizeof(padded), " %.900s ", list);
	for (word = strtok_r(copy, " ,\n", &save); word; word = strtok_r(NULL, " ,\n", &save)) {
		snprintf(name, sizeof(name), " %.60s ", word + 1);
		at = strstr(padded, name);
		if (*word == '-' && at)
			memmove(at, at + strlen(name) - 1, strlen(at + strlen(name) - 1) + 1);
		else if (*word == '+' && !at)
			strcat(padded, name + 1);
	}
	sort_list(list, size, padded);
	free(copy);
}

/* What the file had before it was opened, and so emptied, is beside it. */
static ssize_t write_enabled(int fd, const char *path, const char *words, size_t n)
{
	char list[512] = "", was[4200], text[512];
	FILE *f;

	snprintf(was, sizeof(was), "%s.was", path);
	f = fopen(was, "r");
	if (f) {
		if (!fgets(list, sizeof(list), f))
			list[0] = '\0';
		fclose(f);
	}
	list[strcspn(list, "\n")] = '\0';
	snprintf(text, sizeof(text), "%.*s", (int)n, words);
	change_list(list, sizeof(list), text);
	f = fopen(was, "w");
	if (f) {
		fprintf(f, "%s\n", list);
		fclose(f);
	}
	dprintf(fd, "%s\n", list);
	return n;
}

ssize_t write(int fd, const void *buf, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);
	char path[4096];
	int error;

	if (!real)
		real = dlsym(RTLD_NEXT, "write");
	if (!path_of(fd, path, sizeof(path)))
		return real(fd, buf, n);
	error = refused(path);
	if (error) {
		errno = error;
		return -1;
	}
	/* The file was opened without O_TRUNC if some write to it is refused. */
	if (ftruncate(fd, 0))
		return real(fd, buf, n);
	if (ends_with(path, "/private/enabled", 16))
		return write_enabled(fd, path, buf, n);
	if (ends_with(path, "/private_services", 17) && n == 4 && !memcmp(buf, "none", 4))
		return real(fd, "\n", 1) == 1 ? (ssize_t)n : -1;
	if (real(fd, buf, n) != (ssize_t)n)
		return -1;
	/* What is read from a file of the kernel ends with a newline. */
	if (n && ((const char *)buf)[n - 1] != '\n' && real(fd, "\n", 1) != 1)
		return -1;
	return n;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

static void vanish(const char *path)
{
	const char *rule = getenv("PMN_FAKE_VANISH"), *dir = rule ? strchr(rule, ':') : NULL;
	char full[4096];

	if (!dir || !ends_with(path, rule, dir - rule))
		return;
	snprintf(full, sizeof(full), "%s%s", getenv("PMN_ROOT"), dir + 1);
	unsetenv("PMN_FAKE_VANISH");
	nftw(full, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* As in the kernel, a write that is refused leaves the file as it was. */
static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
	const char *rule = getenv("PMN_FAKE_REFUSE");

	vanish(path);
	if (rule && flags & O_TRUNC && ends_with(path, rule, strcspn(rule, ":")))
		flags &= ~O_TRUNC;
	return real(path, flags, mode);
}

#define OPEN(name) \
int name(const char *path, int flags, ...) \
{ \
	mode_t mode = 0; \
	va_list ap; \
\
	if (flags & O_CREAT) { \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	} \
	return open_as(#name, path, flags, mode); \
}

OPEN(open)
OPEN(open64)
