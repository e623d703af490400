#!/usr/bin/env bats
# VPC (VHD) images: made, read and written by vimg and by qemu-img.
# test-timeout: 200
load ../lib/common
load ../lib/equality
load ../lib/formats

setup_file() {
	requires qemu-img qemu-io python3
	equality_version
	equality_prepare
}

# changed FROM TO OFFSET BYTES: with the footer's checksum made right again.
changed() {
	cp "$1" "$2"
	poke "$2" "$3" "$4"
	python3 - "$2" <<-'END'
		import struct, sys
		with open(sys.argv[1], "r+b") as f:
		    b = bytearray(f.read(512))
		    b[64:68] = bytes(4)
		    b[64:68] = struct.pack(">I", ~sum(b) & 0xffffffff)
		    f.seek(0)
		    f.write(b)
	END
}

equality_images() {
	qemu-img create -q -f vpc a.vpc 10M
	qemu-io -c 'write -P 1 5M 1M' -c 'write -P 2 1M 64k' a.vpc >/dev/null
	qemu-img create -q -f vpc -o subformat=fixed,force_size=on f.vpc 5M
	qemu-io -f vpc -c 'write -P 1 3M 64k' f.vpc >/dev/null
	cp a.vpc sum.vpc && poke sum.vpc 100 x
	changed a.vpc app.vpc 28 'win '
	changed a.vpc tap.vpc 28 'tap\000'
	changed a.vpc other.vpc 28 'xxxx'
	changed a.vpc diff.vpc 63 '\004'
	changed a.vpc type.vpc 63 '\007'
	changed a.vpc max.vpc 56 '\377\377\020\377'
	changed max.vpc toolarge.vpc 50 '\377'
	changed a.vpc at.vpc 20 '\377'
	cp a.vpc magic.vpc && poke magic.vpc 512 x
	cp a.vpc block.vpc && poke block.vpc 546 '\001'
	cp a.vpc small.vpc && poke small.vpc 546 '\000\001'
	cp a.vpc few.vpc && poke few.vpc 543 '\002'
	cp a.vpc far.vpc && poke far.vpc 530 '\001'
	cp a.vpc cut.vpc && truncate -s 1000000 cut.vpc
	truncate -s 100 tiny.vpc
}

@test "each reads and writes what the other made" {
	export NO_CHECK=1
	both_ways vpc vpc
	both_ways vpc vpc force_size=on
	both_ways vpc vpc subformat=fixed
	both_ways vpc vpc subformat=fixed,force_size=on
}

@test "command lines" {
	equal <<-'END'
		= qemu-img create -f vpc n 10M; inf n; head -c 24 n | md5sum; head -c 64 n | tail -c 36 | md5sum; tail -c +513 n | head -c 1536 | md5sum
		= qemu-img create -f vpc -o force_size=on n 10M; inf n; tail -c +513 n | head -c 1536 | md5sum; stat -c %s n
		= qemu-img create -f vpc -o subformat=fixed n 10000000; inf -f vpc n; stat -c %s n; tail -c 488 n | head -c 40 | tail -c 36 | md5sum
		= qemu-img create -f vpc -o subformat=fixed,force_size=on n 10000000; inf -f vpc n; stat -c %s n
		= for s in 0 1 512 100000 1M 5M 33M 503M 504M 1G 8G 31G 32G 33G 126G 127G 128G 500G 2040G; do qemu-img create -q -f vpc n $s; inf n; tail -c +49 n | head -c 16 | md5sum; done
		= qemu-img create -f vpc n 2041G
		= qemu-img create -f vpc -o force_size=on n 2041G
		= qemu-img create -f vpc -o subformat=nosuch n 10M
		= qemu-img create -f vpc -o force_size=maybe n 10M
		= qemu-img create -f vpc -b b.raw n 10M
		= qemu-img convert -O vpc a.vpc n; inf n; qemu-img compare n a.vpc
		= qemu-img convert -c -O vpc a.vpc n
		= inf a.vpc; inf --output=json a.vpc; qemu-img map --output=json a.vpc
		= inf f.vpc; inf -f vpc --output=json f.vpc
		= qemu-img map -f vpc f.vpc
		= qemu-img measure -O vpc --size 10M
		= qemu-img check a.vpc
		= qemu-img resize a.vpc 20M
		= inf sum.vpc
		= inf app.vpc; inf tap.vpc; inf other.vpc; inf max.vpc
		# qemu-img takes a differencing image for a dynamic one, and shows zeroes for its parent
		~ inf toolarge.vpc
		= inf magic.vpc
		= inf at.vpc
		= inf block.vpc
		= inf small.vpc
		= inf few.vpc
		= inf far.vpc
		= inf cut.vpc
		= inf -f vpc tiny.vpc
		~ qemu-img info --image-opts driver=vpc,file.filename=a.vpc,force_size_calc=nosuch
	END
}

@test "how the size is told can be chosen" {
	changed "$BATS_FILE_TMPDIR/set/app.vpc" half.vpc 53 '\120'
	run "$VIMG" info half.vpc
	[[ $output == *'(5271552 bytes)'* ]]
	run "$VIMG" info --image-opts driver=vpc,file.filename=half.vpc,force_size_calc=chs
	[[ $output == *'(10514432 bytes)'* ]]
	run "$VIMG" info --image-opts driver=vpc,file.filename=half.vpc,force_size_calc=current_size
	[[ $output == *'(5271552 bytes)'* ]]
}

@test "differencing images and unknown kinds are refused" {
	run "$VIMG" info "$BATS_FILE_TMPDIR/set/diff.vpc"
	[ "$status" = 1 ]
	[[ $output == *'disk type 4, differencing'* ]]
	run "$VIMG" info "$BATS_FILE_TMPDIR/set/type.vpc"
	[ "$status" = 1 ]
	[[ $output == *'disk type 7'* ]]
}
