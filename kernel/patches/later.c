// SPDX-License-Identifier: GPL-2.0-only
/* Stubs of functions that later patches of this work bring. */
//@ mm/private_node/none.c
