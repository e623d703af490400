# The destination of convert: it changes in one step or not at all.
# shellcheck shell=bash
load ../lib/common

setup() {
	common_setup
	"$TOP/tests/images/pattern.sh" src.raw 2
}

same_content() { "$VIMG" compare -q -f raw src.raw "$1"; }

@test "a new file has the usual mode" {
	umask 027
	"$VIMG" convert -f raw -O qcow2 src.raw dst
	[ "$(stat -c %a dst)" = 640 ]
	same_content dst
	no_debris
}

@test "mode, owner and attributes of the old file are kept" {
	echo old >dst
	chmod 604 dst
	[ "$(id -u)" != 0 ] || chown 1234:4321 dst
	local owner
	owner=$(stat -c %u:%g dst)
	"$VIMG" convert -f raw -O qcow2 src.raw dst
	[ "$(stat -c %a dst)" = 604 ]
	[ "$(stat -c %u:%g dst)" = "$owner" ]
	same_content dst
	no_debris
}

@test "a symbolic link stays, its target is replaced" {
	mkdir sub
	echo old >sub/real
	ln -s sub/real dst
	"$VIMG" convert -f raw -O qcow2 src.raw dst
	[ -L dst ]
	same_content sub/real
	ln -s sub/other new
	"$VIMG" convert -f raw -O qcow2 src.raw new
	[ -L new ]
	same_content sub/other
}

@test "hard links stay together" {
	echo old >dst
	ln dst twin
	"$VIMG" convert -f raw -O qcow2 src.raw dst
	[ dst -ef twin ]
	same_content twin
	no_debris
}

@test "a relative backing file is found from the destination's folder" {
	mkdir sub
	"$VIMG" convert -f raw -O qcow2 src.raw sub/base.q
	"$VIMG" convert -O qcow2 -B base.q -F qcow2 -f raw src.raw sub/top.q
	same_content sub/top.q
	[ "$("$VIMG" info --output=json sub/top.q | jq -r '."backing-filename"')" = base.q ]
}

@test "the destination may be the source: it is read until it is replaced" {
	cp src.raw dst
	"$VIMG" convert -f raw -O qcow2 dst dst
	same_content dst
}

@test "the destination must not be in use" {
	requires qemu-io
	qemu-img create -q -f qcow2 busy.q 1M
	(echo; sleep 3) | qemu-io -f qcow2 busy.q >/dev/null &
	sleep 1
	run "$VIMG" convert -f raw -O qcow2 src.raw busy.q
	[ "$status" = 1 ]
	[[ $output == *"qemu-io"* ]]
	wait
}

@test "a file that holds a partition table or file system is refused without --force" {
	requires sfdisk
	truncate -s 2M dst
	echo 'start=64' | sfdisk -q dst
	cp dst keep
	run "$VIMG" convert -f raw -O qcow2 src.raw dst
	[ "$status" = 1 ]
	[[ $output == *"partition table"* ]]
	[[ $output == *"--force"* ]]
	cmp dst keep
	run "$VIMG" create -f qcow2 dst 1M
	[ "$status" = 1 ]
	cmp dst keep
	"$VIMG" convert --force -f raw -O qcow2 src.raw dst
	same_content dst
}

@test "called as qemu-img it overwrites what scripts expect it to" {
	requires sfdisk
	truncate -s 2M dst
	echo 'start=64' | sfdisk -q dst
	ln -s "$VIMG" qemu-img
	./qemu-img convert -f raw -O qcow2 src.raw dst
	same_content dst
}

@test "progress as JSON" {
	"$VIMG" convert --progress=json -f raw -O qcow2 src.raw dst 2>p
	jq -e . p >/dev/null
	[ "$(tail -n 1 p | jq '.progress.done == .progress.total')" = true ]
}

@test "the same input gives the same output" {
	"$VIMG" convert -f raw -O qcow2 src.raw a.q
	"$VIMG" convert -f raw -O qcow2 -m 16 src.raw b.q
	cmp a.q b.q
	"$VIMG" convert -c -f raw -O qcow2 -o compression_type=zstd src.raw a.q
	"$VIMG" convert -c -f raw -O qcow2 -o compression_type=zstd -m 16 src.raw b.q
	cmp a.q b.q
}
