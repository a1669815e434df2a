/* SPDX-License-Identifier: GPL-2.0-only */
/* cram.h: checks are lines of TAP, and what the kernel's selftests of compressed RAM share. */
#include "../devmap/devmap.h"

#include "../../../kernel/files/tools/testing/selftests/cram/cram.h"
