#!/usr/bin/env bats
# Persistent bitmaps of images made by qemu-img: kept up to date while vimg writes, and read
# back through qemu-nbd.
load ../lib/common
load ../lib/qcow2
load ../lib/bitmaps

setup() {
	requires qemu-img qemu-io qemu-nbd
	common_setup
}

# fill IMAGE OFFSET COUNT SIZE: writes through vimg
fill() {
	"$VIMG" bench -q -w -f qcow2 -t writeback -d 1 -o "$2" -c "$3" -s "$4" "$1" >bench.out
}

flags() { qemu-img info -U "$1" | sed -n '/bitmaps:/,/refcount/p'; }

image() {
	qemu-img create -q -f qcow2 -o "cluster_size=$1" a.q 8M
	qemu-img bitmap --add -g 64k a.q auto
	qemu-io -c 'write 0 4k' a.q >/dev/null
	qemu-img bitmap --add --disable -g 64k a.q off
	qemu-img bitmap --merge auto a.q off
	flags a.q >flags.before
}

@test "writes of vimg show up in automatic bitmaps alone" {
	for cs in 512 4k 64k; do
		image "$cs"
		fill a.q 1M 2 64k
		fill a.q 5000k 1 512
		flags a.q >flags.after
		same flags.before flags.after
		[ "$(dirty a.q off)" = "0 65536" ]
		# 5000k lies in the granule that begins at 4992k
		printf '0 65536\n1048576 131072\n5111808 65536\n' >want
		dirty a.q auto >have
		same want have
		qemu-img check -q a.q
		rm a.q
	done
}

@test "info lists what qemu-img lists" {
	image 64k
	qemu-img info a.q | grep -v '^disk size' >want
	"$VIMG" info a.q | grep -v '^disk size' >have
	same want have
	qemu-img info --output=json a.q | grep -v actual-size >want
	"$VIMG" info --output=json a.q | grep -v actual-size >have
	same want have
}

@test "reading and checking leave bitmaps alone" {
	image 64k
	cp a.q before
	"$VIMG" check -q a.q
	"$VIMG" info a.q >/dev/null
	"$VIMG" convert -O raw a.q out
	same before a.q
}

@test "the disk grows and shrinks with its bitmaps" {
	image 512
	fill a.q 8128k 1 64k
	"$VIMG" resize -q a.q 1G
	printf '0 65536\n8323072 65536\n' >want
	dirty a.q auto >have
	same want have
	[ "$(dirty a.q off)" = "0 65536" ]
	fill a.q 1000M 1 64k
	dirty a.q auto | grep -qx '1048576000 65536'
	"$VIMG" resize -q --shrink a.q 4M
	qemu-img check -q a.q
	"$VIMG" resize -q a.q 16M
	[ "$(dirty a.q auto)" = "0 65536" ]
	qemu-img check -q a.q
}

@test "an inconsistent bitmap stays so, and the disk keeps its size" {
	image 64k
	# whoever is killed while writing leaves the mark
	qemu-io -c 'write 64k 4k' -c 'sigraise 9' a.q >/dev/null 2>&1 || :
	flags a.q >marked
	grep -q in-use marked
	fill a.q 1M 1 64k
	flags a.q >after
	same marked after
	run "$VIMG" resize a.q 16M
	[ "$status" = 1 ]
	[[ "$output" == *"is inconsistent and cannot be used"* ]]
	[ "$(qemu-img info --output=json a.q | sed -n 's/.*"virtual-size": \([0-9]*\),/\1/p' | head -1)" = 8388608 ]
}

@test "a downgrade gives their clusters back" {
	image 64k
	"$VIMG" amend -o compat=0.10 a.q 2>said
	grep -q 'bitmaps' said
	qemu-img check -q a.q
	[ "$(qemu-img info a.q | grep -c bitmaps)" = 0 ]
}

@test "bitmaps that another program left behind are told of, and go with the next header" {
	image 64k
	poke a.q 88 8 0
	"$VIMG" info a.q >out 2>said
	grep -q 'a program lacking bitmap support' said
	[ "$(grep -c bitmaps: out)" = 0 ]
	"$VIMG" resize -q a.q 16M 2>said
	"$VIMG" check -q -r leaks a.q
	qemu-img check -q a.q 2>said
	[ ! -s said ]
}
