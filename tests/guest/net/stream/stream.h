/* SPDX-License-Identifier: GPL-2.0-only */
/* stream: what its files share. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints what failed, and why, and ends the program with status 2. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The bytes of stream SEED from OFFSET on: no two places of a stream look alike. */
void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset);
bool pattern_ok(const void *buf, size_t len, uint64_t seed, uint64_t offset);

/* pools.c: one line for each page pool of an interface. */
int show_pools(const char *ifname);

/* xdp.c: runs a program at an interface until standard input ends. */
int xdp(const char *ifname, const char *action);

#endif
