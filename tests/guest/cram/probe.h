/* SPDX-License-Identifier: GPL-2.0-only */
/* probe.h: how often the kernel calls one of its functions, counted by a probe */
#ifndef PROBE_H
#define PROBE_H

#define PROBES "/sys/kernel/tracing/"

/* Begins to count. */
static void probe(const char *function)
{
	char text[128];

	if (access(PROBES "kprobe_events", W_OK))
		mount("none", PROBES, "tracefs", 0, NULL);
	snprintf(text, sizeof(text), "p:probes/%s %s", function, function);
	put(PROBES "kprobe_events", text);
	snprintf(text, sizeof(text), PROBES "events/probes/%s/enable", function);
	put(text, "1");
}

static unsigned long calls_of(const char *function)
{
	char name[64];

	snprintf(name, sizeof(name), "%s ", function);
	return number_in(PROBES "kprobe_profile", name);
}

/* Ends it; returns how many calls there were. */
static unsigned long unprobe(const char *function)
{
	unsigned long calls = calls_of(function);
	char text[128];

	snprintf(text, sizeof(text), PROBES "events/probes/%s/enable", function);
	put(text, "0");
	snprintf(text, sizeof(text), "-:probes/%s", function);
	put(PROBES "kprobe_events", text);
	return calls;
}

#endif /* PROBE_H */
