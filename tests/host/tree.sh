#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tree.sh: do edits travel from kernel/ into a tree and back, and is nothing lost when two save?
# Works in a copy of the checkout's scripts, with a make-believe kernel of a few files.
#
# kernels: release

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/recipe.bash
. "$top/tests/lib/recipe.bash"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0
a=$tmp/build/linux b=$tmp/build/linux-b

result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		tail -n 20 "$tmp/log" | sed 's/^/# /'
	fi
}

tree() { "$tmp/kernel/scripts/tree" "$@" > "$tmp/log" 2>&1; }
says() { grep -q -- "$1" "$tmp/log"; }
line() { sed -i "$2i // $3" "$1/mm/page_alloc.c"; }

# Like Debian's source: one top folder, and a .gitignore that ends by ignoring everything.
pretend_kernel() {
	local k=$tmp/src/linux-source-7.3
	mkdir -p "$k/mm" "$k/include/linux"
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\n' > "$k/Makefile"
	printf '*.o\n/*\n!/debian/\n' > "$k/.gitignore"
	seq -f 'line %g' 400 > "$k/mm/page_alloc.c"
	echo slub > "$k/mm/slub.c"
	echo mm > "$k/include/linux/mm.h"
	tar -C "$tmp/src" -cJf "$tmp/src/linux.tar.xz" linux-source-7.3
	export LINUX_SRC=$tmp/src/linux.tar.xz PMN_CACHE=$tmp/cache
}

setup() {
	pretend_kernel
	mkdir -p "$tmp/kernel/files/mm/private_node" "$tmp/kernel/patches"
	cp -r "$top/kernel/PIN" "$top/kernel/scripts" "$tmp/kernel/"
	git -C "$tmp" init -q
	git -C "$tmp" config user.name 'A. Tester'
	git -C "$tmp" config user.email tester@example.org
	echo 'int x;' > "$tmp/kernel/files/mm/private_node/core.c"
}

one_developer() {
	tree make && says made
	result $? "a tree is made"
	tree make && says 'up to date'
	result $? "a second time there is nothing to do"
	line "$a" 2 first
	echo '/* own */' > "$a/include/linux/private_node.h"
	! tree save && says 'not committed: mm/page_alloc.c'
	result $? "a hook without a name is refused"
	tree save --into 1-core/10-mm-first -m 'mm: first' && [ "$(cat "$tmp/kernel/patches/1-core/series")" = 10-mm-first.patch ] &&
		[ -f "$tmp/kernel/files/include/linux/private_node.h" ]
	result $? "a hook becomes a patch, a new file one of ours"
	line "$a" 20 third
	git -C "$a" commit -qam 'mm: third' --trailer 'Pmn-patch: 1-core/30-mm-third'
	line "$a" 1 zero
	tree save --into 1-core/05-mm-zero -m 'mm: zero' &&
		[ "$(paste -sd' ' "$tmp/kernel/patches/1-core/series")" = '05-mm-zero.patch 10-mm-first.patch 30-mm-third.patch' ]
	result $? "a commit becomes a patch, an earlier one is put in between"
	sed -i 's/first/First/' "$a/mm/page_alloc.c"
	tree save --into 1-core/10-mm-first && grep -q '^+// First' "$tmp/kernel/patches/1-core/10-mm-first.patch" &&
		! grep -rq '^index ' "$tmp/kernel/patches"
	result $? "a patch is amended"
}

time_stamps() {
	local before after
	before=$(stat -c %Y.%i "$a/mm/slub.c" "$a/mm/page_alloc.c")
	echo 'int y;' >> "$tmp/kernel/files/mm/private_node/core.c"
	tree make
	after=$(stat -c %Y.%i "$a/mm/slub.c" "$a/mm/page_alloc.c")
	[ "$before" = "$after" ] && grep -q 'int y' "$a/mm/private_node/core.c"
	result $? "an update leaves other files' time stamps alone"
	line "$a" 50 unsaved
	echo 'int z;' >> "$tmp/kernel/files/mm/private_node/core.c"
	! tree make && says 'has edits that are not in kernel/'
	result $? "unsaved edits are not overwritten"
	! tree save --into 1-core/10-mm-first && says 'changed since' && grep -q unsaved "$a/mm/page_alloc.c"
	result $? "nor saved over what is new in kernel/"
	tree make --force && ! grep -q unsaved "$a/mm/page_alloc.c"
	result $? "--force drops them"
}

two_developers() {
	tree --dir "$b" make
	line "$a" 100 a
	line "$b" 300 b
	echo 'int by_b;' >> "$b/mm/private_node/core.c"
	tree save --into 2-more/10-mm-a -m 'mm: a' && ! tree --dir "$b" save --into 2-more/20-mm-b -m 'mm: b' && says 'changed since'
	result $? "who saves second is told"
	git -C "$b" stash -qu && tree --dir "$b" make && git -C "$b" stash pop -q > "$tmp/log" 2>&1 &&
		tree --dir "$b" save --into 2-more/20-mm-b -m 'mm: b' &&
		grep -q 10-mm-a "$tmp/kernel/patches/2-more/series" && grep -q 20-mm-b "$tmp/kernel/patches/2-more/series" &&
		grep -q by_b "$tmp/kernel/files/mm/private_node/core.c"
	result $? "with git stash, as it says, both are saved"
	tree make
}

# A file comes with the patch that the manifest names, without the objects that are not there yet.
manifest() {
	local tests=tools/testing/selftests/ours
	printf 'ifdef CONFIG_LATE\nX := y\nendif\n\nobj-y += core.o late.o\n' > "$tmp/kernel/files/mm/private_node/Makefile"
	printf 'config LATE\n\tbool\n' > "$tmp/kernel/files/mm/private_node/Kconfig"
	mkdir -p "$tmp/kernel/files/$tests"
	printf 'TEST_GEN_PROGS := one two\ninclude ../lib.mk\n' > "$tmp/kernel/files/$tests/Makefile"
	echo 'int main(void) { return 0; }' | tee "$tmp/kernel/files/$tests/one.c" > "$tmp/kernel/files/$tests/two.c"
	echo 'int late(void) { return 1; }' > "$tmp/kernel/files/mm/private_node/late.c"
	printf '/* stubs */\n//@ mm/private_node/late.c\nint late(void) { return 0; }\n' > "$tmp/kernel/patches/later.c"
	echo 'int late(void); int now(void) { return late(); }' >> "$tmp/kernel/files/mm/private_node/core.c"
	tree make
	! tree series && says 'patches/manifest: missing'
	result $? "mails need a manifest"
	printf '%s\t%s\n' 1-core/10-mm-first mm/private_node 1-core/05-mm-zero mm/private_node/core.c \
		1-core/05-mm-zero mm/private_node/Makefile 2-more/10-mm-a mm/private_node/Kconfig#LATE \
		1-core/05-mm-zero $tests 2-more/10-mm-a $tests/two.c > "$tmp/kernel/patches/manifest"
	! tree series && says 'include/linux/private_node.h: not in patches/manifest'
	result $? "a file that it does not name is said"
	printf '%s\t%s\n' 1-core/05-mm-zero 'include/linux/*.h' 2-more/10-mm-a mm/private_node/late.c >> "$tmp/kernel/patches/manifest"
	tree --dir "$tmp/build/linux-staged" staged
	local s=$tmp/build/linux-staged first
	first=$(git -C "$s" log --reverse --format=%H pin..HEAD | sed -n 1p)
	[ "$(git -C "$s" show "$first:mm/private_node/Makefile")" = 'obj-y += core.o
obj-y += later.o' ] && git -C "$s" show "$first:mm/private_node/later.c" | grep -q 'return 0' &&
		! git -C "$s" cat-file -e "$first:mm/private_node/late.c" 2> /dev/null
	result $? "a prefix has a stub, and no object without a source"
	[ "$(git -C "$s" show "$first:$tests/Makefile")" = 'TEST_GEN_PROGS := one
include ../lib.mk' ] && ! git -C "$s" cat-file -e "$first:$tests/two.c" 2> /dev/null
	result $? "nor a selftest without a source"
	[ "$(git -C "$s" rev-parse 'HEAD^{tree}')" = "$(git -C "$a" rev-parse 'HEAD^{tree}')" ]
	result $? "the last patch has all files, and no stub"
	cp "$tmp/kernel/patches/later.c" "$tmp/stubs"
	echo 'void idle(void) {}' >> "$tmp/kernel/patches/later.c"
	! tree series && says 'later.c: idle: no line calls that'
	result $? "a stub that nobody calls is said"
	cp "$tmp/stubs" "$tmp/kernel/patches/later.c"
}

# A list of ids as kernel/patches/9-local/hooks: FILE, FUNCTION, HOOK, CODE, OFF.
ids() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" > "$tmp/kernel/patches/9-local/hooks"; }

# Each hook gets an id in a tree of its own, and nowhere else.
mutate() {
	local m=$tmp/build/linux-mutate f=mm/private_node/core.c
	mkdir -p "$tmp/kernel/patches/9-local"
	cp "$top"/kernel/patches/9-local/hook.[ch] "$tmp/kernel/patches/9-local/"
	cp "$tmp/kernel/files/$f" "$tmp/core.c"
	cat > "$tmp/kernel/files/$f" <<'EOT'
#include <linux/mm.h>
#define is_far(nid) \
	(nid > 1 && \
	 nid < 9)
static int stub(void)
{
}
int walk(int nid)
{
	if (node_is_private(nid) || node_is_private( 1))
		return 2;
	for_each_node(nid) {
		x += pages(FIRST, a(b));
	}
	if (node_is_private(nid))
		return pages(SECOND);
	return 0;
}
EOT
	ids $f walk none 'no_such(nid)' false
	! tree mutate && says "walk() has no 'no_such(nid)'"
	result $? "an id for code that is not there is refused"
	ids $f walk one 'node_is_private(nid)' false $f walk - 'node_is_private(nid)' - $f walk - 'node_is_private(nid)' -
	! tree mutate && says "has 'node_is_private(nid)' 2 times, and the table 3"
	result $? "so are ids for more calls than there are"
	ids $f walk one 'node_is_private(nid)' false $f walk two 'node_is_private(nid)' true \
		$f walk three 'pages(*)' 'all(*)' $f walk four 'for_each_node(nid)' 'skip far(nid)' \
		$f is_far five 'nid > 1' false $f walk six 'return 0' 'return 7' $f stub seven x 1
	! tree mutate && says "stub() has no 'x'"
	result $? "the code after a function is not taken for its own"
	sed -i '$d' "$tmp/kernel/patches/9-local/hooks"
	tree mutate && says 'made, with ids of hooks'
	result $? "a tree with ids is made"
	cat > "$tmp/want" <<'EOT'
#include <linux/private_node_hook.h>
#include <linux/mm.h>
#define is_far(nid) \
	((private_node_hook(five) && (nid > 1)) && \
	 nid < 9)
static int stub(void)
{
}
int walk(int nid)
{
	if ((private_node_hook(one) && (node_is_private(nid))) || node_is_private( 1))
		return 2;
	for_each_node(nid) if (!private_node_hook(four) && (far(nid))) continue; else {
		x += (private_node_hook(three) ? (pages(FIRST, a(b))) : (all(FIRST, a(b))));
	}
	if ((!private_node_hook(two) || (node_is_private(nid))))
		return (private_node_hook(three) ? (pages(SECOND)) : (all(SECOND)));
	if (!private_node_hook(six)) return 7; return 0;
}
EOT
	diff "$tmp/want" "$m/$f" > "$tmp/log"
	result $? "each hook has its id and its value without it"
	printf '\tPRIVATE_NODE_HOOK(%s) \\\n' one two three four five six | sed '$s/ .$//' > "$tmp/want"
	sed -n '/^#define PRIVATE_NODE_HOOKS/,/^$/{/^\t/p}' "$m/include/linux/private_node_hook.h" | diff "$tmp/want" - > "$tmp/log" &&
		grep -qx 'obj-y += hook.o' "$m/mm/private_node/Makefile" && [ -f "$m/mm/private_node/hook.c" ]
	result $? "and the list of the hooks is there"
	tree mutate && says 'up to date' && tree make && ! grep -q private_node_hook "$a/$f"
	result $? "a second time there is nothing to do, and no other tree has an id"
	cp "$tmp/core.c" "$tmp/kernel/files/$f"
	rm -r "$tmp/kernel/patches/9-local"
	tree make
}

mails() {
	local want got
	"$tmp/kernel/scripts/tree" series > "$tmp/mails" 2> "$tmp/log"
	git clone -q --shared "$("$top/kernel/scripts/fetch")" "$tmp/am"
	git -C "$tmp/am" -c user.name=x -c user.email=x@example.org am -q "$tmp/mails" > "$tmp/log" 2>&1
	want=$(git -C "$a" rev-parse 'HEAD^{tree}') got=$(git -C "$tmp/am" rev-parse 'HEAD^{tree}')
	[ "$want" = "$got" ]
	result $? "git am takes the series' mails and ends in the same tree"
	git clone -q --shared "$("$top/kernel/scripts/fetch")" "$tmp/other"
	git -C "$tmp/other" config user.name x
	git -C "$tmp/other" config user.email x@example.org
	lines "$top/docs/install.md" run mails | sed "s#/path/to/linux#$tmp/other#" > "$tmp/recipe"
	[ -s "$tmp/recipe" ] && (cd "$tmp" && bash -eu "$tmp/recipe" > "$tmp/log" 2>&1) && git -C "$tmp/other" rev-parse 'HEAD^{tree}' > "$tmp/log" &&
		[ "$(cat "$tmp/log")" = "$want" ]
	result $? "and so does who does what docs/install.md says"
	printf 'mm: more\n\nWhy.\n' > "$tmp/kernel/patches/2-more/cover"
	tree series --out "$tmp/out" && grep -q '^Subject: .PATCH 0/2. mm: more' "$tmp/out/2-more/0000-cover-letter.patch" &&
		grep -q '^Signed-off-by: A. Tester <tester@example.org>' "$tmp/out/1-core/0001-"* &&
		! grep -rq Pmn-patch "$tmp/out"
	result $? "a folder for each series, with its cover letter, signed off"
}

bad_patches() {
	cp "$tmp/kernel/patches/2-more/10-mm-a.patch" "$tmp/kernel/patches/2-more/30-mm-forgotten.patch"
	! tree make && says '2-more/30-mm-forgotten.patch: not in its series'
	result $? "a patch that the series forgets is said"
	rm "$tmp/kernel/patches/2-more/30-mm-forgotten.patch"
	echo 'bad_name.patch' >> "$tmp/kernel/patches/2-more/series"
	! tree make && says "'2-more/bad_name' is no SERIES/NN-area-short-name"
	result $? "a bad name is said"
	sed -i '/bad_name/d' "$tmp/kernel/patches/2-more/series"
	echo '40-mm-none.patch' >> "$tmp/kernel/patches/2-more/series"
	! tree make && says 'named in series but missing'
	result $? "a missing patch is said"
	sed 's/First/Second/; s/^ line 1$/ other/' "$tmp/kernel/patches/1-core/10-mm-first.patch" > "$tmp/kernel/patches/2-more/40-mm-none.patch"
	! tree make && says '2-more/40-mm-none.patch does not apply'
	result $? "a patch that does not apply is named"
	rm "$tmp/kernel/patches/2-more/40-mm-none.patch"
	sed -i '/40-/d' "$tmp/kernel/patches/2-more/series"
	mkdir -p "$tmp/kernel/files/mm" && echo > "$tmp/kernel/files/mm/slub.c"
	! tree make && says 'the pinned tree has this file'
	result $? "a whole file in place of a pinned one is refused"
	rm "$tmp/kernel/files/mm/slub.c"
	tree make && says 'up to date' && [ -z "$(git -C "$a" status --porcelain)" ]
	result $? "and none of that changed the tree"
}

sources() {
	! LINUX_SRC=/nonexistent "$top/kernel/scripts/fetch" > "$tmp/log" 2>&1 && says 'no such file'
	result $? "LINUX_SRC that is not there is said"
	mkdir -p "$tmp/src/linux" && printf 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 2\n' > "$tmp/src/linux/Makefile"
	! LINUX_SRC=$tmp/src/linux "$top/kernel/scripts/fetch" > "$tmp/log" 2>&1 && says 'kernel version is .6.1.2., need 7.3.y'
	result $? "LINUX_SRC of another version is refused"
	LINUX_SRC=$tmp/src/linux-source-7.3 "$top/kernel/scripts/fetch" > "$tmp/log" 2>&1
	result $? "LINUX_SRC may be a 7.3.y tree"
}

setup
one_developer
time_stamps
two_developers
manifest
mutate
mails
bad_patches
sources
echo "1..$n"
[ $failed = 0 ]
