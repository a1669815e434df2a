#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The storm of storm.sh for ten minutes.
#
# vm: --cpus 4 --node 1G --reserve 128M,node=0 --append private_node_spare=1
# allow: soft offline|Soft offlin|hwpoison|Memory failure
# soak: yes
# timeout: 900
set -u
. tests/lib/tap.sh
. tests/guest/life/storm.bash

storm 600
done_testing
