#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Unbind of a busy private device: the memory stays as it is, and the next bind of a device with
# these ranges has it back, also with kmem reloaded or the device made anew.  Nothing waits for a
# reboot.
#
# vm: --node 1G --node 0 --nvdimm 512M,node=1 --append private_node_spare=1
# vm: --node 2G --append 'memmap=512M!1G private_node_spare=1'
# timeout: 300
# The functions are called through ok.
# shellcheck disable=SC2317
set -u
. tests/lib/tap.sh
. tests/guest/dax/dax.bash

dax_up
modprobe kmem
bind dax0.0 kmem
unplug dax0.0
empty=$(memory_map)

# up: private, and busy
up() {
	choose dax0.0 1 && plug dax0.0 && on_unplug dax0.0 "$1" && nid=$(node_of dax0.0) && holder dax0.0 private
}

# stays TEXT: nobody has the device, its memory is as it was
stays() {
	ok "$1: dmesg says so" grep -q "stays on private node $nid; stop the users" /tmp/dax.log
	not_ok "$1: and nothing of a reboot" grep -q reboot /tmp/dax.log
	ok "$1: memory is as before" same "$(memory_map)" "$map"
	ok "$1: still private" is_private "$nid"
	ok "$1: contents" same "$(ask check)" intact
}

unbind_busy() {
	map=$(memory_map)
	dmesg -c > /dev/null
	ok "$1: unbind" unbind dax0.0
	dmesg -c > /tmp/dax.log
	ok "$1: named the holder" grep -q "one by pid $HOLDER_PID (user_pages)" /tmp/dax.log
	ok "$1: no driver" test ! -e $DAX/dax0.0/driver
	stays "$1"
}

back() {
	ok "$1: bound again" bind dax0.0 kmem
	ok "$1: state and choices are back" same "$(get dax0.0 state) $(choices dax0.0)" \
		'online_movable 1 auto user_numa'
	ok "$1: its node" same "$(node_of dax0.0) $(owner_of "$nid")" "$nid kmem-dax0.0"
	ok "$1: on_unplug is as it was" same "$(< "$NODES/node$nid/private/on_unplug")" refuse
	ok "$1: memory is as before" same "$(memory_map)" "$map"
}

gone() {
	ok "$1: unplugged" unplug dax0.0
	ok "$1: nothing is left" same "$(memory_map)" "$empty"
}

up refuse
unbind_busy 'bind while busy'
not_ok 'nobody else gets the range' bind dax0.0 device_dax
ok '... and it is still private' is_private "$nid"
back 'bind while busy'
ok 'bind while busy: unplug names the holder' logged "one by pid $HOLDER_PID " unplug dax0.0
ok 'bind while busy: contents' same "$(ask check)" intact
end_holder
gone 'bind while busy'

up refuse
unbind_busy 'bind later'
end_holder
back 'bind later'
gone 'bind later'

up refuse
map=$(memory_map)
dmesg -c > /dev/null
ok 'rmmod of a busy kmem' rmmod kmem
dmesg -c > /tmp/dax.log
stays 'rmmod'
modprobe kmem
back 'modprobe'
end_holder
gone 'modprobe'

# An unbind does what on_unplug says, too.
for how in move sigbus; do
	up $how
	ok "$how: unbind" unbind dax0.0
	ok "$how: nothing is left" same "$(memory_map)" "$empty"
	if [ $how = move ]; then
		ok 'move: contents' same "$(ask check)" intact
	else
		ok 'sigbus: each page' same "$(ask touch)" "sigbus $PAGES of $PAGES"
	fi
	end_holder
	bind dax0.0 kmem
	unplug dax0.0
done

# The same range as another device: it waits for the holder, and no longer.
up refuse
unbind_busy 'made anew'
ndctl disable-namespace namespace0.0 > /dev/null 2>&1
ok 'made anew: still private without the device' is_private "$nid"
ok 'made anew: contents' same "$(ask check)" intact
ndctl enable-namespace namespace0.0 > /dev/null 2>&1
dev=$(basename $DAX/dax*)
[ "$dev" = dax0.0 ] || echo "# now $dev"
back 'made anew'
end_holder
gone 'made anew'
dax_down
done_testing
