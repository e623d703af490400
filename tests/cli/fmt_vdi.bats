#!/usr/bin/env bats
# VDI images: made, read, written and checked by vimg and by qemu-img.
# test-timeout: 200
load ../lib/common
load ../lib/equality
load ../lib/formats

equality_images() {
	qemu-img create -q -f vdi a.vdi 10M
	qemu-io -c 'write -P 1 5M 1M' -c 'write -P 2 1M 64k' a.vdi >/dev/null
	qemu-img create -q -f vdi -o static=on s.vdi 5M
	qemu-io -c 'write -P 1 3M 64k' s.vdi >/dev/null
	qemu-img create -q -f vdi empty.vdi 0
	qemu-img create -q b.raw 10M
	cp a.vdi twice.vdi && poke twice.vdi 516 '\000'
	cp a.vdi large.vdi && poke large.vdi 524 '\013\000\000\000'
	cp a.vdi count.vdi && poke count.vdi 388 '\007'
	cp a.vdi sig.vdi && poke sig.vdi 64 '\000'
	cp a.vdi version.vdi && poke version.vdi 68 '\002'
	cp a.vdi block.vdi && poke block.vdi 376 '\000\000\040'
	cp a.vdi sector.vdi && poke sector.vdi 361 '\020'
	cp a.vdi map.vdi && poke map.vdi 340 '\001'
	cp a.vdi data.vdi && poke data.vdi 344 '\001'
	cp a.vdi room.vdi && poke room.vdi 384 '\002'
	cp a.vdi blocks.vdi && poke blocks.vdi 384 '\377\377\377\377'
	cp a.vdi size.vdi && poke size.vdi 374 '\377'
	cp a.vdi link.vdi && poke link.vdi 424 '\001'
	cp a.vdi parent.vdi && poke parent.vdi 440 '\001'
}

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "each reads and writes what the other made" {
	both_ways vdi vdi
	both_ways vdi vdi static=on
}

@test "command lines" {
	equal <<-'END'
		= qemu-img create -f vdi n 10M; inf n; head -c 392 n | md5sum
		= qemu-img create -f vdi -o static=on n 10000000; inf n; head -c 392 n | md5sum; stat -c %s n
		= qemu-img create -f vdi -o static=maybe n 10M
		= qemu-img create -f vdi -o nosuch=1 n 10M
		= qemu-img create -f vdi n
		= qemu-img create -f vdi n 0; stat -c %s n
		= qemu-img create -f vdi n 2000T
		= qemu-img create -f vdi n 513T
		= qemu-img create -f vdi -b b.raw -F raw n 10M
		= qemu-img create -f vdi -o preallocation=metadata n 10M
		= qemu-img create -f vdi -o preallocation=off n 10M
		= qemu-img convert -O vdi a.vdi n; inf n; qemu-img compare n a.vdi
		= qemu-img convert -O vdi -o static=on a.vdi n; inf n; qemu-img compare n a.vdi
		= qemu-img convert -c -O vdi a.vdi n
		= qemu-img convert -O raw s.vdi n; cmp n s.vdi; md5sum <n
		= qemu-img dd -f vdi -O vdi if=a.vdi of=n bs=1M skip=1 count=5; inf n; md5sum n | wc -l
		= inf a.vdi; inf --output=json s.vdi
		= inf empty.vdi; qemu-img map --output=json a.vdi
		= qemu-img map s.vdi
		= qemu-img measure -O vdi --size 10M
		= qemu-img measure -O raw a.vdi
		= qemu-img resize a.vdi 20M
		= qemu-img snapshot -l a.vdi
		= qemu-img amend -f vdi -o size=1 a.vdi
		= qemu-img check a.vdi; qemu-img check --output=json s.vdi
		= qemu-img check -r all a.vdi
		~ qemu-img check twice.vdi
		= qemu-img check large.vdi
		= qemu-img check --output=json large.vdi
		= qemu-img check count.vdi
		= inf -f vdi sig.vdi
		= inf version.vdi
		= inf block.vdi
		= inf sector.vdi
		= inf map.vdi
		= inf data.vdi
		= inf room.vdi
		~ inf blocks.vdi
		= inf size.vdi
		= inf link.vdi
		= inf parent.vdi
		= inf --image-opts driver=vdi,file.filename=a.vdi
	END
}

@test "an image whose count is too small is not written to" {
	qemu-img create -q -f vdi a.vdi 10M
	qemu-io -c 'write -P 1 5M 1M' -c 'write -P 2 1M 64k' a.vdi >/dev/null
	printf '\001' | dd of=a.vdi bs=1 seek=388 conv=notrunc status=none
	cp a.vdi before.vdi
	truncate -s 10M zero.raw
	run "$VIMG" convert -f raw -O vdi -n zero.raw a.vdi
	[ "$status" = 1 ]
	[[ $output == *'block 1 has place 1, and only 1 are counted'* ]]
	cmp a.vdi before.vdi
	"$VIMG" convert -O raw a.vdi a.raw
}

@test "a table that lies past the end of the file is refused" {
	qemu-img create -q -f vdi a.vdi 10M
	truncate -s 530 a.vdi
	run "$VIMG" map a.vdi
	[ "$status" = 1 ]
	[[ $output == *'block table of 40 bytes at offset 512 lies past the end'* ]]
}
