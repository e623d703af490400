#!/usr/bin/env bats
# compact: space given back in place, and nothing else changed.
# test-timeout: 600
# shellcheck shell=bash disable=SC2016 # snippets are evaluated later
load ../lib/common
load ../lib/qcow2
load ../lib/messy

setup() {
	requires qemu-img qemu-io jq
	common_setup
}

# field NAME FILE: of the JSON answer
field() { jq ".\"$1\"" "$2"; }

bitmaps() { qemu-img info --output=json "$1" | jq -c '."format-specific".data.bitmaps'; }

@test "random images of every kind: contents, snapshots and bitmaps stay, and no more is left" {
	local seed n=12
	! long_run || n=120
	for ((seed = 1; seed <= n; seed++)); do
		messy "$seed" a.q
		sums a.q >before
		bitmaps a.q >bits
		"$VIMG" compact --dry-run --output=json a.q >dry
		"$VIMG" compact --output=json a.q >real
		sums a.q | cmp before -
		bitmaps a.q | cmp bits -
		qemu-img check a.q >check.out || { echo "seed $seed"; cat check.out; return 1; }
		[ "$(field file-size-after real)" = "$(stat -c %s a.q)" ]
		# packing compressed data may save more than was foreseen, and a little less
		[ "$(field file-size-after real)" -le $(($(field file-size-after dry) + 65536)) ]
		# nothing is left to do
		"$VIMG" compact --output=json a.q >again
		[ "$(field zero-bytes again) $(field leaked-bytes again)" = "0 0" ]
		[ "$(field file-size-after again)" = "$(field file-size-after real)" ]
	done
}

@test "after a snapshot is gone the file is as long as its clusters, without any hole" {
	qemu-img create -q -f qcow2 a.q 64M
	qemu-io -f qcow2 -c 'write -P 1 0 20M' a.q >/dev/null
	qemu-img snapshot -c s a.q
	qemu-io -f qcow2 -c 'write -P 2 0 20M' -c 'write -P 3 40M 1M' a.q >/dev/null
	qemu-img snapshot -d s a.q
	sums a.q >before
	[ "$(stat -c %s a.q)" -gt 40000000 ]
	"$VIMG" compact a.q
	sums a.q | cmp before -
	qemu-img check -q a.q
	# 21 MiB, header, L1, two L2 tables at most, refcount table and block
	[ "$(stat -c %s a.q)" -le $((21 * 1048576 + 6 * 65536)) ]
	[ "$(($(stat -c %b a.q) * 512))" -le $((22 * 1048576)) ]
}

@test "zeroes: found in data, but not without a look; what shows the backing image stays" {
	qemu-img create -q -f qcow2 a.q 8M
	qemu-io -f qcow2 -c 'write -P 0 0 4M' -c 'write -P 1 4M 64k' a.q >/dev/null
	cp a.q b.q
	"$VIMG" compact --output=json --no-zeroes a.q >out
	[ "$(field zero-bytes out)" = 0 ]
	"$VIMG" compact --output=json a.q >out
	[ "$(field zero-bytes out)" = 4194304 ]
	qemu-img compare -q a.q b.q
	# over a backing image with bytes below
	head -c 8M /dev/urandom >base
	for o in compat=1.1 compat=0.10 extended_l2=on; do
		qemu-img create -q -f qcow2 -o "$o" -b base -F raw o.q
		qemu-io -f qcow2 -c 'write -P 0 1M 1M' o.q >/dev/null
		sums o.q >before
		"$VIMG" compact -q o.q
		sums o.q | cmp before -
		qemu-img check -q o.q
	done
}

@test "leaks are freed, damage is refused and left alone" {
	qemu-img create -q -f qcow2 a.q 4M
	qemu-io -f qcow2 -c 'write -P 1 0 1M' a.q >/dev/null
	cp a.q bad.q
	set_refcount a.q 40 1
	truncate -s $((48 * 65536)) a.q
	"$VIMG" compact --output=json a.q >out
	[ "$(field leaked-bytes out)" = 65536 ]
	qemu-img check -q a.q
	[ "$(stat -c %s a.q)" -le $((21 * 65536)) ]
	set_refcount bad.q 6 0
	cp bad.q keep.q
	run "$VIMG" compact bad.q
	[ "$status" = 1 ] && [[ $output == *"check and repair it first"* ]]
	cmp bad.q keep.q
}

@test "a dry run says what there is and changes nothing, even of a file nobody may write" {
	messy 3 a.q
	cp a.q keep.q
	chmod a-w a.q
	"$VIMG" compact --dry-run a.q >out
	grep -q 'to be moved' out
	grep -q 'would be' out
	cmp a.q keep.q
}

@test "raw images get holes" {
	"$TOP/tests/images/pattern.sh" a.raw 8 >/dev/null
	dd if=/dev/zero of=a.raw bs=64k seek=40 count=60 conv=notrunc status=none
	cp --sparse=never a.raw full.raw
	"$VIMG" compact -f raw --output=json full.raw >out
	cmp a.raw full.raw
	[ "$(stat -c %b full.raw)" -le "$(cp --sparse=always a.raw s.raw && stat -c %b s.raw)" ]
	[ "$(field zero-bytes out)" -ge 3932160 ]
	[ "$(field file-size-before out)" = "$(field file-size-after out)" ]
}

@test "an image in use is refused, and so are those that cannot be moved" {
	qemu-img create -q -f qcow2 a.q 4M
	qemu-io -f qcow2 -c 'sleep 20000' a.q >/dev/null &
	local pid=$! n
	for ((n = 0; n < 100; n++)); do
		! qemu-img check -q a.q 2>/dev/null || { sleep 0.05; continue; }
		break
	done
	run "$VIMG" compact a.q
	kill "$pid"
	wait "$pid" || :
	[ "$status" = 1 ] && [[ $output == *lock* ]]
	qemu-img create -q -f qcow2 l.q 1M
	poke l.q 32 4 1 # AES
	cp l.q keep.q
	run "$VIMG" compact l.q
	[ "$status" = 1 ]
	cmp l.q keep.q
}

@test "100 GiB with little in it: only what moves is read and written" {
	case ${VARIANT:-release} in
	asan | tsan | static) skip "the fault library cannot be loaded before a $VARIANT program" ;;
	esac
	qemu-img create -q -f qcow2 a.q 100G
	qemu-io -f qcow2 -c 'write -P 1 0 4M' a.q >/dev/null
	qemu-img snapshot -c s a.q
	for ((i = 1; i <= 10; i++)); do
		qemu-io -f qcow2 -c "write -P $i $((i * 9))G 64k" a.q >/dev/null
	done
	qemu-io -f qcow2 -d unmap -c 'write -P 2 0 4M' a.q >/dev/null
	qemu-img snapshot -d s a.q
	sums a.q >before
	export LSAN_OPTIONS=
	FAULT_COUNT=count LD_PRELOAD=$IOFAULT "$VIMG" compact --output=json a.q >out
	sums a.q | cmp before -
	qemu-img check -q a.q
	cat out count
	# clusters are 64 KiB: of the 4 MiB before the last writes nothing else moves
	[ "$(field moved-bytes out)" -le $((5 << 20)) ]
	[ "$(cat count)" -lt 1000 ]
	[ "$(stat -c %s a.q)" -le $((6 << 20)) ]
	# all of it preallocated: holes are not read, and go
	qemu-img create -q -f qcow2 -o preallocation=metadata b.q 100G
	qemu-io -f qcow2 -c 'write -P 1 50G 1M' b.q >/dev/null
	sums b.q >before
	FAULT_COUNT=count LD_PRELOAD=$IOFAULT "$VIMG" compact -q b.q
	sums b.q | cmp before -
	qemu-img check -q b.q
	cat count
	[ "$(cat count)" -lt 10000 ]
	[ "$(stat -c %s b.q)" -lt $((2 << 20 | 200 * 65536)) ]
}

@test "killed at random moments, it is taken up again" {
	local seed ms n=0 rounds=8 pid
	! long_run || rounds=200
	messy 2 start.q
	qemu-io -f qcow2 -c 'write -P 0 0 2M' -c 'write -P 9 2M 6M' start.q >/dev/null
	sums start.q | awk '{ print $1 }' >before
	for ((seed = 0; seed < rounds; seed++)); do
		cp start.q a.q
		ms=$((RANDOM % 60 + 1))
		"$VIMG" compact -q -r 100M a.q 2>/dev/null &
		pid=$!
		sleep "0.$(printf %03d $ms)"
		! kill -9 "$pid" 2>/dev/null || n=$((n + 1))
		wait "$pid" 2>/dev/null || :
		sound a.q
		sums a.q | awk '{ print $1 }' | cmp before -
		"$VIMG" compact -q a.q
		qemu-img check -q a.q
		sums a.q | awk '{ print $1 }' | cmp before -
	done
	[ "$n" -gt 0 ]
}

@test "told to stop, it stops with a whole image and says so" {
	qemu-img create -q -f qcow2 a.q 64M
	qemu-io -f qcow2 -c 'write -P 0 0 8M' -c 'write -P 1 8M 24M' a.q >/dev/null
	sums a.q >before
	"$VIMG" compact -q -r 8M a.q 2>err &
	local pid=$! rc=0
	sleep 0.5
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" != 0 ]
	grep -q 'it goes on' err
	qemu-img check -q a.q || [ "$?" = 3 ]
	sums a.q | cmp before -
	"$VIMG" compact -q a.q
	qemu-img check -q a.q
	sums a.q | cmp before -
	[ "$(stat -c %s a.q)" -lt 26000000 ]
}
