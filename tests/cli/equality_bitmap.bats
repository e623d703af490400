#!/usr/bin/env bats
# bitmap, and convert --bitmaps: what qemu-img prints and what it leaves.
# test-timeout: 300
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "bitmap: what it makes" {
	equal <<-'END'
		= qemu-img bitmap --add a.q b; inf a.q; qemu-img check a.q
		= qemu-img bitmap --add -g 1M a.q b; inf a.q
		= qemu-img bitmap --add -g 512 a.q b; inf a.q
		= qemu-img bitmap --add -g 2G a.q b; inf a.q
		= qemu-img bitmap --add -g 0 a.q b; inf a.q
		= qemu-img bitmap -g 4k a.q --add b; inf a.q
		= qemu-img bitmap --add tiny.q b; inf tiny.q
		= qemu-img bitmap --add lazy.q b; inf lazy.q
		= qemu-img bitmap --add ext.q b; inf ext.q
		= qemu-img bitmap --add data.q b; inf data.q
		= qemu-img bitmap --add snap.q b; inf snap.q
		= qemu-img bitmap --add -f qcow2 top.q b; inf top.q
		= qemu-img bitmap --add --image-opts driver=qcow2,file.filename=a.q b; inf a.q
		= qemu-img bitmap --add a.q 'ä and more'; inf a.q
		= qemu-img bitmap --add --disable a.q b; inf a.q
		= qemu-img bitmap --add --disable --enable a.q b; inf a.q
		= qemu-img bitmap --disable bits.q b0; inf bits.q
		= qemu-img bitmap --disable bits.q other; inf bits.q
		= qemu-img bitmap --enable bits.q other; inf bits.q
		= qemu-img bitmap --clear bits.q b0; inf bits.q
		= qemu-img bitmap --remove bits.q b0; inf bits.q
		= qemu-img bitmap --remove bits.q b0; qemu-img bitmap --remove bits.q other; inf bits.q; qemu-img check bits.q
		= qemu-img bitmap --add --merge other --disable bits.q b; inf bits.q; qemu-img check -q bits.q
		= qemu-img bitmap --merge b0 --merge other bits.q other; inf bits.q
		= qemu-img bitmap --merge b0 bits.q b0; inf bits.q
		= qemu-img bitmap --add -b bits.q -F qcow2 --merge other a.q b; inf a.q; qemu-img check a.q
		= qemu-img bitmap --add --remove a.q b; inf a.q; qemu-img check a.q
		= qemu-img convert --bitmaps -O qcow2 bits.q n; inf n; qemu-img check n
		= qemu-img convert --bitmaps -O qcow2 -o cluster_size=4k bits.q n; inf n; qemu-img check n
		= qemu-img convert --bitmaps -c -O qcow2 bits.q n; inf n
		= qemu-img convert --bitmaps -n -O qcow2 bits.q a.q; inf a.q
	END
}

@test "bitmap: what it refuses" {
	equal <<-'END'
		= qemu-img bitmap
		= qemu-img bitmap a.q
		= qemu-img bitmap a.q b
		= qemu-img bitmap --add
		= qemu-img bitmap --add a.q
		= qemu-img bitmap --add a.q b c
		= qemu-img bitmap --add bits.q b0
		= qemu-img bitmap --add a.q ''
		= qemu-img bitmap --add -g 1000 a.q b
		= qemu-img bitmap --add -g 256 a.q b
		= qemu-img bitmap --add -g 4G a.q b
		= qemu-img bitmap --add -g x a.q b
		= qemu-img bitmap -g 4k --clear bits.q b0
		= qemu-img bitmap --clear a.q b
		= qemu-img bitmap --remove a.q b
		= qemu-img bitmap --enable a.q b
		= qemu-img bitmap --disable a.q b
		= qemu-img bitmap --merge b0 a.q b
		= qemu-img bitmap --merge b bits.q b0
		= qemu-img bitmap --merge b0 -b bits.q a.q b
		= qemu-img bitmap --merge b -b a.q bits.q b0
		= qemu-img bitmap --merge b -b b.raw bits.q b0
		= qemu-img bitmap --add small.q b; qemu-img bitmap --merge b -b small.q bits.q b0
		= qemu-img bitmap --merge b0 -F qcow2 bits.q b0
		= qemu-img bitmap --add -b bits.q a.q b
		= qemu-img bitmap --merge b0 -b nosuch bits.q b0
		= qemu-img bitmap --add nosuch b
		= qemu-img bitmap --add -f nosuch a.q b
		= qemu-img bitmap --add -f raw --image-opts driver=qcow2,file.filename=a.q b
		= qemu-img bitmap --remove --clear bits.q b0
		# theirs names the node by an invented name
		~ qemu-img bitmap --add v2.q b; inf v2.q
		~ qemu-img bitmap --add -f raw b.raw b
		~ qemu-img bitmap --add a.q "$(printf '%01024d' 0)"
		= qemu-img convert --bitmaps -O qcow2 bits.q a.q n
		= qemu-img convert --bitmaps -O qcow2 b.raw n
		= qemu-img convert --bitmaps -O qcow2 -o compat=0.10 bits.q n
		= qemu-img convert --bitmaps -O raw bits.q n
		= qemu-img bitmap --add a.q b0; qemu-img convert --bitmaps -n -O qcow2 bits.q a.q
		# the first of two that do not fit, or the last
		~ qemu-img create -q -f qcow2 n 12M; qemu-img convert --bitmaps -n -O qcow2 bits.q n
	END
}
