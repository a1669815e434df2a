#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Some allocations of the operations that change a node fail, by fail-nth; make soak has all.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# kernels: debug
# timeout: 900
# soak: yes
# What the pinned kernel says itself when a node's device cannot be made, or a block not be removed:
# allow: WARNING: (mm/memory_hotplug.c:[0-9]+ at __add_memory_resource|arch/x86/mm/init_64.c:[0-9]+ at add_pages)
set -u
. tests/guest/hotplug/faultinject.bash

fault 16 register plug enable mbind-move migrate_pages
