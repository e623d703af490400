#!/usr/bin/env bats
# test-timeout: 400
# Damaged images: what check says of them, and what is left after a repair, against
# qemu-img.  The kinds of damage are in tests/images/damage.bash.
load ../lib/common
load ../lib/qcow2
load ../images/damage

setup() {
	requires qemu-img qemu-io
	common_setup
}

# Damage after which guests must find the same bytes once it is repaired.
keeps_data='nothing leak leak_much low zero high_and_low header_refcount all_zero all_high
	reftable_zero reftable_reserved refblock_unaligned refblock_outside refblock_far
	refblock_twice refblock_extra_outside reftable_beyond reftable_offset_zero
	reftable_unaligned reftable_large reftable_none copied_missing copied_wrong copied_l1
	longer dirty corrupt_bit dirty_leak snap_no_extra snap_extra_large snap_count
	snap_l1_large'

# Where qemu-img 7.2 gives up or cannot even open the image and vimg repairs it.
better_all='reftable_reserved refblock_unaligned reftable_offset_zero reftable_unaligned
	reftable_large snap_count l1_flag_alone dirty_outside'
# qemu-img grows the file up to a refcount block that is named beyond it, and counts that.
better_all+=' refblock_outside refblock_far refblock_extra_outside'
# Tables said to lie where none can be: qemu-img refuses them, or takes the header for one
# (the refcount table at offset 0, and the L2 table of an L1 entry with flags alone).
other_words='l1_flag_alone reftable_offset_zero reftable_unaligned reftable_large bitmap_dir bitmap_entry'
# qemu-img reads and rewrites bitmaps whenever it opens an image for writing.
rewrites='bitmap_outside bitmap_autoclear'

has() { [[ " ${1//[$'\n\t']/ } " == *" $2 "* ]]; }

# judge OUT PROGRAM ARGUMENT...: status, output and messages, without the program's name
judge() {
	local out=$1 rc=0
	shift
	"$@" >"$out.out" 2>"$out.raw" || rc=$?
	echo "exit $rc" >>"$out.out"
	sed -E 's/^(vimg|qemu-img): //; /^warning: a program lacking bitmap support/d
		/^Some clusters may be leaked, run .qemu-img check -r. on the image file to fix\.$/d
		s/^Some clusters may be leaked, run .qemu-img check -r. on the image file to fix\.//' \
		"$out.raw" >"$out.err"
}

exit_of() { sed -n 's/^exit //p' "$1.out"; }

# The same status, text and messages in files q.* and v.*
equal() {
	same q.out v.out && same q.err v.err && return
	echo "differs: $1"
	return 1
}

checked() {
	judge q qemu-img check x.img
	judge v "$VIMG" check x.img
	if has "$other_words" "$1"; then
		[ "$(exit_of v)" != 0 ] && [ -s v.err ]
		return
	fi
	equal "$1, check"
	judge q qemu-img check --output=json x.img
	judge v "$VIMG" check --output=json x.img
	equal "$1, check in JSON"
}

leaks_repaired() {
	cp x.img q.img
	cp x.img v.img
	judge q qemu-img check -r leaks q.img
	judge v "$VIMG" check -r leaks v.img
	sed -i 's/q\.img/v.img/' q.err
	has "$other_words $rewrites" "$1" || equal "$1, -r leaks"
	# what is left is the same for both
	has "$other_words $rewrites" "$1" && return
	judge q qemu-img check v.img
	judge v "$VIMG" check v.img
	equal "$1, after -r leaks"
}

all_repaired() {
	cp x.img q.img
	cp x.img v.img
	judge q qemu-img check -r all q.img
	judge v "$VIMG" check -r all v.img
	if has "$better_all" "$1"; then
		[ "$(exit_of v)" = 0 ] || { echo "not repaired: $1"; cat v.raw; return 1; }
	elif ! has "$other_words $rewrites snap_l1_large" "$1"; then
		sed -i 's/q\.img/v.img/' q.err
		# a new refcount structure goes behind everything, not into the first gap
		if grep -q '^Rebuilding' q.err; then
			sed -i '/^Image end offset/d' q.out v.out
		fi
		equal "$1, -r all"
	fi
	judge q qemu-img check v.img
	judge v "$VIMG" check v.img
	has "$other_words" "$1" || equal "$1, after -r all"
	if has "$keeps_data" "$1"; then
		"$VIMG" compare -q "$2" v.img || { echo "$1: content changed"; return 1; }
		qemu-img compare -q "$2" v.img
	fi
}

each_of() {
	local kind=$1 list="damage_$1" d
	"base_$kind" base.img
	for d in ${!list}; do
		cp base.img x.img
		"hurt_$d" x.img
		cmp -s base.img x.img && [ "$d" != nothing ] && { echo "$d: no damage"; return 1; }
		"${@:2}" "$d" base.img || return 1
	done
}

@test "version 3: a check says what qemu-img says" { each_of v3 checked; }
@test "version 3: -r leaks" { each_of v3 leaks_repaired; }
@test "version 3: -r all" { each_of v3 all_repaired; }
@test "version 2 with small clusters: check" { each_of v2 checked; }
@test "version 2 with small clusters: -r leaks" { each_of v2 leaks_repaired; }
@test "version 2 with small clusters: -r all" { each_of v2 all_repaired; }
@test "clusters of 512 bytes: check" { each_of small checked; }
@test "clusters of 512 bytes: -r leaks" { each_of small leaks_repaired; }
@test "clusters of 512 bytes: -r all" { each_of small all_repaired; }
@test "subclusters" {
	each_of ext checked
	each_of ext leaks_repaired
	each_of ext all_repaired
}
@test "refcounts of 1 bit" {
	each_of bits1 checked
	each_of bits1 leaks_repaired
	each_of bits1 all_repaired
}
@test "refcounts of 64 bits" {
	each_of bits64 checked
	each_of bits64 all_repaired
}
@test "bitmaps" {
	each_of bitmap checked
	each_of bitmap leaks_repaired
	each_of bitmap all_repaired
}
@test "an external data file" {
	each_of data checked
	each_of data leaks_repaired
	each_of data all_repaired
}

@test "repairing an image with bitmaps keeps its snapshots" {
	base_v3 base.img
	qemu-img bitmap --add base.img b0
	cp base.img x.img
	hurt_leak_much x.img
	"$VIMG" check -q -r all x.img
	[ "$(qemu-img snapshot -l x.img | grep -c first)" = 1 ]
	qemu-img check -q x.img
	qemu-img snapshot -a first x.img 2>/dev/null || qemu-img bitmap --remove x.img b0
	qemu-img snapshot -a first x.img
	qemu-img snapshot -a first base.img 2>/dev/null || qemu-img bitmap --remove base.img b0
	qemu-img snapshot -a first base.img
	qemu-img compare -q base.img x.img
}

@test "a small file that claims much is checked at once" {
	# 4000 entries that all name the one L2 table, which names one cluster 8192 times
	qemu-img create -q -f qcow2 x.img 2T
	qemu-io -c 'write 0 64k' x.img >/dev/null
	local l1 i entry
	l1=$(l1_at x.img)
	entry=$(od -An -v -tx1 -j"$l1" -N8 x.img | tr -d ' \n')
	for ((i = 0; i < 4000; i++)); do printf '%b' "\\x${entry:0:2}\\x${entry:2:2}\\x${entry:4:2}\\x${entry:6:2}\\x${entry:8:2}\\x${entry:10:2}\\x${entry:12:2}\\x${entry:14:2}"; done |
		dd of=x.img bs=4096 seek=$((l1 / 4096)) conv=notrunc status=none
	entry=$(l2_entry x.img 0 0)
	for ((i = 1; i < 64; i++)); do set_l2_entry x.img 0 "$i" "$entry"; done
	run "$VIMG" check -q x.img
	[ "$status" = 1 ] || [ "$status" = 2 ]
}

# what_write_says PROGRAM OFFSET: of an image, where it is marked corrupt by a write there
what_write_says() {
	cp x.img y.img
	"$1" bench -w -f qcow2 -c 1 -s 4k -o "$2" y.img 2>&1 | grep '^qcow2: Marking'
	[ $(($(peek y.img 72 8) & 2)) = 2 ]
}

@test "a write to an entry that names no cluster is refused in qemu-img's words" {
	local options entry flags off
	for options in compat=1.1 extended_l2=on; do
		qemu-img create -q -f qcow2 -o $options x.img 1M
		qemu-io -c 'write 0 64k' x.img >/dev/null
		entry=$(l2_entry x.img 0 0)
		for flags in $((OFLAG_COPIED)) $((OFLAG_COPIED | 1)) 0 1; do
			set_l2_entry x.img 0 0 $(((entry & OFFSET_MASK) | 0x2a00 | flags))
			for off in 0 4096 1000; do
				what_write_says qemu-img $off >q
				what_write_says "$VIMG" $off >v
				echo "$options $flags $off"
				same q v
			done
		done
	done
}

# What QEMU leaves when it is killed before the file has grown to what a table names.
@test "a cluster past the end of an image that was not closed reads as zeroes" {
	base_v3 base.img
	qemu-img convert -O raw base.img want.raw
	dd if=/dev/zero of=want.raw bs=64k count=1 conv=notrunc status=none
	cp base.img x.img
	hurt_dirty_outside x.img
	"$VIMG" dd -f qcow2 -O raw bs=64k count=1 if=x.img of=first.raw
	cmp -n 65536 first.raw want.raw

	# opening it for writing is enough
	cp x.img opened.img
	run "$VIMG" bench -w -c 1 -s 512 -o 1M opened.img
	[ "$status" = 0 ]
	[[ $output == *"past the end of the file and was never synced"* ]]
	qemu-img check -q opened.img
	"$VIMG" check -r all x.img
	qemu-img check -q x.img
	qemu-img compare -q -f qcow2 -F raw x.img want.raw
}

@test "--dry-run says what -r does, and changes nothing" {
	local d
	base_v3 base.img
	for d in leak_much low high_and_low all_zero reftable_zero refblock_twice copied_missing dirty snap_no_extra; do
		cp base.img x.img
		"hurt_$d" x.img
		cp x.img keep.img
		"$VIMG" check -r all --json --dry-run x.img >dry.json || :
		cmp x.img keep.img
		"$VIMG" check -r all --json x.img >real.json || :
		jq 'del(."dry-run")' dry.json >want
		jq 'del(."dry-run")' real.json >have
		same want have || { echo "$d"; return 1; }
		[ "$(jq '."corruptions-fixed" + ."leaks-fixed"' dry.json)" -gt 0 ] || [ "$d" = dirty ]
	done
	cp base.img x.img
	hurt_low x.img
	run --separate-stderr "$VIMG" check --json x.img
	[ "$status" = 2 ]
	[ -z "$stderr" ]
	[ "$(jq -r '.problems | length' <<<"$output")" -ge 1 ]
	run "$VIMG" check -r leaks --dry-run x.img
	[[ $output == *"Nothing was changed: this was a dry run."* ]]
	run "$VIMG" check --dry-run x.img
	[ "$status" = 1 ]
	[[ $output == *"--dry-run says what -r leaks or -r all would do"* ]]
}
