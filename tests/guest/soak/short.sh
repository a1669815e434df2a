#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# short.sh: a minute of torture.
# vm: --node 1G --node 384M --node 1G --reserve 256M,node=0 --append private_node=1 --append private_node_spare=1
# timeout: 180

. tests/guest/soak/torture.bash
torture 60
