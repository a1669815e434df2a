#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# model.sh: the protocol of compressed RAM, searched for an order of steps that breaks a promise: none with
# all its rules, one without each of them.
#
# kernels: release

exec "$(dirname "${BASH_SOURCE[0]}")/../../docs/model/check"
