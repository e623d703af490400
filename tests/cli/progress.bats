#!/usr/bin/env bats
# How commands say how far they are, and what becomes of their work when they are stopped.
load ../lib/common

setup() {
	common_setup
	"$VIMG" create -q -f qcow2 a.q 64M
	"$VIMG" bench -q -w -c 64 -s 512k -S 1M --pattern=1 a.q
}

@test "-p ends with 100 percent and a newline" {
	local cmd words words
	for cmd in 'convert -p a.q o' 'compare -p a.q a.q' 'amend -p -o compat=1.1 a.q' \
		'rebase -p -b none a.q' 'create -p -f qcow2 -o preallocation=metadata n 1G' 'check -p a.q' \
		'resize -p a.q 65M' 'snapshot -p -c s a.q' 'dd -p if=a.q of=o'; do
		echo "$cmd"
		read -ra words <<<"$cmd"
		words=("${words[@]/#none/}")
		"$VIMG" "${words[@]}" >out
		tr '\r' '\n' <out >lines
		grep -qx '    (0.00/100%)' lines
		grep -qx '    (100.00/100%)' lines
	done
}

@test "-q says nothing, even with -p" {
	"$VIMG" convert -p -q a.q o >out 2>&1
	[ ! -s out ]
}

@test "--progress=json gives an object per line on standard error" {
	requires jq
	"$VIMG" convert --progress=json -r 100M a.q o >out 2>err
	[ ! -s out ]
	[ -s err ]
	jq -e '.progress | (.done <= .total) and (.rate >= 0) and (.eta >= 0)' err >/dev/null
	[ "$(tail -n 1 err | jq '.progress.done == .progress.total')" = true ]
}

@test "resize counts the bytes that it readies" {
	requires jq
	"$VIMG" create -q -f raw r.img 1M
	"$VIMG" create -q -f qcow2 -o data_file=d.raw d.q 1M
	local mode fmt img
	while read -r mode fmt img; do
		echo "$mode $img"
		"$VIMG" resize -f "$fmt" --preallocation="$mode" --progress=json "$img" +8M 2>err
		[ "$(tail -n 1 err | jq -c '.progress | [.done, .total]')" = '[8388608,8388608]' ]
	done <<-END
		falloc raw r.img
		falloc qcow2 a.q
		falloc qcow2 d.q
		metadata qcow2 a.q
		metadata qcow2 d.q
		full raw r.img
		full qcow2 a.q
		full qcow2 d.q
	END
	"$VIMG" resize --preallocation=full --progress=human -f raw r.img +8M 2>err
	grep -qE '8 MiB of 8 MiB \(100%\), .*/s, 0:00:00 left' err
}

@test "a resize without preallocation is done at once" {
	"$VIMG" resize --progress=human a.q +8M 2>err
	[ ! -s err ]
}

@test "--progress=human gives bytes, rate and time left on standard error" {
	"$VIMG" convert --progress=human a.q o >out 2>err
	[ ! -s out ]
	grep -qE '64 MiB of 64 MiB \(100%\), .*/s, 0:00:00 left' err
}

@test "--progress=none says nothing, and other kinds are refused" {
	"$VIMG" convert --progress=none a.q o >out 2>&1
	[ ! -s out ]
	run "$VIMG" convert --progress=much a.q o
	[ "$status" -eq 1 ]
	[[ "$output" == *"not 'much'"* ]]
}

@test "without a terminal nothing is said" {
	"$VIMG" convert -r 50M a.q o >out 2>&1
	[ ! -s out ]
}

# Waits until the program @1 has caught the signal @2 (a number).
await_handler() {
	local caught
	for _ in $(seq 500); do
		caught=$(sed -n 's/^SigCgt:\t*//p' "/proc/$1/status") || return 1
		[ $((16#$caught >> ($2 - 1) & 1)) -eq 1 ] && return 0
		sleep 0.01
	done
	return 1
}

@test "SIGUSR1 makes it say the percentage, and go on" {
	"$VIMG" convert -r 32M a.q o >out 2>err &
	pid=$!
	await_handler $pid 10
	kill -USR1 $pid
	wait $pid
	[ ! -s out ]
	grep -qE '^    \([0-9.]+/100%\)$' err
	"$VIMG" compare a.q o
}

@test "create stopped by a signal leaves nothing" {
	"$VIMG" create -q -o preallocation=full n 20G &
	pid=$!
	await_handler $pid 15
	kill -TERM $pid
	local rc=0
	wait $pid || rc=$?
	[ "$rc" -eq 143 ]
	[ ! -e n ]
	no_debris
}

@test "an image that was there is not removed by a stopped create" {
	: >n
	"$VIMG" create -q -o preallocation=full n 20G &
	pid=$!
	timeout 20 sh -c 'until [ -s n ]; do sleep 0.01; done'
	kill -TERM $pid
	wait $pid || :
	[ -e n ]
}

@test "resize stopped by a signal leaves the image as it was" {
	requires jq
	"$VIMG" create -q -f raw r.img 1M
	"$VIMG" create -q -f qcow2 -o data_file=d.raw d.q 1M
	cp a.q before
	local fmt img size rc
	while read -r fmt img; do
		size=$("$VIMG" info -f "$fmt" --output=json "$img" | jq '."virtual-size"')
		"$VIMG" resize --preallocation=full -f "$fmt" "$img" +20G >out 2>&1 &
		pid=$!
		await_handler $pid 15
		kill -TERM $pid
		rc=0
		wait $pid || rc=$?
		echo "$img: $rc"
		[ "$rc" -eq 143 ]
		[ ! -s out ]
		[ "$("$VIMG" info -f "$fmt" --output=json "$img" | jq '."virtual-size"')" = "$size" ]
	done <<-END
		raw r.img
		qcow2 a.q
		qcow2 d.q
	END
	[ "$(stat -c %s r.img)" = 1048576 ]
	[ "$(stat -c %s d.raw)" = 1048576 ]
	"$VIMG" check a.q
	"$VIMG" compare -s before a.q
	[ "$(stat -c %s a.q)" -lt 134217728 ]
}

@test "an answer that cannot be written is an error, a reader that left is not" {
	run sh -c '"$VIMG" info a.q >/dev/full'
	[ "$status" -eq 1 ]
	[[ "$output" == *"No space left"* ]]
	run bash -c '"$VIMG" info a.q | true; echo ${PIPESTATUS[0]}'
	[ "$output" = 0 ]
}
