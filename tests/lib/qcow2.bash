# For tests that damage qcow2 images: reading and writing their fields by offset, with
# nothing but od and dd, so that no code under test has a part in it.
# shellcheck shell=bash

# peek FILE OFFSET BYTES: the big-endian number there, as bash counts: 64 bits, signed.
peek() {
	echo $((16#$(od -An -v -tx1 -j"$2" -N"$3" "$1" | tr -d ' \n')))
}

# poke FILE OFFSET BYTES VALUE: writes it.
poke() {
	local hex i
	hex=$(printf "%0$(($3 * 2))x" "$4")
	for ((i = 0; i < ${#hex}; i += 2)); do
		printf '%b' "\\x${hex:i:2}"
	done | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# shellcheck disable=SC2034 # for the test files
OFLAG_COPIED=$((1 << 63))
OFFSET_MASK=0x00fffffffffffe00

# Where things of the image $1 are.
cluster_size() { echo $((1 << $(peek "$1" 20 4))); }
l1_at() { peek "$1" 40 8; }
reftable_at() { peek "$1" 48 8; }
snaptab_at() { peek "$1" 64 8; }
# refblock_at FILE INDEX, l2_at FILE L1_INDEX
refblock_at() { peek "$1" $(($(reftable_at "$1") + 8 * $2)) 8; }
l2_at() { echo $(($(peek "$1" $(($(l1_at "$1") + 8 * $2)) 8) & OFFSET_MASK)); }
# l2_entry FILE L1_INDEX L2_INDEX, and writing it
l2_entry() { peek "$1" $(($(l2_at "$1" "$2") + 8 * $3)) 8; }
set_l2_entry() { poke "$1" $(($(l2_at "$1" "$2") + 8 * $3)) 8 "$4"; }
# 16-bit refcounts only
set_refcount() { poke "$1" $(($(refblock_at "$1" 0) + 2 * $2)) 2 "$3"; }
# cluster_of FILE OFFSET: index of the host cluster
cluster_of() { echo $(($2 / $(cluster_size "$1"))); }
