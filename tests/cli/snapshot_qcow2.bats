#!/usr/bin/env bats
# test-timeout: 300
# Internal snapshots: made, applied and deleted by vimg, judged by qemu-img, and the other
# way round.
load ../lib/common

setup() {
	requires qemu-img qemu-io
	common_setup
}

# Kinds of images that take snapshots.
kinds=(
	'compat=1.1'
	'compat=0.10'
	'compat=1.1,cluster_size=512'
	'compat=1.1,cluster_size=2M'
	'compat=1.1,cluster_size=4k,refcount_bits=64'
	'compat=1.1,cluster_size=4k,refcount_bits=32'
	'compat=1.1,lazy_refcounts=on'
	'compat=1.1,extended_l2=on'
	'compat=1.1,compression_type=zstd'
)

io() { qemu-io "$@" >/dev/null; }

# clean IMAGE: nothing at all is wrong with it, not even a leak, in either's eyes
clean() {
	qemu-img check "$1" >c.out 2>&1 || { cat c.out; return 1; }
	"$VIMG" check "$1" >v.out 2>&1 || { cat v.out; return 1; }
	same c.out v.out
}

# listed IMAGE: the list is the same in both programs' words
listed() {
	qemu-img snapshot -l "$1" >c.out
	"$VIMG" snapshot -l "$1" >v.out
	same c.out v.out
}

# same_disk RAW IMAGE: equal, and of one size
same_disk() {
	qemu-img compare -q "$1" "$2"
	[ "$(stat -c %s "$1")" = "$(qemu-img info --output=json "$2" |
		sed -n 's/^    "virtual-size": \([0-9]*\),$/\1/p')" ]
}

@test "create, change, apply, delete, in all kinds of images" {
	local o
	for o in "${kinds[@]}"; do
		echo "kind: $o"
		rm -f ./*.img
		qemu-img create -q -f qcow2 -o "$o" x.img 8M
		io -c 'write -P 1 0 3M' -c 'write -c -P 2 4M 2M' -c 'write -z 6M 1M' x.img
		qemu-img convert -O raw x.img one.raw
		"$VIMG" snapshot -c one x.img
		clean x.img
		listed x.img
		io -c 'write -P 3 1M 3M' -c 'write -P 4 5M 64k' -c 'discard 0 512k' x.img
		qemu-img convert -O raw x.img two.raw
		"$VIMG" snapshot -c two x.img
		clean x.img
		io -c 'write -P 5 0 8M' x.img
		"$VIMG" snapshot -a one x.img
		clean x.img
		qemu-img compare -q one.raw x.img
		io -c 'write -P 6 2M 2M' x.img
		"$VIMG" snapshot -a two x.img
		clean x.img
		qemu-img compare -q two.raw x.img
		"$VIMG" snapshot -d one x.img
		clean x.img
		qemu-img compare -q two.raw x.img
		qemu-img convert -O raw -l two x.img three.raw
		cmp two.raw three.raw
		"$VIMG" snapshot -d two x.img
		clean x.img
		qemu-img compare -q two.raw x.img
		[ "$(qemu-img snapshot -l x.img)" = '' ]
	done
}

@test "the programs take turns on one image" {
	qemu-img create -q -f qcow2 x.img 8M
	io -c 'write -P 1 0 2M' x.img
	qemu-img snapshot -c a x.img
	io -c 'write -P 2 1M 2M' x.img
	"$VIMG" snapshot -c b x.img
	io -c 'write -P 3 2M 2M' x.img
	qemu-img snapshot -c c x.img
	listed x.img
	"$VIMG" snapshot -a a x.img
	io -c 'read -P 1 0 2M' -c 'read -P 0 2M 6M' x.img
	qemu-img snapshot -a b x.img
	io -c 'read -P 1 0 1M' -c 'read -P 2 1M 2M' x.img
	"$VIMG" snapshot -d b x.img
	qemu-img snapshot -d a x.img
	"$VIMG" snapshot -a c x.img
	io -c 'read -P 3 2M 2M' x.img
	"$VIMG" snapshot -d c x.img
	clean x.img
}

@test "ids, names and refusals are qemu-img's" {
	qemu-img create -q -f qcow2 q.img 1M
	qemu-img create -q -f qcow2 -o data_file=d.raw q.data.img 1M
	qemu-img create -q -f qcow2 -o refcount_bits=1 q.bits.img 1M
	io -c 'write 0 64k' q.bits.img
	ln -s "$VIMG" qemu-img # by that name it has that program's words
	cp q.img v.img
	cp q.data.img v.data.img
	cp q.bits.img v.bits.img
	local line rc_q rc_v file
	while read -r line; do
		file=${line##* }
		rc_q=0 rc_v=0
		# shellcheck disable=SC2086 # a line is words
		qemu-img snapshot ${line% *} "q.$file" >q.out 2>q.err || rc_q=$?
		# shellcheck disable=SC2086
		./qemu-img snapshot ${line% *} "v.$file" >v.out 2>v.err || rc_v=$?
		echo "snapshot $line: $rc_q $rc_v"
		[ "$rc_q" = "$rc_v" ]
		# the time of day differs
		sed -i -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}//' q.out v.out
		same q.out v.out
		same q.err v.err
	done <<'COMMANDS'
-l img
-c first img
-c first img
-c 7 img
-l img
-d 1 img
-d nothing img
-a nothing img
-a 2 img
-a 7 img
-d first img
-l img
-c more img
-d 7 img
-c last img
-l img
-c any data.img
-a any data.img
-d any data.img
-c any bits.img
COMMANDS
	clean v.img
	# what could not be done changed nothing, and lost nothing
	"$VIMG" check -q v.bits.img
}

@test "applying a snapshot of another size gives the disk that size" {
	local to
	for to in 4M 64M; do
		rm -f ./*.img ./*.raw
		qemu-img create -q -f qcow2 -o cluster_size=4k x.img 16M
		io -c 'write -P 1 0 1M' -c 'write -P 2 3M 64k' x.img
		qemu-img convert -O raw x.img then.raw
		qemu-img snapshot -c past x.img
		qemu-img resize -q --shrink x.img "$to"
		io -c 'write -P 3 0 2M' x.img
		qemu-img convert -O raw x.img now.raw
		"$VIMG" snapshot -c now x.img
		"$VIMG" snapshot -a past x.img
		clean x.img
		same_disk then.raw x.img
		"$VIMG" snapshot -a now x.img
		clean x.img
		same_disk now.raw x.img
	done
}

@test "an image with bitmaps refuses to go back, as in qemu-img" {
	qemu-img create -q -f qcow2 x.img 1M
	"$VIMG" snapshot -c s x.img
	qemu-img bitmap --add x.img b
	run "$VIMG" snapshot -a s x.img
	[ "$status" = 1 ]
	[ "${output#*: }" = "Could not apply snapshot 's': Device has active dirty bitmaps" ]
	"$VIMG" snapshot -c t x.img
	"$VIMG" snapshot -d s x.img
	clean x.img
}

@test "extra data that nobody knows is kept" {
	load ../lib/qcow2
	qemu-img create -q -f qcow2 x.img 1M
	qemu-img snapshot -c s x.img
	local at
	at=$(snaptab_at x.img)
	# 32 bytes of extra data, id and name behind them
	poke x.img $((at + 36)) 4 32
	poke x.img $((at + 64)) 8 $((0x0123456789abcdef))
	printf '1s' | dd of=x.img bs=1 seek=$((at + 72)) conv=notrunc status=none
	listed x.img
	"$VIMG" snapshot -c t x.img
	at=$(snaptab_at x.img)
	[ "$(peek x.img $((at + 36)) 4)" = 32 ]
	[ "$(peek x.img $((at + 64)) 8)" = $((0x0123456789abcdef)) ]
	listed x.img
	clean x.img
}

@test "deleted snapshots give their space back to the file system" {
	qemu-img create -q -f qcow2 x.img 32M
	io -c 'write -P 1 0 32M' x.img
	"$VIMG" snapshot -c s x.img
	io -c 'write -P 2 0 32M' x.img
	local before after
	before=$(du -k x.img | cut -f1)
	"$VIMG" snapshot -d s x.img
	after=$(du -k x.img | cut -f1)
	[ "$after" -lt $((before - 30000)) ]
	clean x.img
	io -c 'read -P 2 0 32M' x.img
}

@test "a hundred snapshots" {
	qemu-img create -q -f qcow2 -o cluster_size=4k x.img 4M
	local i
	for i in $(seq 100); do
		[ $((i % 10)) = 0 ] && io -c "write -P $i $((i * 8))k 16k" x.img
		"$VIMG" snapshot -c "s$i" x.img
	done
	clean x.img
	"$VIMG" snapshot -a s55 x.img
	clean x.img
	io -c 'read -P 50 400k 16k' x.img
	for i in $(seq 1 3 100); do
		"$VIMG" snapshot -d "s$i" x.img
	done
	clean x.img
	io -c 'read -P 50 400k 16k' x.img
}
