// SPDX-License-Identifier: GPL-2.0-only
/* guided.c: see guided.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcov.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guided.h"

/* Words of the kernel's buffer: what one step passes through in our files. */
#define TRACE_WORDS (1UL << 18)
/* Several times the blocks of our files. */
#define SLOTS (1U << 16)

static struct blocks {
	unsigned long n;
	uint32_t pc[SLOTS];	/* the lower half of an address; 0 is free */
} *blocks;
static unsigned long *trace;
static int kcov_fd = -1;

/* -- inputs --------------------------------------------------------------------------------- */

static bool parse(struct input *in, char *line)
{
	char *word, *save = NULL, *end;

	in->n = 0;
	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		size_t len = strcspn(word, ":");
		int op = op_number(word, len);

		if (in->n == STEPS || op < 0 || !word[len] || !word[len + 1])
			return false;
		in->step[in->n].op = op;
		in->step[in->n++].draw = strtoull(word + len + 1, &end, 16);
		if (*end)
			return false;
	}
	return in->n;
}

void corpus_add(struct corpus *c, const struct input *in)
{
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->in = realloc(c->in, c->room * sizeof(*c->in));
		if (!c->in)
			abort();
	}
	c->in[c->n++] = *in;
}

bool corpus_read(struct corpus *c, const char *file)
{
	FILE *f = fopen(file, "re");
	struct input in;
	char *line = NULL;
	bool good = true;
	size_t room = 0;

	if (!f) {
		perror(file);
		return false;
	}
	while (good && getline(&line, &room, f) > 0) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		good = parse(&in, line);
		if (good)
			corpus_add(c, &in);
		else
			fprintf(stderr, "%s: line %zu of the inputs is none\n", file, c->n + 1);
	}
	free(line);
	fclose(f);
	return good;
}

void input_print(FILE *to, const struct input *in)
{
	unsigned int i;

	for (i = 0; i < in->n; i++)
		fprintf(to, "%s%s:%" PRIx64, i ? " " : "", op_text(in->step[i].op), in->step[i].draw);
	fputc('\n', to);
}

static struct step random_step(void)
{
	return (struct step){ op_random(), op_draw(1UL << 53) };
}

/* Room is made by what is at the end. */
static void insert(struct input *in, unsigned int at, struct step s)
{
	if (in->n < STEPS)
		in->n++;
	memmove(&in->step[at + 1], &in->step[at], (in->n - 1 - at) * sizeof(s));
	in->step[at] = s;
}

static void cut_out(struct input *in, unsigned int at)
{
	if (in->n == 1)
		return;
	in->n--;
	memmove(&in->step[at], &in->step[at + 1], (in->n - at) * sizeof(in->step[0]));
}

/* The end of another input takes the place of this one's. */
static void cross(struct input *in, const struct input *other)
{
	unsigned int from = op_draw(other->n);

	in->n = 1 + op_draw(in->n);
	while (in->n < STEPS && from < other->n)
		in->step[in->n++] = other->step[from++];
}

static void change(struct input *in, const struct corpus *c)
{
	unsigned int at = op_draw(in->n);
	const struct input *other = &c->in[op_draw(c->n)];

	switch (op_draw(9)) {
	case 0: case 1: case 2:
		insert(in, at, random_step());
		break;
	case 3:
		insert(in, at, other->step[op_draw(other->n)]);
		break;
	case 4:
		in->step[at] = random_step();
		break;
	case 8:
		in->step[at].draw = op_draw(1UL << 53);
		break;
	case 5:
		insert(in, at, in->step[op_draw(in->n)]);
		break;
	case 6:
		cut_out(in, at);
		break;
	default:
		cross(in, other);
	}
}

void input_make(struct input *in, const struct corpus *c)
{
	unsigned int times = 1 + op_draw(4);

	if (!c->n || !op_draw(10)) {
		in->n = 8 + op_draw(STEPS - 8);
		for (times = 0; times < in->n; times++)
			in->step[times] = random_step();
		return;
	}
	/* Half of them from the last sixteen: what is new leads on. */
	*in = c->in[c->n > 16 && op_draw(2) ? c->n - 1 - op_draw(16) : op_draw(c->n)];
	while (times--)
		change(in, c);
}

/* -- KCOV ----------------------------------------------------------------------------------- */

bool kcov_open(void)
{
	void *buf;

	kcov_fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov_fd < 0 || ioctl(kcov_fd, KCOV_INIT_TRACE, TRACE_WORDS))
		return false;
	buf = mmap(NULL, TRACE_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, kcov_fd, 0);
	blocks = mmap(NULL, sizeof(*blocks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED || blocks == MAP_FAILED)
		return false;
	trace = buf;
	return true;
}

void kcov_begin(void)
{
	if (!trace)
		return;
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
	if (ioctl(kcov_fd, KCOV_ENABLE, KCOV_TRACE_PC))
		perror("KCOV_ENABLE");
}

static bool add_block(uint32_t pc)
{
	uint32_t i = pc * 2654435761U >> 16;

	for (; blocks->pc[i]; i = (i + 1) % SLOTS)
		if (blocks->pc[i] == pc)
			return false;
	if (blocks->n > SLOTS / 2)
		return false;
	blocks->pc[i] = pc;
	blocks->n++;
	return true;
}

unsigned long kcov_fold(void)
{
	unsigned long n, i, new = 0;

	if (!trace)
		return 0;
	n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n; i++)
		new += add_block((uint32_t)trace[i]);
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
	return new;
}

unsigned long kcov_blocks(void)
{
	return blocks ? blocks->n : 0;
}
