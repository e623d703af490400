# Random images that leave something to give back.
# shellcheck shell=bash
# shellcheck disable=SC2054 # options have commas

# messy SEED FILE: with zeroes, holes, snapshots, bitmaps and whatever its kind can have.
# Returns 1 after saying what failed.
messy() {
	local f=$2 o i round off len
	local -a cmds kinds=(
		cluster_size=64k cluster_size=512 cluster_size=4k cluster_size=64k,extended_l2=on
		cluster_size=4k,compat=0.10 cluster_size=4k,refcount_bits=64
		cluster_size=4k,refcount_bits=1 cluster_size=64k,lazy_refcounts=on
		cluster_size=2M cluster_size=16k,compression_type=zstd
		cluster_size=4k,preallocation=metadata "cluster_size=1k,data_file=$2.data"
	)
	RANDOM=$1
	o=${kinds[$1 % ${#kinds[@]}]}
	rm -f "$f" "$f.data"
	if [[ $1 == *[37] && $o != *prealloc* && $o != *data_file* ]]; then
		head -c 3M /dev/urandom >"$f.base"
		qemu-img create -q -f qcow2 -o "$o" -b "$f.base" -F raw "$f" 8M
	else
		qemu-img create -q -f qcow2 -o "$o" "$f" 8M
	fi
	for ((round = 0; round < 4; round++)); do
		cmds=()
		for ((i = 0; i < 14; i++)); do
			off=$((RANDOM % 2000 * 4096))
			len=$(((RANDOM % 40 + 1) * 4096))
			[ $((off + len)) -le 8388608 ] || off=0
			case $((RANDOM % 6)) in
			0) cmds+=(-c "write -P 0 $off $len") ;;
			1) cmds+=(-c "write -z $off $len") ;;
			2) [[ $o == *data_file* || $o == *bits=1 ]] || cmds+=(
				-c "write -c -P $((RANDOM % 200 + 1)) $((off / 65536 * 65536)) 64k") ;;
			3) cmds+=(-c "discard $off $len") ;;
			*) cmds+=(-c "write -P $((RANDOM % 250 + 1)) $off $len") ;;
			esac
		done
		qemu-io -d unmap -f qcow2 "${cmds[@]}" "$f" >/dev/null 2>&1 || :
		[[ $o == *data_file* || $o == *bits=1 || $round = 3 ]] || qemu-img snapshot -c "s$round" "$f"
		if [[ $round = 2 && $o != *compat* && $o != *bits=1 ]]; then
			qemu-img bitmap --add -g 4k "$f" b0
			qemu-io -f qcow2 -c "write -P 7 1M 1M" "$f" >/dev/null
		fi
	done
	[[ $((RANDOM % 2)) = 1 || $o == *data_file* || $o == *bits=1 ]] || qemu-img snapshot -d s1 "$f"
}

# sums FILE: of the disk and of each snapshot
sums() {
	local s
	"$VIMG" checksum "$1"
	for s in $(qemu-img snapshot -l "$1" | awk 'NR > 2 { print $1 }'); do
		"$VIMG" checksum -l "snapshot.id=$s" "$1"
	done
}
