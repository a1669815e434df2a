// SPDX-License-Identifier: GPL-2.0-only
/* Small files that outlive a boot: written whole or not at all, and only over what pmnctl wrote. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist.h"

#define MARK	"# Written by pmnctl"

enum owner { OURS, OTHERS, UNKNOWN };

/* One that is not there is ours; of one that cannot be read errno says why. */
static enum owner owner_of(const char *path)
{
	char line[sizeof(MARK)] = "";
	FILE *f = fopen(path, "re");
	enum owner ret = UNKNOWN;
	int error;

	if (!f)
		return errno == ENOENT ? OURS : UNKNOWN;
	if (fgets(line, sizeof(line), f) || !ferror(f))
		ret = strcmp(line, MARK) ? OTHERS : OURS;
	error = errno;
	fclose(f);
	errno = error;
	return ret;
}

/* On the disk, too, before it takes the old one's place. */
static bool write_new(const char *path, const char *text, mode_t mode)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	bool ret;

	if (fd < 0)
		return false;
	ret = write(fd, text, len) == (ssize_t)len && !fsync(fd);
	if (close(fd))
		ret = false;
	if (!ret)
		unlink(path);
	return ret;
}

int replace_file(const char *path, const char *text)
{
	char *new = NULL;
	int ret = PMN_OK;

	if (asprintf(&new, "%s.new-%d", path, (int)getpid()) < 0)
		return complain(PMN_FAILED, "memory: not enough to write %s", path);
	if (!write_new(new, text, 0644))
		ret = complain(PMN_FAILED, "%s: cannot be written: %m; is the folder there, and may you write to it?",
			       new);
	else if (rename(new, path))
		ret = complain(PMN_FAILED, "%s: cannot be replaced: %m; it is as it was", path);
	if (ret)
		unlink(new);
	free(new);
	return ret;
}

/* The root of the context, and the path below it, to be freed. */
static char *full_path(struct cli *cli, const char *path)
{
	char *full;

	return asprintf(&full, "%s%s", pmn_get_root(cli->ctx), path) < 0 ? NULL : full;
}

static int make_folder(const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!mkdir(dir, 0755) || errno == EEXIST)
		return PMN_OK;
	return complain(PMN_FAILED, "%s: the folder cannot be made: %m; make it by hand", dir);
}

/* May the file be written, without writing it?  Asked before anything else is changed. */
int persist_check(struct cli *cli, const char *path)
{
	char *full = full_path(cli, path);
	int ret = PMN_OK;

	if (!full)
		return complain(PMN_FAILED, "memory: not enough");
	switch (owner_of(full)) {
	case OURS:
		break;
	case OTHERS:
		ret = complain(PMN_FAILED,
			       "%s: was not written by pmnctl, and is left alone; add to it by hand, or remove it",
			       path);
		break;
	case UNKNOWN:
		ret = complain(PMN_FAILED,
			       "%s: cannot be read: %m; so nobody knows who wrote it, and it is left alone; repair it, or remove it",
			       path);
	}
	free(full);
	return ret;
}

int persist_write(struct cli *cli, const char *path, const char *verb, const char *text)
{
	char *full = full_path(cli, path), *whole = NULL;
	int ret;

	if (!full || asprintf(&whole, MARK " %s --persist; it writes over it again.\n%s", verb, text) < 0)
		return complain(PMN_FAILED, "memory: not enough to write %s", path);
	ret = persist_check(cli, path);
	if (!ret)
		ret = make_folder(full);
	if (!ret)
		ret = replace_file(full, whole);
	free(whole);
	free(full);
	return ret;
}

int persist_remove(struct cli *cli, const char *path)
{
	char *full = full_path(cli, path);
	int ret = persist_check(cli, path);

	if (!ret && full && unlink(full) && errno != ENOENT)
		ret = complain(PMN_FAILED, "%s: cannot be removed: %m; remove it by hand", path);
	free(full);
	return ret;
}
