#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/start.md, a node that firmware describes: made private at boot, looked at, used.
#
# vm: --node 1G --node 512M --append private_node=1:user_numa
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/lib/recipe.bash

enabled=/sys/devices/system/node/node1/private/enabled

ok 'booted as the document says' booted docs/start.md node
ok 'node: it runs' run docs/start.md node
ok '... node 1 is private' prints '^1$'
ok '... cat has its memory there' bound_to 1

ok 'look: it runs' run docs/start.md look
ok '... the owner' prints '^/sys/devices/system/node/node1/private/owner:boot$'
ok '... the service' prints '/private/enabled:user_numa$'
ok '... the sum of all' prints '^PrivateTotal: +52[0-9]+ kB$'
echo -user_numa > $enabled
ok 'look: closed' run docs/start.md look
ok '... an empty line after enabled:' prints '/private/enabled:$'

# The two lines of C, in a program; the node is closed meanwhile.
{
	printf '#include <%s>\n' fcntl.h stdio.h string.h sys/mman.h unistd.h
	echo 'int main(void) { size_t len = 4 << 20; char line[999]; FILE *f;'
	lines docs/start.md run use
	cat <<-'END'
	if (fd < 0 || p == MAP_FAILED)
		return 1;
	memset(p, 1, len);
	f = fopen("/proc/self/numa_maps", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "N1="))
			fputs(line, stdout);
	return 0; }
	END
} > /tmp/use.c
ok 'use: it compiles' gcc -Wall -Werror -o /tmp/use /tmp/use.c
/tmp/use > "$recipe" 2>&1
ok '... all 1024 pages are on node 1' prints 'anon=1024 .* N1=1024 '
not_ok '... which nobody else may open' setpriv --reuid 65534 --clear-groups /tmp/use

not_ok 'closed: nobody binds to it' numactl --membind=1 true 2> /dev/null
echo +user_numa > $enabled
ok 'opened again: programs do' numactl --membind=1 true
done_testing
