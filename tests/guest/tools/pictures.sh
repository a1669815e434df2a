#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The pictures of the documents can be made of a live guest: docs/pictures/record and draw.
#
# vm: --node 1G --node 256M --append private_node=1:user_numa,reclaim,demotion
# timeout: 300
#
# The checks are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
out=/tmp/pictures
quiet() { "$@" > /tmp/log 2>&1 || { sed 's/^/# /' /tmp/log; return 1; }; }

ok 'a program is recorded' quiet docs/pictures/record $out
ok '... and drawn' quiet docs/pictures/draw $out 'a guest'
ok 'top: the node, a cgroup, and how much it grows' grep -qE '>\+[0-9.]+M</text>' $out/top.svg
ok '... with the cgroup' grep -q '>/db/batch</text>' $out/top.svg
ok 'the dashboard: pages were placed' grep -q 'node 1 user_numa</text>' $out/dashboard.svg
ok '... and refused' grep -q 'node 1 user_numa refused</text>' $out/dashboard.svg
done_testing
