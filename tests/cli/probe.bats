#!/usr/bin/env bats
# vimg probe: what is inside, against what blkid and sfdisk say of the raw disk.
# test-timeout: 300
load ../lib/common

setup() {
	requires qemu-img mkfs.ext4 mkswap sfdisk blkid jq
	common_setup
}

# parts RAW: "number offset size type label uuid" of each partition that holds something
parts() {
	sfdisk -J "$1" | jq -r '.partitiontable.partitions[] | "\(.node) \(.start) \(.size)"' |
		while read -r node start size; do
			blkid -p -O $((start * 512)) -S $((size * 512)) -o export "$1" >one || continue
			grep -q "^TYPE=" one || continue
			echo "${node#"$1"} $((start * 512)) $((size * 512)) $(sed -n 's/^TYPE=//p' one)" \
				"$(sed -n 's/^LABEL=//p' one) $(sed -n 's/^UUID=//p' one)"
		done
}

ours() {
	"$VIMG" probe --output=json "$1" |
		jq -r '.partitions[] | select(.content) | "\(.number) \(.offset) \(.size) \(.content) \(.label // "") \(.uuid // "")"'
}

# place RAW OFFSET SIZE COMMAND...: runs COMMAND on a file and puts it there
place() {
	local raw=$1 off=$2 size=$3
	shift 3
	rm -f fs
	truncate -s "$size" fs
	"$@" fs >/dev/null 2>&1
	dd if=fs of="$raw" bs=64k oflag=seek_bytes seek="$off" conv=notrunc,sparse status=none
}

@test "a GPT disk in qcow2" {
	truncate -s 300M a.raw
	sfdisk -q a.raw <<-END
		label: gpt
		size=16M, type=uefi, name="efi part"
		size=200M, type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709
		type=swap
	END
	place a.raw 17M 200M mkfs.ext4 -q -L root
	place a.raw 217M 64M mkswap -L sw
	qemu-img convert -f raw -O qcow2 a.raw a.q
	parts a.raw >want
	grep -q ext4 want
	ours a.q >have
	same want have
	"$VIMG" probe a.q >out
	cat out
	head -1 out | grep -q '^a.q: qcow2, 300 MiB: partition table gpt, UUID '
	grep -q '^  1: 16 MiB at 1 MiB, EFI system, name "efi part"' out
	grep -q '^  2: 200 MiB at 17 MiB, Linux root, x86-64: ext4 file system, label "root", UUID ' out
	grep -q '^  3: .*, Linux swap: swap volume, label "sw"' out
}

@test "logical partitions of an MBR, each named by the one before" {
	truncate -s 100M a.raw
	sfdisk -q a.raw <<-END
		label: dos
		a.raw1 : size=10M, type=83, bootable
		a.raw2 : size=80M, type=5
		a.raw5 : size=20M, type=83
		a.raw6 : size=20M, type=82
		a.raw7 : size=20M, type=83
	END
	sfdisk -J a.raw | jq -r '.partitiontable.partitions[] | "\(.node) \(.start)"' >table
	place a.raw $((512 * $(sed -n 's/^a.raw1 //p' table))) 10M mkfs.ext4 -q -L one
	place a.raw $((512 * $(sed -n 's/^a.raw5 //p' table))) 20M mkfs.ext4 -q -L five
	place a.raw $((512 * $(sed -n 's/^a.raw6 //p' table))) 20M mkswap -L six
	place a.raw $((512 * $(sed -n 's/^a.raw7 //p' table))) 20M mkfs.ext4 -q -L seven
	parts a.raw >want
	[ "$(wc -l <want)" = 4 ]
	ours a.raw >have
	same want have
	"$VIMG" probe a.raw | grep -q '^  1: 10 MiB at 1 MiB, Linux, boot: ext4 file system'
	[ "$("$VIMG" probe --output=json a.raw | jq '.partitions | length')" = 5 ]
}

# A loop in that chain, and one that leads out of the disk, come to an end.
@test "damaged chains of logical partitions" {
	truncate -s 100M a.raw
	printf 'label: dos\na.raw1 : size=80M, type=5\na.raw5 : size=20M\na.raw6 : size=20M\n' | sfdisk -q a.raw
	for next in '\0\0\0\0' '\1\0\0\0' '\377\377\377\177'; do
		cp a.raw b.raw
		# shellcheck disable=SC2059
		printf "$next" | dd of=b.raw bs=1 seek=$((1048576 + 446 + 16 + 8)) conv=notrunc status=none
		timeout 20 "$VIMG" probe b.raw >out
		grep -q 'partition table dos' out
	done
}

@test "a file system without a table, nothing, and odd labels" {
	truncate -s 20M a.raw
	mkfs.ext4 -q -F -L "$(printf 'a\033[31m\377b')" a.raw
	"$VIMG" probe a.raw >out
	grep -q '^a.raw: raw, 20 MiB: ext4 file system, label "a?\[31m' out
	[ "$(grep -c "$(printf '\033')" out)" = 0 ]
	"$VIMG" probe --output=json a.raw | jq -e '.content == "ext4" and .table == null'
	"$VIMG" create -q -f qcow2 b.q 8T
	[ "$("$VIMG" probe b.q)" = "b.q: qcow2, 8 TiB: nothing known" ]
	"$VIMG" create -q empty 0
	[ "$("$VIMG" probe empty)" = "empty: raw, 0 B: nothing known" ]
	run "$VIMG" probe nosuch
	[ "$status" = 1 ]
}
