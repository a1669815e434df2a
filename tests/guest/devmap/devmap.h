/* SPDX-License-Identifier: GPL-2.0-only */
/* devmap.h: checks are lines of TAP, and what the kernel's selftests of private nodes share. */
#include "tap.h"

#include "../../../kernel/files/tools/testing/selftests/private_node/private_node.h"
