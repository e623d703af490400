#!/usr/bin/env bats
# "-" as standard input and output: what is read and written once, front to back.
# test-timeout: 300
# shellcheck disable=SC2002 # a pipe is what is wanted
load ../lib/common

setup() {
	requires qemu-img
	common_setup
	# data, holes, zeroes that are stored, and an end inside a cluster
	"$TOP/tests/images/pattern.sh" a.raw 24 >/dev/null
	truncate -s 60000256 a.raw
	dd if=/dev/zero of=a.raw bs=64k seek=700 count=20 conv=notrunc status=none
	export TMPDIR=$PWD/spool
	mkdir spool
}

# holds IMAGE FORMAT: a sound image of a.raw
holds() {
	[ "$2" = raw ] || qemu-img check -q "$1"
	qemu-img compare -q -f raw -F "$2" a.raw "$1"
}

@test "a raw image from a pipe, to raw and qcow2, sparse, plain and compressed" {
	cat a.raw | "$VIMG" convert - out.raw
	cmp a.raw out.raw
	[ "$(stat -c %b out.raw)" -lt "$(stat -c %b a.raw)" ]
	cat a.raw | "$VIMG" convert -O qcow2 - out.q
	holds out.q qcow2
	cat a.raw | "$VIMG" convert -f raw -c -O qcow2 -o cluster_size=4k - out.q
	holds out.q qcow2
	[ "$(qemu-img info --output=json out.q | jq '."virtual-size"')" = 60000256 ]
	cat a.raw | "$VIMG" convert -S 0 - out.raw
	cmp a.raw out.raw
	# into an image that is there
	qemu-img create -q -f qcow2 n.q 60000256
	cat a.raw | "$VIMG" convert -n -O qcow2 - n.q
	holds n.q qcow2
	qemu-img create -q -f qcow2 n.q 1M
	run bash -c 'cat a.raw | "$VIMG" convert -n -O qcow2 - n.q'
	[ "$status" = 1 ] && [[ $output == *smaller* ]]
	[ -z "$(ls -A spool)" ]
}

@test "no length, odd lengths, and more than the destination grows at a time" {
	"$VIMG" convert - e.raw </dev/null
	[ "$(stat -c %s e.raw)" = 0 ]
	printf '' | "$VIMG" convert -O qcow2 - e.q
	[ "$(qemu-img info --output=json e.q | jq '."virtual-size"')" = 0 ]
	head -c 1000 a.raw | "$VIMG" convert - o.raw
	[ "$(stat -c %s o.raw)" = 1024 ]
	cmp -n 1000 a.raw o.raw
	[ "$(head -c 1000 a.raw | "$VIMG" convert - - | wc -c)" = 1024 ]
	# 1 GiB is one step
	truncate -s 2200M big.raw
	printf end | dd of=big.raw bs=1 seek=2300000000 conv=notrunc status=none
	cat big.raw | "$VIMG" convert -O qcow2 - big.q
	qemu-img check -q big.q
	qemu-img compare -q -f raw -F qcow2 big.raw big.q
	cat big.raw | "$VIMG" convert -c -O qcow2 - big.q
	qemu-img compare -q -f raw -F qcow2 big.raw big.q
}

@test "qcow2 from a pipe is kept in a temporary file, which does not stay" {
	qemu-img convert -c -f raw -O qcow2 a.raw a.q
	cat a.q | "$VIMG" convert -O raw - out.raw
	holds out.raw raw
	cat a.q | "$VIMG" convert -O raw - - | cmp a.raw -
	cat a.q | "$VIMG" info - | grep -q 'file format: qcow2'
	cat a.q | "$VIMG" check -q -
	cat a.q | "$VIMG" compare -q - a.raw
	cat a.q | "$VIMG" map --output=json - | cmp - <("$VIMG" map --output=json a.q)
	[ -z "$(ls -A spool)" ]
	TMPDIR=$PWD/missing run bash -c 'cat a.q | "$VIMG" convert - out.raw'
	[ "$status" = 1 ] && [[ $output == *"temporary file"*missing* ]]
}

@test "a file as standard input is opened as it is" {
	qemu-img convert -f raw -O qcow2 a.raw a.q
	TMPDIR=/nowhere "$VIMG" convert -O raw - out.raw <a.q
	holds out.raw raw
	# but not from its middle
	{ dd bs=512 count=1 status=none >/dev/null; "$VIMG" convert - out.raw; } <a.raw
	tail -c +513 a.raw | cmp - out.raw
}

@test "qcow2 to a pipe in all its forms" {
	qemu-img convert -f raw -O qcow2 a.raw a.q
	for o in cluster_size=512 cluster_size=2M,extended_l2=on extended_l2=on compat=0.10 \
		refcount_bits=1 refcount_bits=64,cluster_size=1k lazy_refcounts=on; do
		"$VIMG" convert -O qcow2 -o "$o" a.q - | cat >s.q
		holds s.q qcow2
	done
	[ -z "$(ls -A spool)" ]
	# TMPDIR that is not there: nothing needed it.  These need it:
	for o in -c '-o preallocation=metadata' '-b base.q -F qcow2'; do
		qemu-img create -q -f qcow2 base.q 60000256
		# shellcheck disable=SC2086
		"$VIMG" convert -O qcow2 $o a.q - | cat >s.q
		holds s.q qcow2
		# shellcheck disable=SC2086
		TMPDIR=/nowhere run "$VIMG" convert -O qcow2 $o a.q -
		[ "$status" = 1 ] && [[ $output == *temporary* ]]
	done
	cat a.raw | "$VIMG" convert -O qcow2 - - | cat >s.q
	holds s.q qcow2
	[ -z "$(ls -A spool)" ]
}

@test "the data is read once, and by -S twice to leave zeroes out" {
	TMPDIR=/nowhere "$VIMG" convert -f raw -O qcow2 a.raw - | cat >s.q
	holds s.q qcow2
	TMPDIR=/nowhere "$VIMG" convert -S 4k -f raw -O qcow2 a.raw - | cat >t.q
	holds t.q qcow2
	[ "$(stat -c %s t.q)" -lt "$(stat -c %s s.q)" ]
	[ "$(stat -c %s t.q)" -lt 30000000 ]
}

@test "raw to a pipe has its zeroes, to a file its holes" {
	qemu-img convert -f raw -O qcow2 a.raw a.q
	"$VIMG" convert a.q - | cmp a.raw -
	"$VIMG" convert a.q - >out.raw
	cmp a.raw out.raw
	[ "$(stat -c %b out.raw)" -lt 60000 ]
	# where something lies behind, or writes are appended, zeroes are written
	tr '\0' x </dev/zero | head -c 61000000 >old
	"$VIMG" convert a.q - 1<>old
	head -c 60000256 old | cmp a.raw -
	: >app
	"$VIMG" convert a.q - >>app
	cmp a.raw app
}

@test "a reader that takes little at a time, one that does not wait, one that goes" {
	"$VIMG" convert -f raw -O qcow2 a.raw - | dd bs=777 status=none >s.q
	holds s.q qcow2
	requires python3
	# both ends of the pipe never wait
	python3 - "$VIMG" <<-'PY'
		import fcntl, os, subprocess, sys, time
		r, w = os.pipe()
		fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)
		p = subprocess.Popen([sys.argv[1], "convert", "-f", "raw", "a.raw", "-"], stdout=w)
		os.close(w)
		out = open("n.raw", "wb")
		while b := os.read(r, 30000):
		    out.write(b)
		sys.exit(p.wait())
	PY
	cmp a.raw n.raw
	run bash -c '"$VIMG" convert -f raw a.raw - | head -c 9 >/dev/null; echo "${PIPESTATUS[0]}"'
	[[ $output == *"standard output"*"Broken pipe"*1 ]]
}

@test "progress is not in the stream" {
	"$VIMG" convert -p -f raw -O qcow2 a.raw - 2>err | cat >s.q
	holds s.q qcow2
	grep -q '100.00/100%' err
	cat a.raw | "$VIMG" convert --progress=json - - 2>err | cmp a.raw -
	tail -n 1 err | jq -e '.progress.done == 60000256 and .progress.total == null' >/dev/null
}

@test "a source that changes between map and data is an error" {
	local i
	truncate -s 96M b.raw
	dd if=/dev/urandom of=b.raw bs=1M count=64 conv=notrunc status=none
	for ((i = 65; i < 96; i += 2)); do # more than what is remembered of a map
		dd if=/dev/urandom of=b.raw bs=1M seek=$i count=1 conv=notrunc status=none
	done
	mkfifo f
	"$VIMG" convert -f raw -O qcow2 b.raw - >f 2>err &
	local pid=$!
	exec 7<f
	dd bs=64k count=1 status=none <&7 >/dev/null # the metadata is out
	dd if=/dev/urandom of=b.raw bs=1M seek=80 count=1 conv=notrunc status=none
	cat <&7 >/dev/null
	exec 7<&-
	local rc=0
	wait $pid || rc=$?
	[ "$rc" = 1 ]
	grep -q 'source changed' err
}

@test "checksum and dd" {
	[ "$(cat a.raw | "$VIMG" checksum - | cut -d' ' -f1)" = \
		"$("$VIMG" checksum -f raw a.raw | cut -d' ' -f1)" ]
	[ "$(cat a.raw | "$VIMG" checksum --plain - | cut -d' ' -f1)" = \
		"$(sha256sum <a.raw | cut -d' ' -f1)" ]
	cat a.raw | "$VIMG" checksum --output=json - | jq -e '."virtual-size" == 60000256' >/dev/null
	qemu-img convert -c -f raw -O qcow2 a.raw a.q
	[ "$(cat a.q | "$VIMG" checksum - | cut -d' ' -f1)" = \
		"$("$VIMG" checksum -f raw a.raw | cut -d' ' -f1)" ]
	"$VIMG" dd -f raw if=a.raw of=- bs=1M skip=2 count=5 | cmp - \
		<(dd if=a.raw bs=1M skip=2 count=3 status=none)
	# an input without an end
	tr '\0' x </dev/zero | "$VIMG" dd if=- of=x.raw bs=1M count=3
	[ "$(tr -d x <x.raw | wc -c)" = 0 ] && [ "$(stat -c %s x.raw)" = 3145728 ]
	run "$VIMG" dd -f raw -O qcow2 if=a.raw of=-
	[ "$status" = 1 ] && [[ $output == *"use convert"* ]]
}

@test "what a stream has not is refused" {
	refused() {
		local want=$1
		shift
		run bash -c 'cat a.raw | "$VIMG" convert "$@"' _ "$@"
		[ "$status" = 1 ] || return 1
		[[ $output == *"$want"* ]] || { echo "$output"; return 1; }
		[ ! -e o.x ]
	}
	refused 'read again' --verify - o.x
	refused 'no -W' -W - o.x
	refused 'length of the disk' -o preallocation=full - o.x
	refused 'length of the disk' -O qcow2 -B a.raw -F raw - o.x
	refused 'salvaged' --salvage - o.x
	refused 'offloading' -C - o.x
	refused 'read again' --verify -f raw a.raw -
	refused '-n needs' -n -f raw a.raw -
	refused 'data file' -f raw -O qcow2 -o data_file=d a.raw -
	run bash -c 'cat a.raw | "$VIMG" resize -f raw - 1M'
	[ "$status" = 1 ] && [[ $output == *"cannot be changed"* ]]
	run "$VIMG" convert - o.x <.
	[ "$status" = 1 ] && [[ $output == *directory* ]]
}

@test "terminals are refused" {
	requires script
	requires_pty
	run script -qec "'$VIMG' convert -f raw a.raw -" /dev/null
	[ "$status" = 1 ] && [[ $output == *terminal* ]]
	run script -qec "'$VIMG' convert - o.x" /dev/null
	[ "$status" = 1 ] && [[ $output == *terminal* ]]
}
