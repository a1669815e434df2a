/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log, for tests in one file. */
#include <string.h>
#include <sys/klog.h>

/* Forgets the kernel's log. */
static void log_clear(void)
{
	klogctl(5, NULL, 0);
}

/* Has the log, since it was cleared, a line with all of these texts? */
static bool log_has(const char *a, const char *b)
{
	static char text[1 << 18];
	int n = klogctl(3, text, sizeof(text) - 1);
	char *line, *save;

	text[n < 0 ? 0 : n] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, a) && strstr(line, b))
			return true;
	return false;
}
