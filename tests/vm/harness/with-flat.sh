#!/bin/bash
# Usage: with-flat.sh TREE CACHE
# What vemu needs in a guest besides itself: a kernel of a few instructions, /vm/flat, that says
# "flat" on its serial port and switches its machine off, and QEMU's bridge helper, without the right
# that Debian leaves out, with its libraries.
set -eu
mkdir -p "$1"
tree=$(cd "$1" && pwd)
TOP=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=tests/lib/flat.bash
. "$TOP/tests/lib/flat.bash"
mkdir -p "$tree/vm" "$tree/usr/lib/qemu"
(
	cd "$tree/vm"
	# shellcheck disable=SC2046,SC2086,SC2154 # bytes are words
	kernel $(say flat) $off $halt
	mv kernel flat
)
helper=/usr/lib/qemu/qemu-bridge-helper
[ -x $helper ] || { echo "qemu-bridge-helper is not here: it comes with qemu-system-common" >&2; exit 1; }
cp $helper "$tree$helper"
ldd $helper | awk '/=> \// { print $3 }' | sort -u | while read -r lib; do
	mkdir -p "$tree$(dirname "$lib")"
	cp -L "$lib" "$tree$lib"
done
