#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# long.sh: ten minutes of torture, for make soak.
# vm: --node 1G --node 384M --node 1G --reserve 256M,node=0 --append private_node=1 --append private_node_spare=1
# timeout: 720
# kernels: release
# soak: yes

. tests/guest/soak/torture.bash
torture 600
