#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each allocation of register, unregister and unplug fails once, every sixth of plug, which is slow, and
# every third of a device of compressed RAM, which comes with its memory.
#
# vm: --node 1G --reserve 128M,node=0 --append private_node_spare=1
# kernels: debug
# timeout: 1500
# soak: yes
# What the pinned kernel says itself when a node's device cannot be made, or a block not be removed:
# allow: WARNING: (mm/memory_hotplug.c:[0-9]+ at __add_memory_resource|arch/x86/mm/init_64.c:[0-9]+ at add_pages)
set -u
. tests/guest/hotplug/faultinject.bash

fault 1 register unregister unplug plug:6 cram:3
