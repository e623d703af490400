#!/usr/bin/env bats
# test-timeout: 600
# Images of every kind, filled by QEMU and then resized and amended by vimg in random order
# (seeds are fixed): QEMU finds every byte where it was, and nothing to complain about.
load ../lib/common

setup() {
	requires qemu-img qemu-io
	common_setup
}

# Both leave what they drew in REPLY: in a subshell RANDOM would give the same again.
# pick WORD...: one of them
pick() {
	shift $((RANDOM % $#))
	REPLY=$1
}

# sector COUNT: the offset of one of the first COUNT sectors
sector() { REPLY=$(((RANDOM * 32768 + RANDOM) % $1 * 512)); }

# scribble: the same bytes into the image and into the flat file beside it
scribble() {
	local i off len p
	for i in 1 2 3 4; do
		sector $((size / 512))
		off=$REPLY
		len=$(((RANDOM % 300 + 1) * 512))
		[ $((off + len)) -le "$size" ] || len=$((size - off))
		p=$((RANDOM % 255 + 1))
		[ "$i" != 4 ] || p=0
		if [ "$p" = 0 ]; then
			qemu-io -f qcow2 -c "write -z $off $len" a.q >/dev/null
		else
			qemu-io -f qcow2 -c "write -P $p $off $len" a.q >/dev/null
		fi
		qemu-io -f raw -c "write -P $p $off $len" flat >/dev/null
	done
}

judge() {
	qemu-img check -q a.q || { echo "$*"; qemu-img check a.q; return 1; }
	qemu-img compare -q -f qcow2 -F raw a.q flat || { echo "$*: contents differ"; return 1; }
}

start() {
	local o middle
	RANDOM=$1
	rm -f a.q flat data base
	sector 40000
	size=$((REPLY + 512))
	pick 512 4k 64k 2M
	o=cluster_size=$REPLY
	pick plain plain v2 sub data backing
	kind=$REPLY
	case $kind in
	v2) o+=,compat=0.10 ;;
	sub)
		pick 16k 64k
		o=cluster_size=$REPLY,extended_l2=on
		;;
	data)
		pick on off
		o+=,data_file=data,data_file_raw=$REPLY
		;;
	*)
		pick 4 16 64
		o+=,refcount_bits=$REPLY
		pick on off
		o+=,lazy_refcounts=$REPLY
		;;
	esac
	: >flat
	if [ "$kind" = backing ]; then
		sector 40000
		middle=$(((REPLY / 2) & ~511))
		truncate -s $((REPLY + 512)) base
		qemu-io -f raw -c "write -P 119 $middle 512" -c "write -P 118 0 512" base >/dev/null
		qemu-img create -q -f qcow2 -o "$o" -b base -F raw a.q "$size"
		cp base flat
	else
		qemu-img create -q -f qcow2 -o "$o" a.q "$size"
	fi
	truncate -s "$size" flat
	options="seed $1: $o $kind size $size"
}

resized() {
	sector 60000
	size=$((REPLY + 512))
	"$VIMG" resize -q --shrink -f qcow2 a.q "$size"
	truncate -s "$size" flat
}

# What an image cannot be, is refused with a reason.
amended() {
	pick refcount_bits=4 refcount_bits=8 refcount_bits=16 refcount_bits=32 \
		refcount_bits=64 lazy_refcounts=on lazy_refcounts=off compat=0.10 compat=1.1
	"$VIMG" amend -f qcow2 -o "$REPLY" a.q 2>said || [ -s said ]
}

rounds() {
	long_run && echo 60 || echo 12
}

@test "resize and amend keep every byte" {
	for ((seed = 1; seed <= $(rounds); seed++)); do
		start "$seed"
		for step in 1 2 3 4 5; do
			scribble
			pick resized resized amended
			"$REPLY"
			judge "$options, step $step"
		done
	done
}
