#!/usr/bin/env bats
# VHDX images: made, read, written, replayed and checked by vimg and by qemu-img.
# test-timeout: 200
load ../lib/common
load ../lib/equality
load ../lib/formats

setup_file() {
	requires qemu-img qemu-io python3
	equality_version
	equality_prepare
}

equality_images() {
	qemu-img create -q -f vhdx a.vhdx 10M
	qemu-io -c 'write -P 1 5M 1M' -c 'write -P 2 1M 64k' a.vhdx >/dev/null
	qemu-img create -q -f vhdx -o subformat=fixed,block_size=1M f.vhdx 5M
	cp a.vhdx one.vhdx && poke one.vhdx 65540 x
	cp one.vhdx none.vhdx && poke none.vhdx 131076 x
	cp a.vhdx region.vhdx && poke region.vhdx 196612 x
	cp region.vhdx regions.vhdx && poke regions.vhdx 262148 x
	cp a.vhdx meta.vhdx && poke meta.vhdx 3145728 x
	cp a.vhdx parent.vhdx && poke parent.vhdx 3211268 '\002'
	cp a.vhdx block.vhdx && poke block.vhdx 3211266 '\001'
	cp a.vhdx state.vhdx && poke state.vhdx 2097152 '\007'
	cp a.vhdx at.vhdx && poke at.vhdx 2097154 '\060'
	cp a.vhdx cut.vhdx && truncate -s 9M cut.vhdx
}

# The log of an image, made by hand: two entries, the second one over the first, and a run that
# is older.  The block table gets its first block back from it.
dirty() {
	python3 - "$1" <<-'END'
		import struct, sys
		def crc(b):
		    t = []
		    for i in range(256):
		        v = i
		        for _ in range(8): v = v >> 1 ^ 0x82f63b78 if v & 1 else v >> 1
		        t.append(v)
		    c = 0xffffffff
		    for x in b: c = c >> 8 ^ t[(c ^ x) & 255]
		    return c ^ 0xffffffff
		def seal(b):
		    b[4:8] = bytes(4)
		    b[4:8] = struct.pack("<I", crc(b))
		guid = bytes(range(1, 17))
		def entry(seq, tail, descs, size):
		    n = 4096 * (1 + len([d for d in descs if d[0] == "desc"]))
		    e = bytearray(n)
		    e[0:4] = b"loge"
		    e[8:64] = struct.pack("<IIQII16sQQ", n, tail, seq, len(descs), 0, guid, size, size)
		    at = 4096
		    for i, (kind, off, arg) in enumerate(descs):
		        p = 64 + 32 * i
		        if kind == "zero":
		            e[p:p + 32] = struct.pack("<4sIQQQ", b"zero", 0, arg, off, seq)
		        else:
		            e[p:p + 32] = b"desc" + arg[4092:] + arg[:8] + struct.pack("<QQ", off, seq)
		            e[at:at + 4096] = b"data" + struct.pack("<I", seq >> 32) + arg[8:4092] + \
		                struct.pack("<I", seq & 0xffffffff)
		            at += 4096
		    seal(e)
		    return e
		with open(sys.argv[1], "r+b") as f:
		    f.seek(0, 2)
		    size = f.tell()
		    f.seek(0x200000)
		    table = f.read(4096)
		    f.seek(0x200000)
		    f.write(bytes(4096))
		    log = bytearray(1 << 20)
		    old = entry(3, 0x8000, [("desc", 0x200000, b"\xff" * 4096)], size)
		    log[0x8000:0x8000 + len(old)] = old
		    one = entry(7, 0xff000, [("desc", 0x200000, b"\xee" * 4096)], size)
		    log[0xff000:] = one[:4096]
		    log[0:4096] = one[4096:]
		    two = entry(8, 0xff000, [("zero", 0x201000, 4096), ("desc", 0x200000, table)], size)
		    log[0x1000:0x1000 + len(two)] = two
		    f.seek(0x100000)
		    f.write(log)
		    for at in 0x10000, 0x20000:
		        f.seek(at)
		        h = bytearray(f.read(4096))
		        h[48:64] = guid
		        seal(h)
		        f.seek(at)
		        f.write(h)
	END
}

@test "each reads and writes what the other made" {
	export OWN_MAP=1
	both_ways vhdx vhdx
	both_ways vhdx vhdx subformat=fixed
	both_ways vhdx vhdx block_size=1M,block_state_zero=off,log_size=3M
}

@test "command lines" {
	equal <<-'END'
		= qemu-img create -f vhdx n 10M; inf n; tail -c +2097153 n | head -c 1114120 | md5sum
		= for s in 1M 1G 1025M 100G 101G 33T 64T; do qemu-img create -q -f vhdx n $s; inf n; done
		= qemu-img create -f vhdx n 65T
		= qemu-img create -f vhdx -o subformat=fixed n 10M; inf n
		= qemu-img create -f vhdx -o block_size=3M n 10M
		= qemu-img create -f vhdx -o block_size=1M,log_size=2M n 10M; inf n; tail -c +3145729 n | head -c 1114120 | md5sum
		= qemu-img create -f vhdx -o log_size=5G n 10M
		= qemu-img create -f vhdx -o subformat=nosuch n 10M
		= qemu-img create -f vhdx -o block_state_zero=off n 10M; inf n
		= qemu-img convert -O vhdx a.vhdx n; inf n; qemu-img compare n a.vhdx
		= qemu-img convert -c -O vhdx a.vhdx n
		= inf a.vhdx; inf --output=json a.vhdx; inf f.vhdx
		= qemu-img check a.vhdx; qemu-img check --output=json f.vhdx
		= qemu-img check -r all a.vhdx
		= qemu-img measure -O vhdx --size 10M
		= qemu-img resize a.vhdx 20M
		= inf one.vhdx
		~ inf none.vhdx
		~ inf regions.vhdx
		~ inf meta.vhdx
		~ inf parent.vhdx
		~ inf block.vhdx
		~ inf cut.vhdx
	END
}

@test "a log is replayed: by a reader in memory, by a writer in the file" {
	qemu-img create -q -f vhdx a.vhdx 10M
	qemu-io -c 'write -P 1 1M 1M' -c 'write -P 2 9M 64k' a.vhdx >/dev/null
	qemu-img convert -O raw a.vhdx want.raw
	cp a.vhdx d.vhdx
	dirty d.vhdx
	cp d.vhdx before.vhdx
	"$VIMG" convert -O raw d.vhdx got.raw
	cmp want.raw got.raw
	cmp d.vhdx before.vhdx
	cp d.vhdx theirs.vhdx
	qemu-img check -q -r all theirs.vhdx
	qemu-img compare -q theirs.vhdx want.raw
	"$VIMG" check -r all d.vhdx >out
	grep -q '1 corruptions' out
	qemu-img compare -q d.vhdx want.raw
	qemu-img check -q d.vhdx
}

@test "damage in the log, the table and what cannot be done is refused" {
	local set=$BATS_FILE_TMPDIR/set
	# the second copy of the region table serves; qemu-img does not look at it
	"$VIMG" check "$set/region.vhdx"
	run "$VIMG" info "$set/parent.vhdx"
	[[ $output == *'differencing'* ]]
	run "$VIMG" convert -O raw "$set/state.vhdx" x
	[ "$status" = 1 ]
	[[ $output == *'VHDX block 0 has the state 7'* ]]
	run "$VIMG" convert -O raw "$set/at.vhdx" x
	[ "$status" = 1 ]
	[[ $output == *'where the image has its metadata'* ]]
	run "$VIMG" check "$set/at.vhdx"
	[ "$status" = 2 ]
	run "$VIMG" check "$set/cut.vhdx"
	[ "$status" = 2 ]
	# an entry that was not written whole counts for nothing
	qemu-img create -q -f vhdx a.vhdx 10M
	cp a.vhdx d.vhdx
	dirty d.vhdx
	printf x | dd of=d.vhdx bs=1 seek=$((0x101800)) conv=notrunc status=none
	printf x | dd of=d.vhdx bs=1 seek=$((0x1ff800)) conv=notrunc status=none
	printf x | dd of=d.vhdx bs=1 seek=$((0x108800)) conv=notrunc status=none
	"$VIMG" convert -O raw d.vhdx got.raw
	truncate -s 10M zero.raw
	cmp got.raw zero.raw
}
