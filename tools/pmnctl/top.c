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

/* The busiest counters of each node. */
#define SHOWN_RATES	6
/* Of each node; a screen has no more. */
#define SHOWN_USERS	50

/* One picture, a line each. */
struct frame {
	char **lines;
	size_t nr;
	bool failed;
};

struct use {
	const char *what, *name;
	int pid;
	unsigned long long bytes;
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

static int by_bytes(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static void put_uses(struct frame *frame, struct use *uses, size_t nr)
{
	char size[32], pid[16];
	size_t i;

	if (nr)
		qsort(uses, nr, sizeof(*uses), by_bytes);
	for (i = 0; i < nr && i < SHOWN_USERS; i++) {
		human_size(size, sizeof(size), uses[i].bytes);
		snprintf(pid, sizeof(pid), "%d", uses[i].pid);
		put(frame, "  %8s  %-8s %7s  %s", size, uses[i].what, uses[i].pid ? pid : "",
		    uses[i].name);
	}
}

/* Those at the leaves say it all; a cgroup above has the sum. */
static size_t cgroup_uses(struct pmn_ctx *ctx, int node, struct use **uses)
{
	struct pmn_cgroup *c;
	unsigned long long bytes;
	struct use *more;
	size_t nr = 0;

	pmn_cgroup_foreach(ctx, c) {
		bytes = pmn_cgroup_get_parent(c) ? pmn_cgroup_get_use(c, node) : 0;
		more = bytes ? reallocarray(*uses, nr + 1, sizeof(*more)) : NULL;
		if (!more)
			continue;
		*uses = more;
		more[nr++] = (struct use){ "cgroup", pmn_cgroup_get_path(c), 0, bytes };
	}
	return nr;
}

static size_t process_uses(struct pmn_ctx *ctx, int node, struct use **uses)
{
	unsigned long long bytes;
	struct pmn_user *u;
	struct use *more;
	size_t nr = 0;

	pmn_user_foreach(ctx, u) {
		bytes = pmn_user_get_use(u, node);
		more = bytes ? reallocarray(*uses, nr + 1, sizeof(*more)) : NULL;
		if (!more)
			continue;
		*uses = more;
		more[nr++] = (struct use){ "process", pmn_user_get_name(u),
					   pmn_user_get_pid(u), bytes };
	}
	return nr;
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

static void put_node(struct frame *frame, struct pmn_ctx *ctx, struct rates *rates,
		     struct pmn_node *node)
{
	unsigned long long size = pmn_node_get_size(node), left = pmn_node_get_free(node);
	char all[32], used[32];
	struct use *uses = NULL;
	size_t nr, n;

	human_size(all, sizeof(all), size);
	human_size(used, sizeof(used), size - left);
	put(frame, "node %d, %s: %s of %s used, %.0f%%; services: %s%s%s", pmn_node_get_id(node),
	    pmn_node_get_owner(node), used, all, size ? 100.0 * (size - left) / size : 0.0,
	    *pmn_node_get_enabled(node) ? pmn_node_get_enabled(node) : "none",
	    pmn_node_is_cram(node) ? "; compressed RAM, " : "",
	    pmn_node_is_cram(node) ? pmn_cram_get_state(node) : "");
	put_rates(frame, rates, node);
	nr = cgroup_uses(ctx, pmn_node_get_id(node), &uses);
	put_uses(frame, uses, nr);
	n = process_uses(ctx, pmn_node_get_id(node), &uses);
	put_uses(frame, uses, n);
	if (!nr && !n)
		put(frame, "  no cgroup and no process that you may look at has memory there");
	free(uses);
}

static int make_frame(struct cli *cli, struct rates *rates, struct frame *frame)
{
	struct pmn_nodeset *set = NULL;
	struct pmn_node *node;
	int ret = PMN_OK;

	pmn_refresh(cli->ctx);
	if (cli->nr)
		ret = pmn_nodeset_parse(cli->ctx, cli->args[0], &set);
	if (ret)
		return ret;
	rates_now(rates);
	pmn_node_foreach(cli->ctx, node)
		if (!set || pmn_nodeset_has(set, pmn_node_get_id(node)))
			put_node(frame, cli->ctx, rates, node);
	if (!frame->nr)
		put(frame, "no node is private; `pmnctl check` says how to make one so");
	pmn_nodeset_free(set);
	rates_take(rates, cli->ctx);
	return PMN_OK;
}

static int batch(struct cli *cli, struct rates *rates, struct repeat *repeat)
{
	struct frame frame = {};
	size_t i;
	int ret;

	do {
		ret = make_frame(cli, rates, &frame);
		if (ret)
			return complain_lib(cli, ret);
		for (i = 0; i < frame.nr; i++)
			puts(frame.lines[i]);
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

static int screen(struct cli *cli, struct rates *rates, struct repeat *repeat)
{
	struct frame frame = {};
	int ret;

	if (!initscr())
		return complain(PMN_FAILED, "terminal: it cannot be drawn on; use --batch");
	cbreak();
	noecho();
	curs_set(0);
	do {
		ret = make_frame(cli, rates, &frame);
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
	struct rates *rates;
	int ret;

	ret = repeat_parse(cli, &repeat, 0);
	if (ret)
		return ret;
	ret = pmn_check_kernel(cli->ctx);
	if (ret)
		return complain_lib(cli, ret);
	if (!cli->opt[OPT_BATCH] && !isatty(STDOUT_FILENO))
		return complain(PMN_USAGE, "top: standard output is no terminal; use --batch, with --count for an end");
	rates = rates_new();
	if (!rates)
		return complain(PMN_FAILED, "memory: not enough");
	ret = cli->opt[OPT_BATCH] ? batch(cli, rates, &repeat) : screen(cli, rates, &repeat);
	rates_free(rates);
	return ret;
}
