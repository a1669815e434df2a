#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each allocation fails once, where a node is used: services, policies, the device map, pins, cpusets.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# kernels: debug
# timeout: 1500
# soak: yes
# What the pinned kernel says itself when a node's device cannot be made, or a block not be removed:
# allow: WARNING: (mm/memory_hotplug.c:[0-9]+ at __add_memory_resource|arch/x86/mm/init_64.c:[0-9]+ at add_pages)
set -u
. tests/guest/hotplug/faultinject.bash

fault 1 enable disable on_full on_unplug mbind mbind-move populate set_mempolicy move_pages migrate_pages \
	open map-private map-shared longterm-pin cpuset.mems cpuset.mems.sysram attach revoke
