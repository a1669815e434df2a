// SPDX-License-Identifier: GPL-2.0-only
/* pmnctl top: who uses private nodes now, and what goes on there. */
#define _GNU_SOURCE
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmnctl.h"
#include "rates.h"
#include "repeat.h"
#include "uses.h"

/* The busiest counters of each node. */
#define SHOWN_RATES	6
/* Cgroups, and processes, of each node; a screen has no more. */
#define SHOWN_USERS	50

/* One picture, a line each. */
struct frame {
	char **lines;
	size_t nr;
	bool failed;
};

/* What was there at the picture before. */
struct before {
	struct rates *rates;
	struct uses uses;
};

static void put(struct frame *frame, const char *fmt, ...) PRINTF(2, 3);

static void put(struct frame *frame, const char *fmt, ...)
{
	char **lines = reallocarray(frame->lines, frame->nr + 1, sizeof(*lines));
	va_list ap;
	char *text;

	if (!lines) {
		frame->failed = true;
		return;
	}
	frame->lines = lines;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		frame->failed = true;
	else
		frame->lines[frame->nr++] = text;
	va_end(ap);
}

static void frame_free(struct frame *frame)
{
	while (frame->nr)
		free(frame->lines[--frame->nr]);
	free(frame->lines);
	*frame = (struct frame){};
}

static void put_use(struct frame *frame, const struct use *use)
{
	char size[32], grown[36] = "", pid[16];

	human_size(size, sizeof(size), use->bytes);
	if (use->growth) {
		*grown = use->growth < 0 ? '-' : '+';
		human_size(grown + 1, sizeof(grown) - 1, llabs(use->growth));
	}
	snprintf(pid, sizeof(pid), "%d", use->pid);
	put(frame, "  %8s %8s  %-8s %7s  %s", size, grown, use->is_cgroup ? "cgroup" : "process",
	    use->is_cgroup ? "" : pid, use->name);
}

/* The largest cgroups, and the largest processes. */
static void put_uses(struct frame *frame, const struct uses *uses, int node)
{
	size_t i, shown[2] = {};

	for (i = 0; i < uses->nr; i++)
		if (uses->all[i].node == node && shown[uses->all[i].is_cgroup]++ < SHOWN_USERS)
			put_use(frame, &uses->all[i]);
	if (!shown[0] && !shown[1])
		put(frame, "  no cgroup and no process that you may look at has memory there");
}

/* What counted since the last picture; events, not pages of each kind. */
static void put_rates(struct frame *frame, struct rates *rates, struct pmn_node *node)
{
	struct pmn_counter *c;
	char line[512] = "";
	size_t len = 0;
	double rate;
	int n = 0;

	pmn_counter_foreach(node, c) {
		rate = rates_of(rates, pmn_node_get_id(node), c);
		if (rate <= 0 || n++ >= SHOWN_RATES || len >= sizeof(line))
			continue;
		len += snprintf(line + len, sizeof(line) - len, "  %s%s %.0f/s",
				pmn_counter_is_cram(c) ? "cram:" : "", pmn_counter_get_name(c), rate);
	}
	put(frame, "%s", n ? line : "  nothing counted since the last time");
}

static void put_node(struct frame *frame, const struct before *before, struct pmn_node *node)
{
	unsigned long long size = pmn_node_get_size(node), left = pmn_node_get_free(node);
	char all[32], used[32];

	human_size(all, sizeof(all), size);
	human_size(used, sizeof(used), size - left);
	put(frame, "node %d, %s: %s of %s used, %.0f%%; services: %s%s%s", pmn_node_get_id(node),
	    pmn_node_get_owner(node), used, all, size ? 100.0 * (size - left) / size : 0.0,
	    *pmn_node_get_enabled(node) ? pmn_node_get_enabled(node) : "none",
	    pmn_node_is_cram(node) ? "; compressed RAM, " : "",
	    pmn_node_is_cram(node) ? pmn_cram_get_state(node) : "");
	put_rates(frame, before->rates, node);
	put_uses(frame, &before->uses, pmn_node_get_id(node));
}

static int make_frame(struct cli *cli, struct before *before, struct frame *frame)
{
	struct pmn_nodeset *set = NULL;
	struct pmn_node *node;
	int ret = PMN_OK;

	pmn_refresh(cli->ctx);
	if (cli->nr)
		ret = pmn_nodeset_parse(cli->ctx, cli->args[0], &set);
	if (ret)
		return ret;
	rates_now(before->rates);
	uses_take(&before->uses, cli->ctx);
	pmn_node_foreach(cli->ctx, node)
		if (!set || pmn_nodeset_has(set, pmn_node_get_id(node)))
			put_node(frame, before, node);
	if (!frame->nr)
		put(frame, "no node is private; `pmnctl check` says how to make one so");
	pmn_nodeset_free(set);
	rates_take(before->rates, cli->ctx);
	return PMN_OK;
}

static int batch(struct cli *cli, struct before *before, struct repeat *repeat)
{
	struct frame frame = {};
	size_t i;
	int ret;

	do {
		ret = make_frame(cli, before, &frame);
		if (ret)
			return complain_lib(cli, ret);
		for (i = 0; i < frame.nr; i++)
			puts(frame.lines[i]);
		fflush(stdout);
		frame_free(&frame);
	} while (repeat_again(repeat));
	return PMN_OK;
}

static void draw(const struct frame *frame, double seconds)
{
	int y;

	erase();
	for (y = 0; y < LINES - 1 && y < (int)frame->nr; y++) {
		if (!strncmp(frame->lines[y], "node ", 5))
			attron(A_BOLD);
		mvaddnstr(y, 0, frame->lines[y], COLS);
		attroff(A_BOLD);
	}
	attron(A_REVERSE);
	mvprintw(LINES - 1, 0, " pmnctl top: every %g s, q ends ", seconds);
	attroff(A_REVERSE);
	refresh();
}

/* A key, or nothing until the next picture is due. */
static bool wants_end(double seconds)
{
	int key;

	timeout(seconds * 1000);
	key = getch();
	return key == 'q' || key == 'Q' || key == 3;
}

static int screen(struct cli *cli, struct before *before, struct repeat *repeat)
{
	struct frame frame = {};
	int ret;

	if (!initscr())
		return complain(PMN_FAILED, "terminal: it cannot be drawn on; use --batch");
	cbreak();
	noecho();
	curs_set(0);
	do {
		ret = make_frame(cli, before, &frame);
		if (ret)
			break;
		draw(&frame, repeat->seconds);
		frame_free(&frame);
	} while ((!repeat->count || ++repeat->done < repeat->count) && !wants_end(repeat->seconds));
	endwin();
	return ret ? complain_lib(cli, ret) : PMN_OK;
}

int verb_top(struct cli *cli)
{
	struct repeat repeat;
	struct before before = {};
	int ret;

	ret = repeat_parse(cli, &repeat, 0);
	if (ret)
		return ret;
	ret = pmn_check_kernel(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	if (!cli->opt[OPT_BATCH] && !isatty(STDOUT_FILENO))
		return complain(PMN_USAGE, "top: standard output is no terminal; use --batch, with --count for an end");
	before.rates = rates_new();
	if (!before.rates)
		return complain(PMN_FAILED, "memory: not enough");
	ret = cli->opt[OPT_BATCH] ? batch(cli, &before, &repeat) : screen(cli, &before, &repeat);
	rates_free(before.rates);
	uses_free(&before.uses);
	return ret;
}
