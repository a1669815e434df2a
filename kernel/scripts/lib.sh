# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# What build and bisect-check share.  The caller sets frag, tree, out (see build's resolve).

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
config=$top/kernel/config
cache=${PMN_CACHE:-$HOME/.cache/pmn}
ccache=''
! command -v ccache > /dev/null || ccache='ccache '

say() { echo "$(basename "$0"): $*" >&2; }
die() { say "$*"; exit 1; }

# The files of a config, in the order in which they count.
fragments() {
	local uses f
	uses=$(sed -n 's/^# uses: *//p' "$config/$frag.config")
	for f in ${uses:-base kunit}; do
		echo "$config/$f.config"
	done
	echo "$config/$frag.config"
}

# Without CPP2 ccache compiles what it has preprocessed anyway: a quarter of a cold build less.
kmake() {
	CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=8G CCACHE_NOHASHDIR=1 CCACHE_NOCPP2=1 \
	CCACHE_SLOPPINESS=time_macros,locale \
	make -C "$tree" O="$out" -j"$(nproc)" ARCH=x86 LOCALVERSION="-pmn-${out##*/.out-}" \
		CC="${ccache}gcc" HOSTCC="${ccache}gcc" \
		KBUILD_BUILD_TIMESTAMP='2026-01-01' KBUILD_BUILD_USER=pmn KBUILD_BUILD_HOST=pmn \
		KBUILD_BUILD_VERSION=1 "$@"
}

# Each line of the fragments once, the later of two wins; then everything else is off.
allnoconfig() {
	mkdir -p "$out"
	fragments | xargs cat | awk -F= '
		/^CONFIG_/ { if (!($1 in v)) o[n++] = $1; v[$1] = $0 }
		END { for (i = 0; i < n; i++) print v[o[i]] }' > "$out/.allconfig"
	kmake -s KCONFIG_ALLCONFIG="$out/.allconfig" allnoconfig > "$out/config.log" 2>&1 ||
		{ cat "$out/config.log" >&2; die "configuration failed"; }
}
