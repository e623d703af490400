# Kinds of damage to qcow2 images.  base_KIND makes an image, hurt_NAME damages it; the
# table at the end says which belong together.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # OFLAG_COPIED and OFFSET_MASK come from lib/qcow2.bash

io() { qemu-io "$@" >/dev/null; }

base_v3() {
	qemu-img create -q -f qcow2 "$1" 4M
	io -c 'write -P 1 0 1M' -c 'write -P 2 2M 64k' -c 'write -c -P 3 3M 64k' \
		-c 'write -c -P 4 3136k 64k' -c 'write -z 1536k 64k' "$1"
	qemu-img snapshot -c first "$1"
	io -c 'write -P 5 0 128k' -c 'write -P 6 2560k 64k' "$1"
}
base_v2() {
	qemu-img create -q -f qcow2 -o compat=0.10,cluster_size=4k "$1" 1M
	io -c 'write -P 1 0 256k' -c 'write -c -P 3 512k 4k' "$1"
	qemu-img snapshot -c first "$1"
	io -c 'write -P 5 0 32k' "$1"
}
base_small() {
	qemu-img create -q -f qcow2 -o cluster_size=512 "$1" 256k
	io -c 'write -P 1 0 64k' -c 'write -P 2 128k 8k' "$1"
}
base_ext() {
	qemu-img create -q -f qcow2 -o extended_l2=on "$1" 4M
	io -c 'write -P 1 0 256k' -c 'write -P 2 1M 2k' -c 'write -c -P 3 2M 64k' "$1"
}
base_bits1() {
	qemu-img create -q -f qcow2 -o refcount_bits=1 "$1" 1M
	io -c 'write -P 1 0 256k' "$1"
}
base_bits64() {
	qemu-img create -q -f qcow2 -o refcount_bits=64,cluster_size=4k "$1" 1M
	io -c 'write -P 1 0 256k' "$1"
	qemu-img snapshot -c first "$1"
}
# without snapshots: repairing such an image, qemu-img 7.2 loses those
base_bitmap() {
	qemu-img create -q -f qcow2 "$1" 4M
	io -c 'write -P 1 0 1M' "$1"
	qemu-img bitmap --add -g 64k "$1" b0
	io -c 'write -P 9 1M 64k' "$1"
}
base_data() {
	rm -f data.raw
	qemu-img create -q -f qcow2 -o data_file=data.raw "$1" 1M
	io -c 'write -P 1 0 256k' "$1"
}

hurt_nothing() { :; }

# refcounts
hurt_leak() { set_refcount "$1" 40 1 && truncate -s $((48 * $(cluster_size "$1"))) "$1"; }
hurt_leak_much() { set_refcount "$1" 8 9; }
# the cluster of the 11th entry of the first L2 table, which the snapshot has as well
shared_cluster() { cluster_of "$1" $(($(l2_entry "$1" 0 10) & OFFSET_MASK)); }
hurt_low() { set_refcount "$1" "$(shared_cluster "$1")" 1; }
hurt_zero() { set_refcount "$1" "$(cluster_of "$1" $(($(l2_entry "$1" 0 4) & OFFSET_MASK)))" 0; }
hurt_high_and_low() {
	set_refcount "$1" "$(shared_cluster "$1")" 1
	set_refcount "$1" $(($(shared_cluster "$1") + 1)) 7
}
hurt_header_refcount() { set_refcount "$1" 0 3; }
hurt_all_zero() { dd if=/dev/zero of="$1" bs=1 count=128 seek="$(refblock_at "$1" 0)" conv=notrunc status=none; }
hurt_all_high() {
	local i
	for i in $(seq 0 12); do set_refcount "$1" "$i" 65535; done
}

# refcount structure
hurt_reftable_zero() { poke "$1" "$(reftable_at "$1")" 8 0; }
hurt_reftable_reserved() { poke "$1" "$(reftable_at "$1")" 8 $(($(refblock_at "$1" 0) | 2)); }
hurt_refblock_unaligned() { poke "$1" "$(reftable_at "$1")" 8 $(($(refblock_at "$1" 0) + 512)); }
hurt_refblock_outside() { poke "$1" "$(reftable_at "$1")" 8 $((1 << 30)); }
hurt_refblock_far() { poke "$1" "$(reftable_at "$1")" 8 $((1 << 50)); }
hurt_refblock_twice() { poke "$1" $(($(reftable_at "$1") + 8)) 8 "$(refblock_at "$1" 0)"; }
hurt_refblock_is_l1() { poke "$1" $(($(reftable_at "$1") + 8)) 8 "$(l1_at "$1")"; }
hurt_refblock_extra_outside() { poke "$1" $(($(reftable_at "$1") + 8)) 8 $((1 << 30)); }

hurt_reftable_beyond() { poke "$1" 48 8 $((1 << 40)); }
hurt_reftable_offset_zero() { poke "$1" 48 8 0; }
hurt_reftable_unaligned() { poke "$1" 48 8 $(($(reftable_at "$1") + 512)); }
hurt_reftable_large() { poke "$1" 56 4 $((1 << 20)); }
hurt_reftable_none() { poke "$1" 56 4 0; }

# the flag
hurt_copied_missing() { set_l2_entry "$1" 0 0 $(($(l2_entry "$1" 0 0) & ~OFLAG_COPIED)); }
hurt_copied_wrong() { set_l2_entry "$1" 0 5 $(($(l2_entry "$1" 0 5) | OFLAG_COPIED)); }
hurt_copied_l1() { poke "$1" "$(l1_at "$1")" 8 $(($(peek "$1" "$(l1_at "$1")" 8) ^ OFLAG_COPIED)); }
hurt_copied_compressed() { set_l2_entry "$1" 0 48 $(($(l2_entry "$1" 0 48) | OFLAG_COPIED)); }

# L2 entries
hurt_l2_outside() { set_l2_entry "$1" 0 0 $((OFLAG_COPIED | 1 << 40)); }
hurt_l2_just_outside() { set_l2_entry "$1" 0 0 $((OFLAG_COPIED | ($(stat -c %s "$1") + 65536 * 2) / 65536 * 65536)); }
hurt_l2_unaligned() { set_l2_entry "$1" 0 0 $(($(l2_entry "$1" 0 0) + 512)); }
hurt_l2_zero_unaligned() { set_l2_entry "$1" 0 0 $(($(l2_entry "$1" 0 0) + 512 | 1)); }
hurt_l2_reserved() { set_l2_entry "$1" 0 0 $(($(l2_entry "$1" 0 0) | 4)); }
hurt_l2_shared() { set_l2_entry "$1" 0 1 "$(l2_entry "$1" 0 0)"; }
hurt_l2_many_shared() {
	local i
	for i in $(seq 1 9); do set_l2_entry "$1" 0 "$i" "$(l2_entry "$1" 0 0)"; done
}
hurt_l2_lost() { set_l2_entry "$1" 0 0 0; }
hurt_l2_is_header() { set_l2_entry "$1" 0 0 $((OFLAG_COPIED | 0x0)); }
hurt_l2_is_l1() { set_l2_entry "$1" 0 0 $((OFLAG_COPIED | $(l1_at "$1"))); }
hurt_l2_is_refblock() { set_l2_entry "$1" 0 0 $((OFLAG_COPIED | $(refblock_at "$1" 0))); }
hurt_compressed_outside() { set_l2_entry "$1" 0 48 $((1 << 62 | 1 << 45)); }

# L1 entries
hurt_l1_outside() { poke "$1" "$(l1_at "$1")" 8 $((OFLAG_COPIED | 1 << 40)); }
hurt_l1_unaligned() { poke "$1" "$(l1_at "$1")" 8 $(($(peek "$1" "$(l1_at "$1")" 8) + 512)); }
hurt_l1_reserved() { poke "$1" "$(l1_at "$1")" 8 $(($(peek "$1" "$(l1_at "$1")" 8) | 1 << 57)); }
hurt_l1_lost() { poke "$1" "$(l1_at "$1")" 8 0; }
hurt_l1_flag_alone() { poke "$1" "$(l1_at "$1")" 8 "$OFLAG_COPIED"; }
hurt_l1_twice() { poke "$1" $(($(l1_at "$1") + 8)) 8 "$(peek "$1" "$(l1_at "$1")" 8)"; }

# file
hurt_cut() { truncate -s $(($(stat -c %s "$1") - 300)) "$1"; }
hurt_cut_cluster() { truncate -s $(($(stat -c %s "$1") - 2 * $(cluster_size "$1"))) "$1"; }
hurt_longer() { truncate -s +$((5 * $(cluster_size "$1"))) "$1"; }

# header bits
hurt_dirty() { poke "$1" 72 8 $(($(peek "$1" 72 8) | 1)); }
hurt_corrupt_bit() { poke "$1" 72 8 $(($(peek "$1" 72 8) | 2)); }
hurt_dirty_outside() { hurt_dirty "$1" && hurt_l2_just_outside "$1"; }
hurt_dirty_leak() { hurt_dirty "$1" && hurt_leak "$1"; }

# snapshots
hurt_snap_l1_unaligned() { poke "$1" "$(snaptab_at "$1")" 8 $(($(peek "$1" "$(snaptab_at "$1")" 8) + 512)); }
hurt_snap_l1_outside() { poke "$1" "$(snaptab_at "$1")" 8 $((1 << 40)); }
hurt_snap_l1_large() { poke "$1" $(($(snaptab_at "$1") + 8)) 4 $((1 << 24)); }
hurt_snap_no_extra() {
	local at hex
	at=$(snaptab_at "$1")
	poke "$1" $((at + 36)) 4 0
	# id and name move to where the extra data was
	hex=$(od -An -v -tx1 -j$((at + 64)) -N6 "$1" | tr -d ' \n')
	poke "$1" $((at + 40)) 6 $((16#$hex))
}
hurt_snap_extra_large() { poke "$1" $(($(snaptab_at "$1") + 36)) 4 2000; }
hurt_snap_offset() { poke "$1" 64 8 $(($(snaptab_at "$1") + 8)); }
hurt_snap_count() { poke "$1" 60 4 70000; }
hurt_snap_count_some() { poke "$1" 60 4 2; }

# subclusters
hurt_ext_both() { poke "$1" $(($(l2_at "$1" 0) + 8)) 8 $(((1 << 32) | 0xffffffff)); }
hurt_ext_no_cluster() { poke "$1" $(($(l2_at "$1" 0) + 16 * 8 + 8)) 8 3; }
hurt_ext_compressed() { poke "$1" $(($(l2_at "$1" 0) + 16 * 32 + 8)) 8 3; }

# data file
hurt_data_flag() { set_l2_entry "$1" 0 0 $(($(l2_entry "$1" 0 0) & ~OFLAG_COPIED)); }
hurt_data_compressed() { set_l2_entry "$1" 0 8 $((1 << 62 | 4096)); }

# bitmaps
bitmap_dir_at() {
	local at=112 type
	while type=$(peek "$1" "$at" 4) && [ "$type" != $((0x23852875)) ]; do
		at=$((at + 8 + ($(peek "$1" $((at + 4)) 4) + 7) / 8 * 8))
	done
	peek "$1" $((at + 24)) 8
}
hurt_bitmap_dir() { poke "$1" $(($(bitmap_dir_at "$1") + 16)) 1 7; }
hurt_bitmap_entry() { poke "$1" "$(peek "$1" "$(bitmap_dir_at "$1")" 8)" 8 $((1 << 60)); }
hurt_bitmap_outside() { poke "$1" "$(peek "$1" "$(bitmap_dir_at "$1")" 8)" 8 $((1 << 40)); }
hurt_bitmap_autoclear() { poke "$1" 88 8 0; }

# What each base takes.
damage_v3='nothing leak leak_much low zero high_and_low header_refcount all_zero all_high
	reftable_zero reftable_reserved refblock_unaligned refblock_outside refblock_far
	refblock_twice refblock_is_l1 refblock_extra_outside
	reftable_beyond reftable_offset_zero reftable_unaligned reftable_large reftable_none
	copied_missing copied_wrong copied_l1 copied_compressed
	l2_outside l2_just_outside l2_unaligned l2_zero_unaligned l2_reserved l2_shared
	l2_many_shared l2_lost l2_is_header l2_is_l1 l2_is_refblock compressed_outside
	l1_outside l1_unaligned l1_reserved l1_lost l1_flag_alone
	cut cut_cluster longer dirty corrupt_bit dirty_leak dirty_outside
	snap_l1_unaligned snap_l1_outside snap_l1_large snap_no_extra snap_extra_large
	snap_offset snap_count snap_count_some'
damage_v2='nothing leak_much low zero reftable_zero copied_missing l2_outside l1_outside
	l1_lost l2_zero_unaligned snap_no_extra cut l2_shared'
damage_small='nothing leak_much zero all_high reftable_zero copied_missing l2_outside
	l1_outside l1_twice refblock_twice cut longer'
damage_ext='nothing ext_both ext_no_cluster ext_compressed'
damage_bits1='nothing l2_shared'
damage_bits64='nothing'
damage_bitmap='nothing bitmap_dir bitmap_entry bitmap_outside bitmap_autoclear leak_much'
damage_data='nothing data_flag data_compressed leak_much'
