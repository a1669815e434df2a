// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of private nodes.
 */
#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/private_node.h>
