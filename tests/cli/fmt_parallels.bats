#!/usr/bin/env bats
# Parallels images: made, read, written, checked and repaired by vimg and by qemu-img.
# test-timeout: 200
load ../lib/common
load ../lib/equality
load ../lib/formats

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

equality_images() {
	qemu-img create -q -f parallels a.par 10M
	qemu-io -c 'write -P 1 5M 1M' -c 'write -P 2 1M 64k' -c 'write -P 3 9M 64k' a.par >/dev/null
	qemu-img create -q b.raw 10M
	cp a.par leak.par && truncate -s +3M leak.par
	cp a.par open.par && poke open.par 44 Ynot
	cp a.par far.par && poke far.par 64 ' '
	cp a.par version.par && poke version.par 16 '\003'
	cp a.par tracks.par && poke tracks.par 28 '\000\000\000\000'
	cp a.par big.par && poke big.par 31 '\177'
	cp a.par entries.par && poke entries.par 35 '\177'
	# the first magic counts places in sectors
	cp a.par old.par && poke old.par 0 WithoutFreeSpace
	poke old.par 84 '\000\010\000\000' && poke old.par 68 '\000\020\000\000'
	poke old.par 100 '\000\030\000\000'
}

@test "each reads and writes what the other made" {
	both_ways parallels par
	both_ways parallels par cluster_size=64k
	both_ways parallels par cluster_size=3M
}

@test "command lines" {
	equal <<-'END'
		= qemu-img create -f parallels n 10M; inf n; inf --output=json n; md5sum <n
		= qemu-img create -f parallels -o cluster_size=1000 n 10M; inf n; md5sum <n
		= qemu-img create -f parallels -o cluster_size=64k n 1T; inf n; md5sum <n
		= qemu-img create -f parallels n 1000; inf n; md5sum <n
		= qemu-img create -f parallels -o cluster_size=0 n 10M
		= qemu-img create -f parallels -o cluster_size=4G n 10M
		= qemu-img create -f parallels -o cluster_size=512 n 8T
		= qemu-img create -f parallels -b b.raw n 10M
		= qemu-img convert -O parallels a.par n; inf n; qemu-img compare n a.par; qemu-img check n
		= qemu-img convert -c -O parallels a.par n
		= inf a.par; inf old.par; qemu-img map --output=json a.par
		= qemu-img map old.par; qemu-img convert -O raw old.par n; md5sum <n
		= qemu-img check a.par; qemu-img check --output=json a.par
		= qemu-img check leak.par
		= qemu-img check --output=json leak.par
		= qemu-img check -r leaks leak.par; md5sum <leak.par
		= qemu-img check open.par
		= qemu-img check -r all open.par; md5sum <open.par
		= inf open.par; qemu-img convert -O parallels -n b.raw open.par
		= inf far.par
		= qemu-img check -r leaks open.par
		= inf version.par -f parallels
		= inf tracks.par
		= inf big.par
		= inf entries.par
		= qemu-img measure -O parallels --size 10M
		= qemu-img resize a.par 20M
	END
}

@test "a cluster past the end of the file becomes a hole" {
	cp "$BATS_FILE_TMPDIR/set/far.par" .
	run "$VIMG" convert -O raw far.par x
	[ "$status" = 1 ]
	[[ $output == *'Offset 33554432 in BAT[0] entry is larger than file size'* ]]
	run "$VIMG" check far.par
	[ "$status" = 2 ]
	[[ $output == *'ERROR cluster 0 is outside image'* ]]
	run "$VIMG" check -r all far.par
	[ "$status" = 0 ]
	qemu-img check -q far.par
	qemu-img compare -q far.par "$BATS_FILE_TMPDIR/set/a.par"
}

@test "clusters over the table or each other are found" {
	cp "$BATS_FILE_TMPDIR/set/old.par" .
	printf '\001' | dd of=old.par bs=1 seek=64 conv=notrunc status=none
	printf '\001\010' | dd of=old.par bs=1 seek=72 conv=notrunc status=none
	run "$VIMG" check old.par
	[ "$status" = 2 ]
	[[ $output == *'lies over another'* ]]
}
