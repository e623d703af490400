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

@test "an answer that cannot be written is an error, a reader that left is not" {
	run sh -c '"$VIMG" info a.q >/dev/full'
	[ "$status" -eq 1 ]
	[[ "$output" == *"No space left"* ]]
	run bash -c '"$VIMG" info a.q | true; echo ${PIPESTATUS[0]}'
	[ "$output" = 0 ]
}
