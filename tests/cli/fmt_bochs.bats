#!/usr/bin/env bats
# Growing images of Bochs: made by a program of our own, read by vimg and by qemu-img.
# test-timeout: 120
load ../lib/common
load ../lib/equality
load ../lib/formats

make_bochs() {
	python3 "$BATS_TEST_DIRNAME/../lib/bochs.py" "$@"
}

equality_images() {
	content a.raw
	make_bochs a.raw a.bochs 2 65536 shuffle
	make_bochs a.raw one.bochs 1 4096
	make_bochs a.raw big.bochs 2 8388608
	make_bochs a.raw small.bochs 2 512
	: >nil.raw
	make_bochs nil.raw empty.bochs 2 4096
	cp a.bochs magic.bochs && poke magic.bochs 0 'X'
	cp a.bochs type.bochs && poke type.bochs 39 'X'
	cp a.bochs sub.bochs && poke sub.bochs 48 'V'
	cp a.bochs version.bochs && poke version.bochs 66 '\003'
	cp a.bochs catalog.bochs && poke catalog.bochs 75 '\001'
	cp a.bochs short.bochs && poke short.bochs 72 '\001'
	cp a.bochs tiny.bochs && poke tiny.bochs 80 '\000\001\000'
	cp a.bochs odd.bochs && poke odd.bochs 80 '\001'
	cp a.bochs huge.bochs && poke huge.bochs 80 '\000\000\000\001'
	cp a.bochs disk.bochs && poke disk.bochs 95 '\177'
	cp a.bochs far.bochs && poke far.bochs 512 '\376\377\377\377'
}

setup_file() {
	requires qemu-img qemu-io python3
	equality_version
	equality_prepare
}

# refused FILE TEXT
refused() {
	run "$VIMG" convert -O raw "$1" n.raw
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"$1: $2"* ]]
}

@test "what each reads is the disk it was made from" {
	content a.raw
	for args in '1 4096' '2 512' '2 65536 shuffle' '2 8388608'; do
		# shellcheck disable=SC2086
		make_bochs a.raw a.bochs $args
		qemu-img compare -q -f raw -F bochs a.raw a.bochs
		"$VIMG" compare -q -f raw a.raw a.bochs
		"$VIMG" convert -O raw a.bochs back.raw
		cmp a.raw back.raw
		info_same a.bochs
	done
}

@test "command lines" {
	equal <<-'END'
		= inf a.bochs; inf --output=json one.bochs
		= inf empty.bochs
		= qemu-img convert -O raw a.bochs n; md5sum <n
		= qemu-img convert -O raw small.bochs n; cmp n a.raw
		= qemu-img convert -O qcow2 big.bochs n; qemu-img compare n a.raw
		= qemu-img compare a.bochs one.bochs
		= qemu-img measure -O raw a.bochs
		= inf magic.bochs
		= inf -f bochs magic.bochs
		= inf -f bochs type.bochs
		= inf -f bochs sub.bochs
		= inf -f bochs version.bochs
		= inf catalog.bochs
		= inf short.bochs
		= inf tiny.bochs
		= inf odd.bochs
		= inf huge.bochs
		= inf disk.bochs
		= qemu-img convert -n -O bochs a.raw a.bochs
		= qemu-img create -f bochs n 1M
		= qemu-img check a.bochs
		= qemu-img resize a.bochs 20M
		= inf --image-opts driver=bochs,file.filename=a.bochs
	END
}

@test "map tells sectors that were never written from those that were" {
	truncate -s 192k a.raw
	printf x | dd of=a.raw bs=1 seek=66048 conv=notrunc status=none
	make_bochs a.raw a.bochs 2 65536
	run "$VIMG" map --output=json a.bochs
	[ "$status" = 0 ]
	# the header, 3 entries, a bitmap, one sector
	[[ $output == *'"start": 66048, "length": 512, '*'"zero": false, "data": true, "offset": 1548}'* ]]
	[[ $output == *'"start": 0, "length": 66048, '*'"zero": true, "data": false'* ]]
}

@test "what makes no sense is refused with the field and its value" {
	truncate -s 192k a.raw
	make_bochs a.raw a.bochs 2 65536
	cp a.bochs b && poke b 68 '\020\000'
	refused b 'the catalog lies in the header (16)'
	cp a.bochs b && poke b 76 '\001\000\000\001'
	refused b 'the bitmap of an extent is too large (16777217)'
	cp a.bochs b && poke b 76 '\000'
	refused b 'the bitmap of an extent is too small (0)'
	cp a.bochs b && truncate -s 520 b
	refused b 'the catalog of 3 entries at offset 512 lies past the end of the file at 520'
}
