#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Owners of one node id and one range come and go as fast as they can, while tasks, softirqs and
# interrupts on four CPUs take pages by their handles, and users map, bind and report failures.  Each
# page carries who gave it: nobody ever sees another one's.
#
# vm: --cpus 4 --node 1G --reserve 128M,node=0 --append private_node_spare=1
# allow: soft offline|Soft offlin|hwpoison|Memory failure
# soak: yes
# timeout: 2700
set -u
. tests/lib/tap.sh
. tests/guest/life/storm.bash

storm 600
done_testing
