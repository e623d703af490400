#!/usr/bin/env bats
# VMDK images beside qemu-img: what is printed, what is made, what is read back.
# test-timeout: 300
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/equality

equality_images() {
	local s
	qemu-img create -q b.raw 10M
	qemu-io -f raw -c 'write -P 5 1M 1M' -c 'write -P 6 9M 64k' -c 'write -P 7 5000k 4k' b.raw >/dev/null
	for s in monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat streamOptimized; do
		qemu-img convert -O vmdk -o subformat=$s b.raw $s.vmdk
	done
	qemu-img create -q -f vmdk -b monolithicSparse.vmdk -F vmdk over.vmdk
	qemu-io -c 'write -P 9 2M 70k' over.vmdk >/dev/null
	qemu-img create -q -f vmdk -o zeroed_grain=on zg.vmdk 10M
	qemu-io -c 'write -P 5 1M 1M' -c 'write -z 1M 64k' zg.vmdk >/dev/null
	qemu-img create -q -f qcow2 a.q 1M
	qemu-img create -q -f vmdk none.vmdk 0
}

ALL="monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat streamOptimized over zg"
export ALL

# The content ID is another one each time.
vinf() {
	inf "$@" | sed -E 's/^( *"?cid"?: )[0-9]+/\1N/; s/("?parent.cid"?: )[0-9]{1,9}/\1N/'
}

# What info shows of extents in other files without opening them: not their clusters.
einf() {
	vinf "$@" | sed '/cluster.size/d'
}

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "info, check, map, compare of qemu-img's images" {
	EQUAL_READS=1 equal <<-'END'
		= inf monolithicSparse.vmdk
		= inf --output=json monolithicSparse.vmdk
		= inf monolithicFlat.vmdk
		= inf --output=json monolithicFlat.vmdk
		= einf twoGbMaxExtentSparse.vmdk
		= einf --output=json twoGbMaxExtentSparse.vmdk
		= inf twoGbMaxExtentFlat.vmdk
		= inf streamOptimized.vmdk
		= inf --output=json streamOptimized.vmdk
		= inf over.vmdk
		= inf --output=json over.vmdk
		= inf --backing-chain over.vmdk
		= inf zg.vmdk
		~ qemu-img info none.vmdk
		= for i in $ALL; do qemu-img check $i.vmdk; done
		= qemu-img check --output=json over.vmdk
		= qemu-img check -r all over.vmdk
		= qemu-img check -r leaks zg.vmdk
		= for i in $ALL; do qemu-img map --output=json $i.vmdk; done
		= qemu-img map over.vmdk
		= qemu-img map streamOptimized.vmdk
		= for i in $ALL; do qemu-img compare $i.vmdk b.raw; done
		= qemu-img compare -f vmdk over.vmdk monolithicFlat.vmdk
		= qemu-img resize monolithicSparse.vmdk 20M
		= qemu-img resize monolithicFlat.vmdk 20M
		= qemu-img snapshot -c x monolithicSparse.vmdk
		~ qemu-img snapshot -l monolithicSparse.vmdk
		= qemu-img amend -f vmdk -o compat6=on monolithicSparse.vmdk
		~ qemu-img rebase -u -b b.raw -F raw over.vmdk
		# ours says where the options end
		~ qemu-img measure -O vmdk b.raw
	END
}

@test "create: options, the line, the image" {
	equal <<-'END'
		= qemu-img create -f vmdk n.vmdk 1M; vinf n.vmdk
		= qemu-img create -f vmdk -o subformat=monolithicSparse n.vmdk 100G; vinf n.vmdk; stat -c %s n.vmdk
		= qemu-img create -f vmdk -o subformat=monolithicFlat n.vmdk 1M; vinf n.vmdk; stat -c '%n %s' n-*
		= qemu-img create -f vmdk -o subformat=twoGbMaxExtentSparse n.vmdk 5G; einf n.vmdk; stat -c '%n %s' n-*
		= qemu-img create -f vmdk -o subformat=twoGbMaxExtentFlat n.vmdk 5G; vinf n.vmdk; stat -c '%n %s' n-*
		= qemu-img create -f vmdk -o subformat=streamOptimized n.vmdk 5G; vinf n.vmdk
		= qemu-img create -f vmdk -o subformat=twoGbMaxExtentSparse dotless 1M; stat -c '%n' dotless*
		= qemu-img create -f vmdk -o adapter_type=lsilogic n.vmdk 10G; strings n.vmdk | sed '/CID=/d'
		= qemu-img create -f vmdk -o adapter_type=legacyESX n.vmdk 10G; strings n.vmdk | sed '/CID=/d'
		= qemu-img create -f vmdk -o compat6 n.vmdk 1M; strings n.vmdk | sed '/CID=/d'
		= qemu-img create -f vmdk -o hwversion=14,toolsversion=10 n.vmdk 1M; strings n.vmdk | sed '/CID=/d'
		= qemu-img create -f vmdk -o compat6=on,hwversion=3 n.vmdk 1M
		= qemu-img create -f vmdk -o zeroed_grain=on n.vmdk 1M; qemu-io -c 'write -z 0 64k' n.vmdk | head -n 1; qemu-img map --output=json n.vmdk
		= qemu-img create -f vmdk -o subformat=foo n.vmdk 1M
		= qemu-img create -f vmdk -o adapter_type=foo n.vmdk 1M
		= qemu-img create -f vmdk -o subformat=monolithicFlat,zeroed_grain=on n.vmdk 1M
		= qemu-img create -f vmdk -o subformat=monolithicFlat -b over.vmdk -F vmdk n.vmdk
		= qemu-img create -f vmdk -o cluster_size=4k n.vmdk 1M
		= qemu-img create -f vmdk -b over.vmdk -F vmdk n.vmdk; vinf n.vmdk
		= qemu-img create -f vmdk -b over.vmdk -F vmdk n.vmdk 20M; vinf n.vmdk
		= qemu-img create -f vmdk -b over.vmdk n.vmdk
		= qemu-img create -f vmdk -b b.raw -F raw n.vmdk
		~ qemu-img create -f vmdk -b a.q n.vmdk
		= qemu-img create -f vmdk -b nowhere.vmdk -F vmdk n.vmdk
		= qemu-img create -f vmdk n.vmdk 1000; vinf n.vmdk
		= qemu-img create -f vmdk -o help | cut -c 1-26 | sort
	END
}

@test "one makes them, the other reads and writes them" {
	equal <<-'END'
		= qemu-img convert -O vmdk b.raw n.vmdk; vinf n.vmdk; qemu-img compare n.vmdk b.raw; qemu-img map n.vmdk
		= qemu-img convert -O vmdk -o subformat=streamOptimized b.raw n.vmdk; vinf n.vmdk; qemu-img compare n.vmdk b.raw
		= qemu-img convert -c -O vmdk b.raw n.vmdk; vinf n.vmdk; qemu-img compare n.vmdk b.raw
		= qemu-img convert -O vmdk -B monolithicSparse.vmdk -F vmdk b.raw n.vmdk; vinf n.vmdk; qemu-img compare n.vmdk b.raw
		= qemu-img convert -n -O vmdk b.raw zg.vmdk; qemu-img compare zg.vmdk b.raw
		= qemu-img commit over.vmdk; qemu-img compare monolithicSparse.vmdk b.raw
		# a changed backing file is told by its content ID
		~ qemu-io -c 'write -P 3 0 64k' monolithicSparse.vmdk | head -n 1; qemu-img convert -O raw over.vmdk n.raw 2>/dev/null || echo refused
	END
}

@test "each subformat through both programs, with writes in between" {
	local s
	cp "$BATS_FILE_TMPDIR"/set/* .
	for s in monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat streamOptimized; do
		"$VIMG" convert -O vmdk -o subformat=$s b.raw n.vmdk
		qemu-img compare n.vmdk b.raw
		qemu-img check -q n.vmdk
		[ $s = streamOptimized ] || qemu-io -c 'write -P 77 4090k 100k' n.vmdk >/dev/null
		"$VIMG" check -q n.vmdk
		"$VIMG" convert --verify -O raw n.vmdk r.raw
		qemu-img compare n.vmdk r.raw
		# over the other's image
		cp r.raw w.raw
		[ $s = streamOptimized ] || qemu-io -f raw -c 'write -P 78 6M 300k' w.raw >/dev/null
		[ $s = streamOptimized ] || "$VIMG" convert -n -O vmdk w.raw n.vmdk
		qemu-img compare n.vmdk w.raw
		qemu-img check -q n.vmdk
		rm -f n.vmdk n-*
	done
}

@test "after a commit the overlay is empty, and still an overlay" {
	cp "$BATS_FILE_TMPDIR"/set/* .
	"$VIMG" convert -O raw over.vmdk was.raw
	"$VIMG" commit over.vmdk
	qemu-img compare over.vmdk was.raw
	"$VIMG" compare over.vmdk was.raw
	"$VIMG" map --output=json over.vmdk | { ! grep -q '"depth": 0, "present": true'; }
	qemu-io -c 'write -P 4 3M 1k' over.vmdk >/dev/null
	"$VIMG" check over.vmdk
}

@test "a disk of several parts of 2 GiB" {
	qemu-img create -q big.raw 5G
	qemu-io -f raw -c 'write -P 1 2097100k 100k' -c 'write -P 2 4194200k 300k' big.raw >/dev/null
	for s in twoGbMaxExtentSparse twoGbMaxExtentFlat; do
		"$VIMG" convert -O vmdk -o subformat=$s big.raw n.vmdk
		qemu-img compare n.vmdk big.raw
		"$VIMG" compare n.vmdk big.raw
		"$VIMG" check n.vmdk
		rm -f n.vmdk n-*
	done
}

# A reader of our own for the stream, front to back as VMware reads it: all that it needs is in
# the header, the descriptor and the markers.
read_stream() {
	python3 - "$1" "$2" <<-'END'
		import struct, sys, zlib
		f = open(sys.argv[1], 'rb').read()
		def head(b):
		    return struct.unpack('<4sIIQQQQIQQQB4sH', b[:79])
		h = head(f)
		assert h[0] == b'KDMV' and h[1] == 3, h
		assert h[2] == 0x30001, hex(h[2])          # newlines, compressed, markers; no second directory
		assert h[9] == 0xffffffffffffffff and h[8] == 0
		assert h[12] == b'\n \r\n' and h[13] == 1 and h[11] == 0
		capacity, grain, desc, desc_n, overhead = h[3], h[4], h[5], h[6], h[10]
		assert grain == 128 and h[7] == 512 and desc == 1 and desc + desc_n <= overhead == 128
		text = f[512:512 + desc_n * 512].rstrip(b'\0').decode()
		lines = text.split('\n')
		assert lines[0] == '# Disk DescriptorFile' and lines[1] == 'version=1'
		assert 'createType="streamOptimized"' in lines and 'parentCID=ffffffff' in lines
		assert any(l.startswith('RW %d SPARSE "' % capacity) for l in lines), text
		for key in ('ddb.virtualHWVersion', 'ddb.adapterType', 'ddb.geometry.cylinders', 'ddb.geometry.heads',
		            'ddb.geometry.sectors'):
		    assert any(l.startswith(key + ' = "') for l in lines), key
		disk = bytearray(capacity * 512)
		at, grains, tables, gd, footer = overhead * 512, {}, {}, None, None
		last = -1
		while True:
		    val, size, kind = struct.unpack('<QII', f[at:at + 16])
		    if size:
		        data = zlib.decompress(f[at + 12:at + 12 + size])
		        assert len(data) == grain * 512 and val % grain == 0 and val > last
		        assert not any(f[at + 12 + size:(at + 12 + size + 511) // 512 * 512])
		        last = val
		        grains[val // grain] = at // 512
		        disk[val * 512:val * 512 + len(data)] = data
		        at = (at + 12 + size + 511) // 512 * 512
		        continue
		    assert not any(f[at + 16:at + 512])
		    body = f[at + 512:at + 512 + val * 512]
		    if kind == 0:
		        assert val == 0
		        break
		    if kind == 1:
		        assert val == 4
		        tables[at // 512 + 1] = struct.unpack('<512I', body)
		    elif kind == 2:
		        gd = (at // 512 + 1, struct.unpack('<%dI' % (len(body) // 4), body))
		    else:
		        assert kind == 3 and val == 1
		        footer = head(body)
		    at += 512 + val * 512
		assert at + 512 == len(f) and footer and gd
		assert footer[9] == gd[0] and footer[:9] == h[:9] and footer[10:] == h[10:]
		found = {}
		for i, t in enumerate(gd[1]):
		    for k, s in enumerate(tables[t] if t else ()):
		        if s:
		            found[i * 512 + k] = s
		assert found == grains
		open(sys.argv[2], 'wb').write(disk[:capacity * 512])
	END
}

@test "streamOptimized is what the specification asks for" {
	requires python3
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	truncate -s $((10 * 1048576 + 1536)) b.raw
	printf end | dd of=b.raw bs=1 seek=$((10 * 1048576 + 1000)) conv=notrunc status=none
	head -c 200000 /dev/urandom | dd of=b.raw bs=1M seek=4 conv=notrunc status=none
	"$VIMG" convert -O vmdk -o subformat=streamOptimized b.raw n.vmdk
	grep -aq '"n.vmdk"' n.vmdk
	read_stream n.vmdk r.raw
	cmp b.raw r.raw
	"$VIMG" check n.vmdk
	qemu-img check n.vmdk
	qemu-img compare n.vmdk b.raw
	"$VIMG" create -q -f vmdk -o subformat=streamOptimized e.vmdk 100G
	qemu-img check e.vmdk
	"$VIMG" create -q -f vmdk -o subformat=streamOptimized e.vmdk 1M
	read_stream e.vmdk r.raw
	# smaller on demand, and the same whatever the number of threads
	"$VIMG" convert -m 1 -O vmdk -o subformat=streamOptimized b.raw one.vmdk
	"$VIMG" convert -m 7 -O vmdk -o subformat=streamOptimized b.raw seven.vmdk
	[ "$(tail -c +65536 one.vmdk | sha256sum)" = "$(tail -c +65536 seven.vmdk | sha256sum)" ]
	"$VIMG" convert -W -O vmdk -o subformat=streamOptimized b.raw any.vmdk
	qemu-img compare any.vmdk b.raw
	"$VIMG" convert -O vmdk -o subformat=streamOptimized,compression_level=small b.raw small.vmdk
	read_stream small.vmdk r.raw
	cmp b.raw r.raw
}

@test "a finished stream takes nothing more; an empty one does" {
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	"$VIMG" create -q -f vmdk -o subformat=streamOptimized n.vmdk 10M
	"$VIMG" convert -n -O vmdk b.raw n.vmdk
	qemu-img compare n.vmdk b.raw
	run ! "$VIMG" convert -n -O vmdk b.raw n.vmdk
	[[ $output == *'finished stream'* ]]
	"$VIMG" check n.vmdk
	qemu-img compare n.vmdk b.raw
	# qemu-img's kind can be added to, but no grain replaced
	qemu-img create -q -f vmdk -o subformat=streamOptimized q.vmdk 10M
	"$VIMG" convert -n -O vmdk b.raw q.vmdk
	qemu-img compare q.vmdk b.raw
	qemu-img check q.vmdk
	run ! "$VIMG" convert -n -O vmdk b.raw q.vmdk
	qemu-img compare q.vmdk b.raw
}

@test "extents of ESX servers are read, not written" {
	requires python3
	PYTHONDONTWRITEBYTECODE=1 python3 "$TOP/tests/images/esx_vmdk.py"
	for i in c s; do
		qemu-img convert -O raw $i.vmdk theirs.raw
		"$VIMG" convert -O raw $i.vmdk ours.raw
		cmp theirs.raw ours.raw
		[ "$("$VIMG" map --output=json $i.vmdk)" = "$(qemu-img map --output=json $i.vmdk)" ]
		"$VIMG" check $i.vmdk
		run ! "$VIMG" convert -n -O vmdk theirs.raw $i.vmdk
		[[ $output == *'read only'* || $output == *'No write support'* ]]
	done
}

descriptor() {
	printf '# Disk DescriptorFile\nversion=1\nCID=123\nparentCID=ffffffff\ncreateType="%s"\n\n%s\n' "$1" "$2"
}

@test "extents: no file but one in the folder, and info opens none" {
	mkdir dir
	printf secret >secret
	truncate -s 1M secret dir/disk
	cd dir
	for name in ../secret /etc/passwd x/../../secret nbd:localhost:1 file:disk; do
		descriptor monolithicFlat "RW 2 FLAT \"$name\" 0" >h.vmdk
		run ! "$VIMG" convert -O raw h.vmdk o.raw
		[[ $output == *"extent '$name'"* ]]
		"$VIMG" info h.vmdk >/dev/null
	done
	mkfifo pipe
	descriptor monolithicFlat 'RW 2 FLAT "pipe" 0' >h.vmdk
	run ! timeout 10 "$VIMG" convert -O raw h.vmdk o.raw
	timeout 10 "$VIMG" info h.vmdk >info.txt
	grep -q 'filename: pipe' info.txt
	descriptor monolithicFlat 'RW 2048 FLAT "disk" 0' >h.vmdk
	"$VIMG" compare h.vmdk disk
	[ "$(strace -f -e trace=open,openat "$VIMG" info h.vmdk 2>&1 | grep -c '"disk"')" = 0 ] ||
		! command -v strace
}

@test "descriptors that are not well" {
	truncate -s 1M disk
	bad() {
		descriptor "$1" "$2" >h.vmdk
		run ! "$VIMG" convert -f vmdk -O raw h.vmdk o.raw
		[[ $output == *"$3"* ]] || { echo "$output"; return 1; }
	}
	bad monolithicFlat 'RW x FLAT "disk" 0' 'Invalid extent line'
	bad monolithicFlat 'RW 0 FLAT "disk" 0' 'Invalid extent line'
	bad monolithicFlat 'RW 99999999999999999999 FLAT "disk" 0' 'Invalid extent line'
	bad monolithicFlat 'RW 2 FLAT disk 0' 'Invalid extent line'
	bad monolithicFlat 'RW 2 FLAT "disk' 'Invalid extent line'
	bad monolithicFlat 'RW 2 FLAT "disk" -1' 'Invalid extent line'
	bad monolithicFlat 'RW 2 ZERO' 'Unsupported extent type'
	bad monolithicFlat 'RDONLY 2 FLAT "disk" 0' 'access RDONLY'
	bad monolithicFlat '' 'no extents'
	bad fullDevice 'RW 2 FLAT "disk" 0' "Unsupported image type 'fullDevice'"
	bad twoGbMaxExtentSparse 'RW 2048 SPARSE "disk"' 'not in VMDK format'
	bad seSparse 'RW 2048 SESPARSE "disk"' 'magic'
	# short: reads past the end are zeroes, as with raw images, but check tells
	descriptor monolithicFlat 'RW 4096 FLAT "disk" 0' >h.vmdk
	run -2 "$VIMG" check h.vmdk
}

@test "check finds what is wrong" {
	cp "$BATS_FILE_TMPDIR"/set/monolithicSparse.vmdk n.vmdk
	# tables of 512 entries: the second directory at sector 26, its table behind it
	gd=$(od -An -tu8 -j 56 -N 8 n.vmdk)
	gt=$(od -An -tu4 -j $((gd * 512)) -N 4 n.vmdk)
	poke n.vmdk $((gt * 512)) '\377\377\377\000'
	run -2 "$VIMG" check n.vmdk
	[[ $output == *'after EOF'* && $output == *'copies of grain table 0 differ'* ]]
	cp "$BATS_FILE_TMPDIR"/set/monolithicSparse.vmdk n.vmdk
	dd if=n.vmdk of=entry bs=1 skip=$((gt * 512 + 64)) count=4 status=none
	dd if=entry of=n.vmdk bs=1 seek=$((gt * 512)) conv=notrunc status=none
	run -2 "$VIMG" check n.vmdk
	[[ $output == *'lies over something else'* ]]
	head -c 1000000 "$BATS_FILE_TMPDIR"/set/streamOptimized.vmdk >t.vmdk
	cp "$BATS_FILE_TMPDIR"/set/b.raw .
	"$VIMG" convert -O vmdk -o subformat=streamOptimized b.raw s.vmdk
	truncate -s -512 s.vmdk
	run -1 "$VIMG" check s.vmdk
	[[ $output == *'footer'* ]]
}
