// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of compressed RAM.
 */
#include <linux/mm.h>

#include "cram.h"

#define CREATE_TRACE_POINTS
#include <trace/events/cram.h>
