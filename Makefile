# SPDX-License-Identifier: GPL-2.0-only
# Every target is one line; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup kernel kernel-debug kernel-stock tree save series repin bisect-check test test-debug test-fresh test-races test-kobject configs coverage model demo bench mutate regress check-off soak layers pictures lint tools deb-tools deb-kernel test-install own-config

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | expand -t 16
setup: ## install the Debian packages that are missing
	@harness/setup
kernel: ## build the release kernel, into build/kernel-release
	@kernel/scripts/build release
kernel-debug: ## build it with KASAN, lockdep, DEBUG_VM, kmemleak, ..., into build/kernel-debug
	@kernel/scripts/build debug
kernel-stock: ## build the pinned kernel without our changes, into build/kernel-stock
	@kernel/scripts/build stock
tree: ## make or update build/linux from PIN, files and patches
	@kernel/scripts/tree make
save: ## take edits in build/linux back into files and patches
	@kernel/scripts/tree save
series: ## write the patch series as mails with cover letters, into build/series
	@kernel/scripts/tree series --out build/series
repin: ## move to another kernel: make repin VERSION=7.3.5-1 (docs/porting.md)
	@kernel/scripts/repin "$(VERSION)"
bisect-check: ## build every prefix of the patch series, with the option on and off (hours)
	@kernel/scripts/bisect-check
tools: ## build libpmn and pmnctl, into build/tools
	@harness/setup tools
	@$(MAKE) -s -C tools
deb-tools: ## build their Debian packages, into build/deb
	@tools/deb
own-config: ## CONFIG=FILE with private nodes in it, into build/own/.config, and which options it lacks
	@kernel/scripts/own-config $(if $(CONFIG),--base $(CONFIG))
deb-kernel: ## Debian packages of the kernel, FLAVOUR=amd64 or cloud-amd64, into build/deb-kernel (hours)
	@kernel/scripts/deb-kernel $(FLAVOUR)
test: ## all tests with the release kernel
	@tests/run
test-debug: ## the same with the debug kernel
	@tests/run --kernel debug
test-fresh: ## both commands of the README in minbase chroots of Debian 12 and 13 (hours)
	@tests/fresh/run
test-install: ## install, boot, operate, upgrade and remove our packages on a Debian 13 of its own (needs deb-kernel)
	@tests/install/run
test-races: ## tests with threads under KCSAN: no data race in our code
	@tests/races/run
test-kobject: ## what comes and goes, with a debug kernel that releases kobjects late: who freed one himself is found
	@tests/run --kernel debug-kobject life/storm_minute hotplug/ npu/life cram/life services/tier_plug kunit/
coverage: ## how much of our code the tests reach: lines and branches of each file (hours)
	@tests/coverage/run
configs: ## compile our files and those that we touch in every configuration of kernel/config/matrix
	@kernel/scripts/configs
model: ## search all orders of compressed RAM's protocol (spin), with its rules and without each of them
	@docs/model/check
demo: ## see it work: leak matrix, device map, unplug
	@demo/run
bench: ## instruction counts, stock against ours; compressed RAM against zswap, zram, swap
	@bench/run
	@bench/cram
	@bench/scale
mutate: ## switch each hook off in turn; a test must fail for each
	@tests/mutate
regress: ## the kernel's own selftests, stock against ours
	@tests/regress/run
check-off: ## with the option off, mm/ is stock's mm/, function by function
	@tests/check-off
soak: ## the long tests: torture with the release, fuzz with the debug kernel and guided by KCOV
	@tests/run --soak
	@tests/run --soak --kernel debug
	@tests/run --soak --kernel coverage soak/fuzz_guided
pictures: ## draw docs/pictures, pmnctl top and the dashboard, of a guest
	@docs/pictures/make
layers: ## draw docs/architecture.svg: our files in their layers, and which calls which
	@kernel/scripts/layers draw
lint: ## shellcheck, checkpatch, the patch series' form
	@kernel/scripts/lint
