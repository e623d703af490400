#!/usr/bin/env bats
# vimg bitmap and convert --bitmaps: the bits, as QEMU sees them.
# test-timeout: 300
load ../lib/common
load ../lib/qcow2
load ../lib/bitmaps

setup() {
	requires qemu-img qemu-io qemu-nbd
	common_setup
}

# image CLUSTER_SIZE: 64 MiB; bitmap "fine" has odd places, "coarse" others
image() {
	rm -f a.q
	qemu-img create -q -f qcow2 -o "cluster_size=$1" a.q 64M
	qemu-img bitmap --add -g 512 a.q fine
	qemu-io -c 'write 512 512' -c 'write 5M 1536' -c 'write 67108352 512' a.q >/dev/null
	qemu-img bitmap --disable a.q fine
	qemu-img bitmap --add -g 1M a.q coarse
	qemu-io -c 'write 9M 1' -c 'write 33M 3M' a.q >/dev/null
	qemu-img bitmap --disable a.q coarse
}

# twins COMMAND...: does it with vimg on v.q, with qemu-img on q.q, and compares the bitmaps
twins() {
	local b
	cp a.q v.q
	cp a.q q.q
	"$VIMG" bitmap "${@//IMAGE/v.q}"
	qemu-img bitmap "${@//IMAGE/q.q}"
	qemu-img check -q v.q
	"$VIMG" check -q v.q
	for b in $(qemu-img info q.q | sed -n 's/^ *name: //p'); do
		dirty q.q "$b" >want
		dirty v.q "$b" >have
		same want have || { echo "bitmap $b after $*"; return 1; }
	done
	qemu-img info q.q | sed -n '/bitmaps:/,/refcount/p' >want
	qemu-img info v.q | sed -n '/bitmaps:/,/refcount/p' >have
	same want have
}

@test "merge, clear, remove: the bits of qemu-img" {
	for cs in 512 4k 64k 2M; do
		image "$cs"
		twins --merge coarse IMAGE fine
		twins --merge fine IMAGE coarse
		twins --add -g 4k --merge fine --merge coarse IMAGE new
		twins --add -g 512 --merge fine --merge coarse --merge fine IMAGE new
		twins --clear --merge coarse IMAGE fine
		twins --clear IMAGE fine
		twins --remove IMAGE coarse
	done
}

@test "merge from another image, with other clusters" {
	image 64k
	mv a.q src.q
	image 512
	"$VIMG" bitmap --clear a.q fine
	twins -b src.q -F qcow2 --merge fine IMAGE fine
	twins -b src.q --merge fine --merge coarse IMAGE coarse
	cp src.q before
	"$VIMG" bitmap -b src.q --merge fine a.q fine
	same before src.q
}

@test "a bitmap made here follows writes of both programs" {
	qemu-img create -q -f qcow2 a.q 16M
	"$VIMG" bitmap --add -g 64k a.q b
	"$VIMG" bench -q -w -f qcow2 -t writeback -d 1 -o 1M -c 1 -s 4k a.q >/dev/null
	qemu-io -c 'write 2M 4k' a.q >/dev/null
	printf '1048576 65536\n2097152 65536\n' >want
	dirty a.q b >have
	same want have
	"$VIMG" bitmap --disable a.q b
	"$VIMG" bench -q -w -f qcow2 -t writeback -d 1 -o 3M -c 1 -s 4k a.q >/dev/null
	dirty a.q b >have
	same want have
}

# A bitmap wholly set is stored without clusters of bits.
@test "all bits set" {
	qemu-img create -q -f qcow2 -o cluster_size=512 a.q 2M
	"$VIMG" bitmap --add -g 512 a.q b
	"$VIMG" bench -q -w -f qcow2 -t writeback -d 1 -c 2 -s 1M a.q >/dev/null
	"$VIMG" bitmap --add -g 512 --merge b a.q c
	dirty a.q c >have
	echo '0 2097152' >want
	same want have
	qemu-img check -q a.q
	qemu-img bitmap --add -g 4k --merge c a.q d
	dirty a.q d >have
	same want have
}

@test "an inconsistent bitmap can be removed, and nothing else" {
	qemu-img create -q -f qcow2 a.q 16M
	qemu-img bitmap --add a.q coarse
	qemu-io -c 'write 64k 4k' -c 'sigraise 9' a.q >/dev/null 2>&1 || :
	qemu-img info -U a.q | grep -q in-use
	"$VIMG" bitmap --add -g 4k a.q fine
	"$VIMG" bench -q -w -f qcow2 -t writeback -d 1 -o 1M -c 1 -s 4k a.q >/dev/null
	for o in --clear --enable --disable '--merge fine'; do
		# shellcheck disable=SC2086
		run "$VIMG" bitmap $o a.q coarse
		[ "$status" = 1 ]
		[[ "$output" == *"Bitmap 'coarse' is inconsistent and cannot be used"* ]]
	done
	run "$VIMG" convert --bitmaps -O qcow2 a.q n.q
	[ "$status" = 1 ]
	[[ "$output" == *"Cannot copy inconsistent bitmap 'coarse'"*--skip-broken-bitmaps* ]]
	[ ! -e n.q ]
	run "$VIMG" convert --bitmaps --skip-broken-bitmaps -O qcow2 a.q n.q
	[ "$status" = 0 ]
	[[ "$output" == *"warning: Skipping inconsistent bitmap 'coarse'"* ]]
	dirty a.q fine >want
	dirty n.q fine >have
	same want have
	"$VIMG" bitmap --remove a.q coarse
	qemu-img check -q a.q
	[ "$(qemu-img info a.q | sed -n 's/^ *name: //p')" = fine ]
}

@test "operations that cannot all be done leave everything as it was" {
	image 4k
	"$VIMG" info a.q | grep -v '^disk size' >before
	for b in fine coarse; do dirty a.q "$b" >"before.$b"; done
	run "$VIMG" bitmap --clear --merge coarse --merge nosuch a.q fine
	[ "$status" = 1 ]
	[[ "$output" == *"Operation merge on bitmap fine failed: Dirty bitmap 'nosuch' not found"* ]]
	"$VIMG" info a.q | grep -v '^disk size' >after
	same before after
	for b in fine coarse; do dirty a.q "$b" >after; same "before.$b" after; done
	qemu-img check -q a.q
}

@test "convert --bitmaps takes the bits along" {
	for cs in 512 64k; do
		image 4k
		"$VIMG" convert --bitmaps -O qcow2 -o "cluster_size=$cs" a.q n.q
		qemu-img check -q n.q
		qemu-img info a.q | sed -n '/bitmaps:/,/refcount/p' >want
		qemu-img info n.q | sed -n '/bitmaps:/,/refcount/p' >have
		same want have
		for b in fine coarse; do
			dirty a.q "$b" >want
			dirty n.q "$b" >have
			same want have
		done
	done
}
