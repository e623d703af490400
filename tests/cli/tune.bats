#!/usr/bin/env bats
# What tune finds in an image, and what it mends.
load ../lib/common
load ../lib/qcow2

# finding ID IMAGE: its verdict and value.
finding() {
	"$VIMG" tune --json -f "${2%%.*}" "$2" |
		jq -r --arg id "$1" '.findings[] | select(.id == $id) | .verdict + ": " + .value'
}

# is ID IMAGE TEXT
is() {
	local got
	got=$(finding "$1" "$2")
	[ "$got" = "$3" ] || { echo "$2: $got"; return 1; }
}

@test "allocation is that of the guest's disk, not of the file" {
	requires jq
	"$VIMG" create -q -f qcow2 qcow2.empty 64M
	is image.allocation qcow2.empty "info: 0 B of the disk's 64 MiB"
	"$VIMG" create -q -f qcow2 qcow2.some 64M
	"$VIMG" bench -q -w -c 64 -s 64k -S 128k qcow2.some
	is image.allocation qcow2.some "info: 4 MiB of the disk's 64 MiB"
	"$VIMG" convert -c -O qcow2 qcow2.some qcow2.packed # its next writes allocate all the same
	is image.allocation qcow2.packed "info: 0 B of the disk's 64 MiB"
	"$VIMG" create -q -f qcow2 -F qcow2 -b qcow2.some qcow2.over
	is image.allocation qcow2.over "info: 0 B of the disk's 64 MiB"
	"$VIMG" create -q -f qcow2 -o preallocation=falloc qcow2.all 64M
	is image.allocation qcow2.all "ok: all of the disk's 64 MiB"
	"$VIMG" create -q -f qcow2 -o preallocation=metadata qcow2.mapped 64M
	[[ "$(finding image.allocation qcow2.mapped)" == "info: all of the disk's 64 MiB is mapped, but to a file with 6"* ]]
}

@test "a file longer than the disk needs does not count for it" {
	requires jq
	"$VIMG" create -q -f qcow2 -o preallocation=falloc qcow2.big 64M
	"$VIMG" snapshot -c s qcow2.big
	"$VIMG" bench -q -w -c 512 -s 64k qcow2.big # copied: the file holds 96 MiB now
	"$VIMG" create -q -f qcow2 qcow2.small 64M
	"$VIMG" bench -q -w -c 512 -s 64k qcow2.small
	"$VIMG" snapshot -c s qcow2.small
	"$VIMG" bench -q -w -c 512 -s 64k qcow2.small # the file has 64 MiB, the disk half of that
	is image.allocation qcow2.small "info: 32 MiB of the disk's 64 MiB"
	is image.allocation qcow2.big "ok: all of the disk's 64 MiB"
}

@test "allocation of raw images is that of their file" {
	requires jq
	"$VIMG" create -q raw.empty 1M
	"$VIMG" create -q -o preallocation=full raw.full 1M
	is image.allocation raw.empty "info: 0 B of the disk's 1 MiB"
	is image.allocation raw.full "ok: all of the disk's 1 MiB"
}

@test "--apply raises the version and names the backing format" {
	requires jq
	"$VIMG" create -q raw.base 1M
	"$VIMG" create -q -f qcow2 -o compat=0.10 -F raw -b raw.base qcow2.old
	# the extension with the format becomes one that nobody knows
	poke qcow2.old 72 4 0x11111111
	is qcow2.backing-format qcow2.old "warn: missing in the header"
	is qcow2.version qcow2.old "warn: version 2 (compat 0.10)"
	"$VIMG" tune --apply qcow2.old >out
	grep -q '^mended *qcow2.version' out
	is qcow2.version qcow2.old "ok: version 3 (compat 1.1)"
	is qcow2.backing-format qcow2.old "ok: raw"
	[ "$("$VIMG" info --output=json qcow2.old | jq -r '."backing-filename-format"')" = raw ]
	"$VIMG" tune --apply qcow2.old >out
	run grep '^mended' out
	[ "$status" -eq 1 ]
}

@test "it reads only without --apply, and -q says nothing" {
	"$VIMG" create -q -f qcow2 -o compat=0.10 old 1M
	cp old before
	"$VIMG" tune old >out
	grep -q '^warn *qcow2.version' out
	same before old
	"$VIMG" tune -q old >out 2>&1
	[ ! -s out ]
}

@test "snapshots and compressed clusters are told" {
	requires jq
	"$VIMG" create -q -f qcow2 qcow2.a 1M
	"$VIMG" bench -q -w --pattern=7 -c 4 -s 64k qcow2.a
	"$VIMG" convert -c -O qcow2 qcow2.a qcow2.c
	"$VIMG" snapshot -c s qcow2.c
	is qcow2.compressed qcow2.c "info: 256 KiB compressed"
	is qcow2.snapshots qcow2.c "info: 1 internal"
	[ -z "$(finding qcow2.compressed qcow2.a)" ]
	[ -z "$(finding qcow2.snapshots qcow2.a)" ]
}

@test "the last line opens the image with QEMU" {
	"$VIMG" create -q -f qcow2 a 1M
	"$VIMG" tune a >out
	tail -n 1 out | grep -qE '^-drive file=a,format=qcow2,cache=(none|writeback),aio=(native|threads),l2-cache-size=[0-9]+,'
}
