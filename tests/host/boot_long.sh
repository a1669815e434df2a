#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# boot_long.sh: boot.sh with fifty boots at random places.
#
# soak: yes
# kernels: release
exec tests/host/boot.sh 50
