#!/usr/bin/env bats
# The locks are QEMU's: qemu-io, qemu-img and vimg keep out of each other's way, in both
# directions, and where vimg has to stay out it names who is in.
load ../lib/common

setup() {
	common_setup
	requires qemu-img qemu-io
	qemu-img create -q -f qcow2 base.qcow2 1M
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2
	qemu-img create -q -f qcow2 -o data_file=data.raw ext.qcow2 1M
	qemu-img create -q -f raw flat.raw 1M
	HOLDER=
}

teardown() {
	let_go
	common_teardown
}

# hold ARGS...: a qemu-io with these arguments has its image open until let_go.
hold() {
	rm -f in out
	mkfifo in
	qemu-io "$@" <in >out 2>&1 3>&- &
	HOLDER=$!
	exec 9>in
	echo 'length' >&9
	# it answers when the image is open
	for _ in $(seq 200); do
		grep -q 'MiB' out && return
		kill -0 "$HOLDER" || { cat out; return 1; }
		sleep 0.05
	done
	return 1
}

let_go() {
	[ -n "$HOLDER" ] || return 0
	exec 9>&-
	# qemu-io ends with its input
	[ -e in ] || kill "$HOLDER"
	wait "$HOLDER" || :
	HOLDER=
}

# hold_by_vimg IMAGE ARGS...: a vimg that reads the image until let_go.
hold_by_vimg() {
	"$VIMG" bench -q -c 1000000000 -f qcow2 "${@:2}" "$1" >/dev/null 2>&1 3>&- &
	HOLDER=$!
	for _ in $(seq 200); do
		grep -q "OFDLCK.*:$(stat -c %i "$1") " /proc/locks && return
		sleep 0.05
	done
	return 1
}

@test "a writer keeps everybody out, and is named" {
	hold -f qcow2 top.qcow2
	run "$VIMG" check top.qcow2
	[ "$status" -ne 0 ]
	[[ $output == *'Failed to get shared "write" lock'* ]]
	[[ $output == *'Is another process using the image [top.qcow2]?'* ]]
	[[ $output == *"$HOLDER (qemu-io)"* ]]
	run "$VIMG" resize top.qcow2 2M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
	run "$VIMG" create -q -f qcow2 top.qcow2 5M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
	let_go
	"$VIMG" check top.qcow2
}

@test "the words are those of qemu-img, before the holder" {
	hold -f qcow2 top.qcow2
	qemu-img info top.qcow2 >theirs 2>&1 || :
	# under its own name vimg describes the image all the same: untrusted.bats
	ln -s "$VIMG" qemu-img
	./qemu-img info top.qcow2 >ours 2>&1 || :
	head -n 2 ours >got
	same theirs got
}

@test "readers share" {
	hold -r -f qcow2 top.qcow2
	"$VIMG" info top.qcow2
	"$VIMG" check top.qcow2
	run "$VIMG" resize top.qcow2 2M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
}

@test "-U looks at an image that another writes to" {
	hold -f qcow2 top.qcow2
	"$VIMG" info -U top.qcow2
	"$VIMG" info -U --backing-chain top.qcow2
	"$VIMG" map -U top.qcow2
}

@test "a backing image is read, not written, while its overlay is open" {
	hold -f qcow2 top.qcow2
	"$VIMG" info base.qcow2
	run "$VIMG" resize base.qcow2 2M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
}

@test "raw images are shared as QEMU shares them" {
	hold -f raw flat.raw
	"$VIMG" info -f raw flat.raw
	"$VIMG" resize -f raw flat.raw 2M
	let_go
	hold -r -f raw flat.raw
	"$VIMG" resize -f raw flat.raw 3M
}

@test "an external data file keeps its size while somebody uses it" {
	hold -f qcow2 ext.qcow2
	run "$VIMG" resize -f raw data.raw 2M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "resize" lock'* ]]
}

@test "qemu-img respects vimg" {
	hold_by_vimg top.qcow2
	qemu-img info top.qcow2
	qemu-img info base.qcow2
	run qemu-img resize top.qcow2 5M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
	run qemu-img resize base.qcow2 5M
	[ "$status" -eq 1 ]
	[[ $output == *'Failed to get "write" lock'* ]]
	run qemu-io -f qcow2 -c 'write 0 512' top.qcow2
	[ "$status" -eq 1 ]
}

@test "with -U vimg is in nobody's way" {
	hold_by_vimg top.qcow2 -U
	qemu-img resize -q top.qcow2 5M
}

@test "vimg respects vimg, and names it" {
	hold_by_vimg top.qcow2
	"$VIMG" info top.qcow2
	run "$VIMG" resize top.qcow2 5M
	[ "$status" -eq 1 ]
	[[ $output == *"$HOLDER (vimg)"* ]]
}

@test "locking=off takes none and asks for none" {
	hold -f qcow2 top.qcow2
	"$VIMG" info --image-opts driver=qcow2,file.driver=file,file.filename=top.qcow2,file.locking=off
}
