#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch.sh: where does the kernel's source come from when the archive has moved on?  A make-believe archive
# on disk, signed with a key that is thrown away, and a kernel of a few files.
#
# kernels: release
#
# shellcheck disable=SC2317 # the checks are called through ok

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
tmp=$(mktemp -d)
# The key's agent is told to end with its folder.
trap 'gpgconf --kill gpg-agent; rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
export GNUPGHOME=$tmp/gnupg
archive=$tmp/archive
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")

key() {
	mkdir -p "$GNUPGHOME"
	chmod 700 "$GNUPGHOME"
	gpg -q --batch --passphrase '' --quick-gen-key "$1@example.org" default default never 2> /dev/null
	gpg -q --export "$1@example.org" > "$tmp/$1.gpg"
}

# package VERSION [CHANGED]: a source package with a kernel of that point release, as $tmp/pool/*.deb
package() {
	local v=$1 root=$tmp/build/$1 k=$tmp/build/src/linux-source-7.3
	rm -rf "$root" "$tmp/build/src"
	mkdir -p "$root/DEBIAN" "$root/usr/src" "$k/mm" "$tmp/pool"
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = %s\n' "$(sed -E 's/^7\.3\.([0-9]+).*/\1/' <<< "$v")" > "$k/Makefile"
	seq -f 'line %g' 40 > "$k/mm/page_alloc.c"
	[ -z "${2:-}" ] || sed -i "$2" "$k/mm/page_alloc.c"
	[ "${3:-}" != ours ] || echo > "$k/mm/ours.c"
	tar -C "$tmp/build/src" --sort=name --mtime=@0 --owner=0 --group=0 -cJf "$root/usr/src/linux-source-7.3.tar.xz" linux-source-7.3
	cat > "$root/DEBIAN/control" <<-END
	Package: linux-source-7.3
	Version: $v
	Architecture: all
	Maintainer: nobody <nobody@example.org>
	Description: make-believe
	END
	dpkg-deb --root-owner-group -Zxz -b "$root" "$tmp/pool/linux-source-7.3_${v}_all.deb" > /dev/null
}

# configs VERSION: a package of configurations, as $tmp/pool/*.deb
configs() {
	local root=$tmp/build/config-$1
	mkdir -p "$root/DEBIAN" "$root/usr/src/linux-config-7.3" "$tmp/pool"
	echo "CONFIG_OF=\"$1\"" | xz > "$root/usr/src/linux-config-7.3/config.amd64_none_cloud-amd64.xz"
	printf 'Package: linux-config-7.3\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: make-believe\n' \
		"$1" > "$root/DEBIAN/control"
	dpkg-deb --root-owner-group -Zxz -b "$root" "$tmp/pool/linux-config-7.3_$1_all.deb" > /dev/null
}

# suite NAME [VERSION...]: its lists, signed
suite() {
	local name=$1 dir=$archive/dists/$1 v
	shift
	rm -rf "$dir" "$tmp/one"
	mkdir -p "$dir/main/binary-amd64" "$archive/pool/$name" "$tmp/one/pool/$name"
	for v in "$@"; do cp "$tmp"/pool/linux-*-7.3_"${v}"_all.deb "$tmp/one/pool/$name"; done
	cp -r "$tmp/one/pool" "$archive/"
	(cd "$tmp/one" && dpkg-scanpackages -m pool/"$name" 2> /dev/null) > "$dir/main/binary-amd64/Packages"
	sign "$name" test
}

sign() {
	local dir=$archive/dists/$1 p=main/binary-amd64/Packages
	{
		printf 'Origin: test\nSuite: %s\nCodename: %s\nDate: %s\nArchitectures: amd64 all\nComponents: main\nSHA256:\n' \
			"$1" "$1" "$(LC_ALL=C date -Ru)"
		echo " $(sha256sum "$dir/$p" | cut -d' ' -f1) $(stat -c %s "$dir/$p") $p"
	} > "$dir/Release"
	rm -f "$dir/InRelease" "$dir/Release.gpg"
	gpg -q --batch --passphrase '' --pinentry-mode loopback -u "$2@example.org" --clearsign -o "$dir/InRelease" "$dir/Release"
}

# pin VERSION: what kernel/PIN says of a package that was made
pin() {
	local deb=$tmp/pool/linux-source-7.3_$1_all.deb
	cat > "$tmp/kernel/PIN" <<-END
	PIN_SUITE=alpha
	PIN_PACKAGE=linux-source-7.3
	PIN_VERSION=$1
	PIN_DEB_SHA256=$(sha256sum "$deb" | cut -d' ' -f1)
	PIN_TAR=usr/src/linux-source-7.3.tar.xz
	PIN_TAR_SHA256=$(sha256sum "$tmp/build/$1/usr/src/linux-source-7.3.tar.xz" | cut -d' ' -f1)
	PIN_CONFIG_PACKAGE=linux-config-7.3
	PIN_CONFIG_SHA256=$(sha256sum "$tmp/pool/linux-config-7.3_7.3.4-1_all.deb" | cut -d' ' -f1)
	PIN_CONFIG=usr/src/linux-config-7.3/config.amd64_none_FLAVOUR.xz
	PIN_KERNEL=${1%%-*}
	PIN_SERIES=7.3
	PIN_DATE=1767225600
	PIN_NEWER_SUITES="beta gamma"
	PIN_KEYRING=$tmp/test.gpg
	END
}

# The machine's apt is told of one mirror, which has its release too.
sources() {
	mkdir -p "$tmp/etc"
	echo "deb [signed-by=$tmp/test.gpg] $1 $codename main" > "$tmp/etc/one.list"
	printf 'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "%s";\n' "$tmp/etc" > "$tmp/apt.conf"
	export APT_CONFIG=$tmp/apt.conf
}

setup() {
	mkdir -p "$tmp/kernel/files/mm" "$tmp/kernel/patches/1-core" "$archive"
	cp -r kernel/scripts "$tmp/kernel/"
	echo 'int ours;' > "$tmp/kernel/files/mm/ours.c"
	echo 10-mm-one.patch > "$tmp/kernel/patches/1-core/series"
	cat > "$tmp/kernel/patches/1-core/10-mm-one.patch" <<-'END'
	From: A. Tester <tester@example.org>
	Subject: [PATCH] mm: one

	---
	diff --git a/mm/page_alloc.c b/mm/page_alloc.c
	--- a/mm/page_alloc.c
	+++ b/mm/page_alloc.c
	@@ -18,6 +18,7 @@
	 line 18
	 line 19
	 line 20
	+ours
	 line 21
	 line 22
	 line 23
	END
	key test
	key other
	package 7.3.4-1
	package 7.3.5-1 '3i new in 7.3.5'
	package 7.3.6-1 '3i new in 7.3.6'
	package 7.3.9-1 's/^line 19$/other/'
	package 7.3.7-1 '' ours
	package 7.4.1-1
	configs 7.3.4-1
	configs 7.3.5-1
	sources "file:$archive"
}

# fetch [VARIABLE=VALUE...]: with an empty cache unless KEEP is set; leaves rc, $tmp/log and $tmp/repo
fetch() {
	[ -n "${keep:-}" ] || rm -rf "$tmp/cache"
	rc=0
	env TMPDIR="$tmp" PMN_CACHE="$tmp/cache" "$@" "$tmp/kernel/scripts/fetch" > "$tmp/repo" 2> "$tmp/log" || rc=$?
}

# fetch_config FLAVOUR: the same for a configuration; its file is in $tmp/repo
fetch_config() {
	[ -n "${keep:-}" ] || rm -rf "$tmp/cache"
	rc=0
	env TMPDIR="$tmp" PMN_CACHE="$tmp/cache" "$tmp/kernel/scripts/fetch" --config "$1" > "$tmp/repo" 2> "$tmp/log" || rc=$?
}
config_is() { [ "$(xz -dc "$(cat "$tmp/repo")")" = "CONFIG_OF=\"$1\"" ] || { sed 's/^/# /' "$tmp/log"; return 1; }; }

says() { grep -q -- "$1" "$tmp/log" || { sed 's/^/# /' "$tmp/log"; return 1; }; }
is() { [ "$(git -C "$(cat "$tmp/repo")" cat-file blob refs/heads/pin:Makefile | sed -n 's/^SUBLEVEL = //p')" = "$1" ] || { sed 's/^/# /' "$tmp/log"; return 1; }; }
nothing_left() { [ -z "$(find "$tmp/cache" -mindepth 1 ! -name lock)" ] && [ -z "$(find "$tmp" -maxdepth 1 -name 'pmn-apt*')" ]; }
# $rc is that of the last fetch.
failed() { [ "$rc" != 0 ] && [ ! -s "$tmp/repo" ]; }

setup
pin 7.3.4-1
suite alpha 7.3.4-1
suite beta 7.3.5-1
fetch
ok "the pinned version is taken while it is there" is 4
not_ok "without a word of another" says 'in place of'

suite alpha 7.3.5-1
suite beta
fetch
ok "a newer point release of the same suite" is 5
ok "it says so" says 'using 7.3.5-1, as 7.3.4-1 is not to be had'
ok "and that the pinned one is gone" says '7.3.4-1: not offered by alpha any more'
rm -rf "$archive/dists.off"; mv "$archive/dists" "$archive/dists.off"
keep=1 fetch
ok "the next time without the archive" is 5
ok "and says it again" says 'using 7.3.5-1, as 7.3.4-1 was not to be had'
mv "$archive/dists.off" "$archive/dists"

suite alpha
suite beta 7.3.5-1 7.4.1-1
suite gamma 7.3.6-1
fetch
ok "the newest of the newer suites, and of the series alone" is 6
rm -rf "$archive/dists/gamma"
fetch
ok "a suite that is not there is left out" is 5
ok "and named" says 'suite gamma: cannot be read'
suite gamma 7.4.1-1
suite beta
fetch
ok "no version of the series: refused" failed
ok "with what to do" says 'LINUX_SRC=/path/to/linux-7.3.4.tar.xz make kernel'

suite alpha 7.3.9-1
fetch
ok "a release to which the series does not apply: refused" failed
ok "the patch is named" says '1-core/10-mm-one.patch does not apply to it without fuzz'
ok "with what to do" says 'LINUX_SRC='
suite alpha 7.3.7-1
fetch
ok "a release that has a file of ours: refused" failed
ok "the file is named" says 'has a file mm/ours.c'

suite alpha 7.3.4-1
sign alpha other
fetch
ok "a signature by another key: refused" failed
ok "and said" says 'suite alpha: its signature'
ok "nothing of it is kept" nothing_left
suite alpha 7.3.4-1
echo >> "$archive/dists/alpha/main/binary-amd64/Packages"
fetch
ok "lists that are not what was signed: refused" failed
suite alpha
suite beta 7.3.5-1
sign beta other
fetch
ok "a wrong signature in a newer suite: refused" failed

suite alpha 7.3.4-1
truncate -s -100 "$archive"/pool/alpha/linux-source-7.3_7.3.4-1_all.deb
suite beta 7.3.5-1
fetch
ok "half a download: refused, and no other version in its place" failed
ok "and said" says 'the download was cut off'
ok "nothing of it is kept" nothing_left
suite alpha 7.3.4-1
fetch
ok "and the next one is whole" is 4
truncate -s -100 "$tmp"/cache/*.deb
rm -rf "$tmp"/cache/*.git
keep=1 fetch
ok "a damaged package in the cache is fetched again" is 4

fetch_config cloud-amd64
ok "a configuration of the pinned version" config_is 7.3.4-1
not_ok "without a word of another" says 'using the configuration of'
keep=1 fetch_config warp
ok "no such flavour: refused" failed
ok "those that there are are named" says 'warp: linux-config-7.3 has no such flavour; it has config.amd64_none_cloud-amd64.xz'
suite alpha 7.3.5-1
fetch_config cloud-amd64
ok "that of a later release, when the pinned one is gone" config_is 7.3.5-1
ok "and it says so" says 'using the configuration of 7.3.5-1'
keep=1 fetch_config cloud-amd64
ok "each time" says 'using the configuration of 7.3.5-1'
suite alpha 7.3.4-1
sed -i 's/^PIN_CONFIG_SHA256=.*/PIN_CONFIG_SHA256=0000/' "$tmp/kernel/PIN"
fetch_config cloud-amd64
ok "one that is not the pinned one: refused" failed
ok "and said" says 'kernel/PIN wants 0000'
pin 7.3.4-1

sources http://127.0.0.1:9/debian
fetch_config cloud-amd64
ok "no network, no configuration: refused" failed
ok "with what to do" says 'kernel/scripts/deb-kernel --base /boot/config-'
fetch
ok "no network: refused" failed
ok "with what to do" says 'LINUX_SRC=/path/to/linux-7.3.4.tar.xz make kernel'
fetch LINUX_SRC="$tmp/build/7.3.6-1/usr/src/linux-source-7.3.tar.xz"
ok "and LINUX_SRC needs none" is 6
done_testing
