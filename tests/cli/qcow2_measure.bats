#!/usr/bin/env bats
# test-timeout: 300
# measure says what qemu-img says, to the byte, and an image is no larger than it said.
load ../lib/common

setup() {
	requires qemu-img qemu-io
	common_setup
}

# equal ARGUMENT...: both answer the same
equal() {
	local a=0 b=0
	qemu-img measure -O qcow2 "$@" >want 2>want.err || a=$?
	"$VIMG" measure -O qcow2 "$@" >have 2>have.err || b=$?
	sed -i 's/^qemu-img: //' want.err
	sed -i 's/^vimg: //' have.err
	[ "$a" = "$b" ] && same want have && same want.err have.err && return
	echo "measure $*: $a and $b"
	return 1
}

@test "sizes, cluster sizes, refcount widths" {
	for size in 0 1 512 1M 3333333333 100G 1T 128G 2E 7E; do
		for cs in 512 4k 64k 2M; do
			for bits in 1 16 64; do
				equal -o "cluster_size=$cs,refcount_bits=$bits" --size "$size"
			done
		done
	done
}

@test "options" {
	for o in extended_l2=on preallocation=full preallocation=falloc preallocation=metadata \
		backing_file=x data_file=y lazy_refcounts=on compat=0.10 refcount_bits=3 \
		cluster_size=100 extended_l2=on,cluster_size=4k refcount_bits=1,compat=0.10; do
		equal -o "$o" --size 1G
	done
}

@test "what images hold" {
	qemu-img create -q -f qcow2 -o cluster_size=4k a.q 100M
	qemu-io -c 'write 1M 3M' -c 'write -z 2M 128k' -c 'write -c 10M 64k' \
		-c 'write 50000k 3k' a.q >/dev/null
	qemu-img bitmap --add a.q b1
	qemu-img bitmap --add -g 512 a.q b2
	qemu-img create -q -f qcow2 -b a.q -F qcow2 over.q 120M
	qemu-io -c 'write 30M 33k' -c 'discard 1M 1M' over.q >/dev/null
	qemu-img create -q -f qcow2 -o preallocation=metadata pre.q 50M
	qemu-io -c 'write 30M 33k' pre.q >/dev/null
	qemu-img create -q -f qcow2 -o extended_l2=on sub.q 50M
	qemu-io -c 'write 30M 3k' -c 'write 40M 100k' sub.q >/dev/null
	truncate -s 70M plain
	qemu-io -f raw -c 'write 10M 1M' -c 'write 30M 5k' plain >/dev/null
	for f in a.q over.q pre.q sub.q plain; do
		fmt=qcow2
		[ "$f" != plain ] || fmt=raw
		for o in cluster_size=64k cluster_size=512 cluster_size=2M compat=0.10 \
			backing_file=x preallocation=full refcount_bits=64 extended_l2=on; do
			equal -f "$fmt" -o "$o" "$f"
		done
		required=$("$VIMG" measure -f "$fmt" -O qcow2 "$f" | sed -n 's/required size: //p')
		"$VIMG" convert -f "$fmt" -O qcow2 "$f" out.q
		[ "$(stat -c %s out.q)" -le "$required" ]
	done
}
