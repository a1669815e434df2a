// SPDX-License-Identifier: GPL-2.0-only
/* Files of the kernel: read whole, written at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define EINTR_TRIES	10

char *pmn_print(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

char *pmn_path(const struct pmn_ctx *ctx, const char *path)
{
	return pmn_print("%s%s", ctx->root, path);
}

bool pmn_exists(const struct pmn_ctx *ctx, const char *path)
{
	char *full = pmn_path(ctx, path);
	bool ret = full && !access(full, F_OK);

	free(full);
	return ret;
}

/* Up to FILE_MAX bytes: no file that is read this way is longer. */
static char *slurp_fd(int fd)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = 0;

	while (text && len < FILE_MAX) {
		n = read(fd, text + len, FILE_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	if (!text || n < 0) {
		free(text);
		return NULL;
	}
	while (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return text;
}

/*
 * The file's text without the newline at its end, to be freed.  NULL with errno when it is not there,
 * or goes while it is read.
 */
char *pmn_slurp(const struct pmn_ctx *ctx, const char *path)
{
	char *full = pmn_path(ctx, path), *text = NULL;
	int fd, saved;

	if (!full)
		return NULL;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	free(full);
	if (fd < 0)
		return NULL;
	text = slurp_fd(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return text;
}

char *pmn_slurp_in(const struct pmn_ctx *ctx, const char *dir, const char *file)
{
	char *path = pmn_print("%s/%s", dir, file), *text;

	if (!path)
		return NULL;
	text = pmn_slurp(ctx, path);
	free(path);
	return text;
}

/* Decimal digits alone; the kernel writes nothing else. */
int pmn_number(const char *text, unsigned long long *value)
{
	char *end;

	if (!text || !strchr("0123456789", text[0]) || !text[0])
		return PMN_FAILED;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno || *end ? PMN_FAILED : PMN_OK;
}

/**
 * pmn_read - read a file of the kernel
 * @ctx: the context
 * @path: as it is without pmn_set_root(), such as "/proc/cmdline"
 * @text: receives it, without the newline at the end
 * @size: of @text; what is longer is cut
 *
 * Return: PMN_OK, PMN_NO_KERNEL when there is no such file, PMN_FAILED.
 */
int pmn_read(struct pmn_ctx *ctx, const char *path, char *text, size_t size)
{
	char *whole = pmn_slurp(ctx, path);

	if (!whole)
		return pmn_fail(ctx, errno == ENOENT ? PMN_NO_KERNEL : PMN_FAILED,
				"%s: cannot be read: %m; %s", path,
				errno == ENOENT ? "the kernel does not have it" : "try as root");
	snprintf(text, size, "%s", whole);
	free(whole);
	return PMN_OK;
}

static enum pmn_result code_of(int error)
{
	switch (error) {
	case EBUSY:
	case EAGAIN:
		return PMN_BUSY;
	case ENODEV:
		return PMN_NO_NODE;
	case ENOENT:
	case EOPNOTSUPP:
		return PMN_NO_KERNEL;
	default:
		return PMN_FAILED;
	}
}

static const char *why_of(int error)
{
	static const struct {
		int error;
		const char *why;
	} table[] = {
		{ EACCES, "you may not write to it; try as root" },
		{ EPERM, "the kernel does not permit it; try as root" },
		{ EBUSY, "it is in use; `dmesg` names the holder" },
		{ EAGAIN, "the kernel could not do all of it; try again" },
		{ EINVAL, "this file takes no such value; `man pmnctl-set` has the values" },
		{ ENODEV, "its owner is giving it back; look again with `pmnctl list`" },
		{ ENOENT, "this kernel does not have it; `pmnctl check` says what is missing" },
		{ ENXIO, "a service would be open without one that it needs; change both at once" },
		{ ENOMEM, "the kernel has no memory for it; free some and try again" },
		{ EINTR, "it was interrupted while it waited; write it again" },
		{ EROFS, "it is read-only here, as in a container; try on the host" },
		{ EOPNOTSUPP, "this kernel does not do that; `pmnctl check` says what is missing" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].error == error)
			return table[i].why;
	return NULL;
}

/* Is the folder of the file gone, as when a node is unplugged? */
bool pmn_is_gone(const struct pmn_ctx *ctx, const char *path)
{
	char *dir = strndup(path, strrchr(path, '/') - path);
	bool ret = dir && !pmn_exists(ctx, dir);

	free(dir);
	return ret;
}

static int gone(struct pmn_ctx *ctx, const char *object)
{
	return pmn_fail(ctx, PMN_NO_NODE, "%s: it went away meanwhile; look again with `pmnctl list`",
			object);
}

/* For a file that has to be read before it is written. */
int pmn_refused_read(struct pmn_ctx *ctx, const char *object, const char *path, int error)
{
	if (error == ENODEV || pmn_is_gone(ctx, path))
		return gone(ctx, object);
	if (error == ENOENT)
		return pmn_fail(ctx, PMN_NO_KERNEL, "%s: this kernel has no file %s; `pmnctl check` says what is missing",
				object, path);
	return pmn_fail(ctx, PMN_FAILED, "%s: cannot read %s: %s; try as root", object, path,
			strerror(error));
}

static int refused(struct pmn_ctx *ctx, const char *object, const char *path, const char *value,
		   int error, const char *reason)
{
	const char *file = strrchr(path, '/') + 1;
	const char *why = why_of(error);

	if (error == ENOENT && pmn_is_gone(ctx, path))
		return gone(ctx, object);
	if (reason)
		return pmn_fail(ctx, code_of(error), "%s: '%s' was refused by %s: %s", object, value,
				file, reason);
	if (why)
		return pmn_fail(ctx, code_of(error), "%s: cannot write '%s' to %s: %s", object, value,
				path, why);
	return pmn_fail(ctx, code_of(error), "%s: cannot write '%s' to %s: %s; `dmesg` may say more",
			object, value, path, strerror(error));
}

/* One system call, since each write is a request of its own to the kernel. */
static int write_once(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		error = errno;
	close(fd);
	return error;
}

/*
 * Any signal, as of a child that ends, interrupts an unplug, which then has changed nothing; and the
 * wait of a service that is closed, which another write then waits for.
 */
static int write_whole(const char *path, const char *value)
{
	int tries = 0, error;

	do
		error = write_once(path, value);
	while (error == EINTR && ++tries < EINTR_TRIES);
	return error;
}

/* Of a DAX device: it brings a node up, or takes it away. */
static bool is_state(const char *path)
{
	return !strncmp(path, DAX_DEVICES, strlen(DAX_DEVICES)) && !strcmp(strrchr(path, '/'), "/state");
}

/**
 * pmn_write - write to a file of the kernel
 * @ctx: the context
 * @object: what the file is about, as the kernel's log has it: "node 1", "dax0.0"
 * @path: as it is without pmn_set_root()
 * @value: text, without a newline
 *
 * When the kernel refuses, pmn_error() has the sentence that it wrote to its log, if this process may
 * read the log.
 *
 * Return: PMN_OK; PMN_BUSY, PMN_NO_NODE, PMN_NO_KERNEL by what the kernel answered; PMN_FAILED.
 */
int pmn_write(struct pmn_ctx *ctx, const char *object, const char *path, const char *value)
{
	char *full = pmn_path(ctx, path);
	struct pmn_log *log = NULL;
	char *reason;
	int ret;

	if (!full)
		return pmn_no_memory(ctx);
	log = pmn_log_open(ctx);
	ret = write_whole(full, value);
	if (ret) {
		reason = pmn_log_reason(log, object, is_state(path));
		ret = refused(ctx, object, path, value, ret, reason);
		free(reason);
	}
	pmn_log_close(log);
	free(full);
	return ret;
}
