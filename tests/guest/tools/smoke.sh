#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# debian/tests/smoke, which autopkgtest runs on the installed packages, on a kernel that has a private node.
# Installed in this machine only are the packages of build/deb, if they are there, of this version, and not
# older than the tools; else the tools, where the packages have them.
#
# vm: --node 768M --node 256M --append private_node=1:user_numa
# timeout: 300
#
# The checks are called through ok.
# shellcheck disable=SC2317,SC2016,SC2015 # failure of a chain is meant
set -u
. tests/lib/tap.sh

version=$(sed -nE '1s/.*\((.*)\).*/\1/p' debian/changelog)
debs=(build/deb/{pmn-tools,libpmn0,libpmn-dev}_"$version"_*.deb)
# Not those of an edit ago.
are_there() {
	local f
	for f in "${debs[@]}"; do [ -f "$f" ] || return 1; done
	[ -z "$(find tools debian -newer "${debs[0]}" -type f -print -quit)" ]
}
# tests/Makefile has built all of it on the host.
installs() {
	if are_there; then
		echo "# the packages $version"
		dpkg --install "${debs[@]}" > /tmp/log 2>&1 && [ "$(dpkg-query -S "$(readlink -f /usr/bin/pmnctl)")" = 'pmn-tools: /usr/bin/pmnctl' ] ||
			{ sed 's/^/# /' /tmp/log; return 1; }
		return
	fi
	echo '# no packages of this version in build/deb (make deb-tools): make install'
	make -s -C tools install O="$PMN_TOP/build/tools" PREFIX=/usr LIBDIR="/usr/lib/$(gcc -print-multiarch)" > /tmp/log 2>&1 ||
		{ sed 's/^/# /' /tmp/log; return 1; }
}
smoke() { bash debian/tests/smoke > /tmp/log 2>&1 || { sed 's/^/# /' /tmp/log; return 1; }; }

ok 'the tools are installed' installs
ok '... where the packages have them' [ "$(command -v pmnctl)" = /usr/bin/pmnctl ]
ok "the packages' own test, on a kernel with a private node" smoke
# The test is one that fails: it knows which kernel it is on.
mv /usr/include/libpmn.h /tmp/
not_ok '... fails without the header' eval 'smoke > /dev/null'
mv /tmp/libpmn.h /usr/include/
ok 'the unit takes what the file says' eval 'mkdir -p /etc/pmn.d && printf "[node 1]\nservices = user_numa reclaim\n[dax dax7.0]\n" > /etc/pmn.d/a.conf && $(sed -n "s/^ExecStart=//p" /usr/lib/systemd/system/pmn-apply.service)'
ok '... node 1 has it' [ "$(cat /sys/devices/system/node/node1/private/enabled)" = 'user_numa reclaim' ]
printf '[node 0]\nservices = reclaim\n' > /etc/pmn.d/b.conf
not_ok '... and fails for a node that is not private' eval '$(sed -n "s/^ExecStart=//p" /usr/lib/systemd/system/pmn-apply.service) 2> /dev/null'
done_testing
