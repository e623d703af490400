#!/usr/bin/env bats
# create, amend, resize, snapshot: what qemu-img prints and what it leaves.
# test-timeout: 300
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "create: the line it prints, and the image" {
	equal <<-'END'
		= qemu-img create n 1M; inf n
		= qemu-img create -f raw n 1000; inf n
		= qemu-img create -f qcow2 n 1M; inf n
		= qemu-img create -q -f qcow2 n 1M; inf --output=json n
		= qemu-img create n -f qcow2 1M; inf n
		= qemu-img create -fqcow2 n 1M; inf n
		= qemu-img create -f qcow2 -o compat=0.10 n 1M; inf n
		= qemu-img create -f qcow2 -o compat=v2 n 1M; inf n
		= qemu-img create -f qcow2 -o compat=v3 n 1M; inf n
		= qemu-img create -f qcow2 -o cluster_size=512 n 1M; inf n
		= qemu-img create -f qcow2 -o cluster_size=2M n 1M; inf n
		= qemu-img create -f qcow2 -o extended_l2=on n 1M; inf n
		= qemu-img create -f qcow2 -o lazy_refcounts=on n 1M; inf n
		= qemu-img create -f qcow2 -o lazy_refcounts n 1M; inf n
		= qemu-img create -f qcow2 -o lazy_refcounts=yes n 1M; inf n
		= qemu-img create -f qcow2 -o refcount_bits=1 n 1M; inf n
		= qemu-img create -f qcow2 -o refcount_bits=64 n 1M; inf n
		= qemu-img create -f qcow2 -o compression_type=zstd n 1M; inf n
		= qemu-img create -f qcow2 -o preallocation=metadata n 1M; inf n
		= qemu-img create -f qcow2 -o preallocation=falloc n 1M; inf n
		= qemu-img create -f qcow2 -o preallocation=full n 1M; inf n
		= qemu-img create -o preallocation=full n 1M; qemu-img info n
		= qemu-img create -o preallocation=falloc n 1M; qemu-img info n
		= qemu-img create -f qcow2 -o data_file=n.data n 1M; inf n
		= qemu-img create -f qcow2 -o data_file=n.data,data_file_raw=on n 1M; inf n
		= qemu-img create -f qcow2 -o size=3M n; inf n
		= qemu-img create -f qcow2 -o cluster_size=4k -o lazy_refcounts=on n 1M; inf n
		= qemu-img create -f qcow2 -o cluster_size=4k -o cluster_size=8k n 1M; inf n
		= qemu-img create -f qcow2 -o nocow=off n 1M; inf n
		= qemu-img create -f qcow2 -o extent_size_hint=0,nocow=off n 1M
		= qemu-img create -o extent_size_hint=1M,preallocation=off,nocow=off n 1M
		= qemu-img create -f qcow2 -o refcount_bits=8,lazy_refcounts=on,backing_fmt=raw,backing_file=b.raw,compat=1.1,compression_type=zlib,extended_l2=on,cluster_size=128k,encryption=off n; inf n
		= qemu-img create -f qcow2 'a,b c.q' 1M; inf 'a,b c.q'
		= qemu-img create -f qcow2 file:x:y 1M; inf file:x:y
		= qemu-img create -f qcow2 $'\xe4.q' 1M; qemu-img info --output=json $'\xe4.q' | grep filename
		= qemu-img create -f qcow2 n 0; inf n
		= qemu-img create -f qcow2 n 1; inf n
		= qemu-img create -f qcow2 n 513; inf n
		= qemu-img create -f qcow2 n 1.5k; inf n
		= qemu-img create -f qcow2 n 2P; inf n
		= qemu-img create -f qcow2 a.q 1M; inf a.q
		= qemu-img create --object secret,id=a,data=b >/dev/null 2>&1
	END
}

@test "create: overlays" {
	equal <<-'END'
		= qemu-img create -f qcow2 -b b.raw -F raw n; inf n
		= qemu-img create -f qcow2 -b b.raw -F raw n 20M; inf n
		= qemu-img create -f qcow2 -b mid.q -F qcow2 n; inf --backing-chain n
		= qemu-img create -f qcow2 -F qcow2 -b a.q n 1M; inf n
		= qemu-img create -f qcow2 -b b.raw -F raw dir/n
		= qemu-img create -f qcow2 -b ../b.raw -F raw dir/n; inf dir/n
		= qemu-img create -f qcow2 -b "$PWD/b.raw" -F raw dir/n | sed "s,$PWD,,"
		= qemu-img create -f qcow2 -o backing_file=b.raw,backing_fmt=raw n; inf n
		= qemu-img create -f qcow2 -b 'with space,comma.q' -F qcow2 n; inf n
		= qemu-img create -f qcow2 -o backing_file=with\ space,,comma.q,backing_fmt=qcow2 n; inf n
		= qemu-img create -f qcow2 -b b.raw n
		= qemu-img create -f qcow2 -b nosuch -F raw n
		= qemu-img create -f qcow2 -u -b nosuch -F raw n 1M; inf n
		= qemu-img create -f qcow2 -u -b nosuch -F raw n
		= qemu-img create -f qcow2 -u -b nosuch n 1M
		= qemu-img create -f qcow2 -b b.raw -F qcow2 n
		= qemu-img create -f qcow2 -b b.raw -F nosuch n
		= qemu-img create -f qcow2 -u -b b.raw -F nosuch n 1M
		= qemu-img create -f qcow2 -b '' n 1M
		= qemu-img create -f qcow2 -F raw n 1M
		= qemu-img create -f qcow2 -b n -F qcow2 n 1M
		= qemu-img create -f raw -b a.q -F qcow2 n
		= qemu-img create -f raw -F qcow2 n 1M
		= qemu-img create -f qcow2 -b file:co:lon.q -F qcow2 n; inf n
		= qemu-img create -f qcow2 -o preallocation=full,backing_file=b.raw,backing_fmt=raw n
		= qemu-img create -f qcow2 -o preallocation=metadata,extended_l2=on -b b.raw -F raw n; inf n
		= qemu-img create -f qcow2 -b data.q -F qcow2 -o data_file=n.data n; inf n
	END
}

@test "create: what it refuses" {
	equal <<-'END'
		= qemu-img create
		= qemu-img create n
		= qemu-img create -f qcow2 n
		= qemu-img create n 1M 2M
		= qemu-img create -f nosuch n 1M
		= qemu-img create -f qcow2 n 1Q
		= qemu-img create -f qcow2 n 1kk
		= qemu-img create -f qcow2 n ''
		= qemu-img create -f qcow2 n 1e3
		= qemu-img create -f qcow2 n .5k
		= qemu-img create -f qcow2 n 1.7
		= qemu-img create -f qcow2 n 0x1000
		= qemu-img create -f qcow2 n 0x1.8
		= qemu-img create -f qcow2 n -- -1
		= qemu-img create -f qcow2 n -1
		= qemu-img create -f qcow2 n 8E
		= qemu-img create -f qcow2 n 9223372036854775808
		= qemu-img create -f qcow2 n 99999999999999999999999
		= qemu-img create -f qcow2 n 7E
		= qemu-img create -f qcow2 -o cluster_size=512 n 1T
		= qemu-img create -f qcow2 -o nosuch=1 n 1M
		= qemu-img create -f qcow2 -o nosuch n 1M
		= qemu-img create -f raw -o cluster_size=4k n 1M
		= qemu-img create -f qcow2 -o '' n 1M
		= qemu-img create -f qcow2 -o , n 1M
		= qemu-img create -f qcow2 -o a=b, n 1M
		= qemu-img create -f qcow2 -o compat=1.2 n 1M
		= qemu-img create -f qcow2 -o cluster_size=1 n 1M
		= qemu-img create -f qcow2 -o cluster_size=3k n 1M
		= qemu-img create -f qcow2 -o cluster_size=4M n 1M
		= qemu-img create -f qcow2 -o cluster_size=x n 1M
		= qemu-img create -f qcow2 -o refcount_bits=3 n 1M
		= qemu-img create -f qcow2 -o refcount_bits=128 n 1M
		= qemu-img create -f qcow2 -o refcount_bits=x n 1M
		= qemu-img create -f qcow2 -o lazy_refcounts=maybe n 1M
		= qemu-img create -f qcow2 -o compat=0.10,lazy_refcounts=on n 1M
		= qemu-img create -f qcow2 -o compat=0.10,refcount_bits=8 n 1M
		= qemu-img create -f qcow2 -o compat=0.10,extended_l2=on n 1M
		= qemu-img create -f qcow2 -o compat=0.10,compression_type=zstd n 1M
		= qemu-img create -f qcow2 -o compat=0.10,data_file=n.data n 1M
		= qemu-img create -f qcow2 -o extended_l2=on,cluster_size=4k n 1M
		= qemu-img create -f qcow2 -o compression_type=nosuch n 1M
		= qemu-img create -f qcow2 -o preallocation=nosuch n 1M
		= qemu-img create -o preallocation=nosuch n 1M
		= qemu-img create -o preallocation=metadata n 1M
		= qemu-img create -f qcow2 -o data_file_raw=on n 1M
		= qemu-img create -f qcow2 -o data_file= n 1M
		= qemu-img create -f qcow2 -o backing_file= n 1M
		= qemu-img create -f qcow2 -o size=5M n 1M
		= qemu-img create -f qcow2 -o size=x n
		= qemu-img create -f qcow2 nosuchdir/n 1M
		= qemu-img create -f qcow2 dir 1M
		= qemu-img create nosuch:n 1M
		= qemu-img create -f qcow2 -b
		= qemu-img create --nosuch n 1M
		= qemu-img create -z n 1M
		= qemu-img create -o help -f nosuch
	END
}

# The explanations of -o help are our own, and so is one option.
help_names() {
	sed -E '/compression_level/d; s/(<[^>]*>) +- .*/\1/'
}

@test "create -o help" {
	equal <<-'END'
		= qemu-img create -o help | help_names
		= qemu-img create -f qcow2 -o help | help_names
		= qemu-img create -f qcow2 -o help n 1M | help_names
		= qemu-img create -o '?' n | help_names
		= qemu-img create -f qcow2 -o cluster_size=4k,help n | help_names
		= qemu-img convert -O qcow2 -o help | help_names
		= qemu-img convert -O qcow2 -o help a.q n | help_names
		= qemu-img amend -f qcow2 -o help | help_names
		= qemu-img amend -o help a.q | help_names
	END
}

@test "resize" {
	equal <<-'END'
		= qemu-img resize
		= qemu-img resize a.q
		= qemu-img resize a.q 20M; inf a.q
		= qemu-img resize a.q +5M; inf a.q
		= qemu-img resize a.q 5M; inf a.q
		= qemu-img resize --shrink a.q 5M; inf a.q; qemu-img check a.q
		= qemu-img resize --shrink a.q -1M; inf a.q
		= qemu-img resize a.q -1M; inf a.q
		= qemu-img resize a.q +0; inf a.q
		= qemu-img resize a.q 10M; inf a.q
		= qemu-img resize -q a.q 11M; inf a.q
		= qemu-img resize -f qcow2 a.q 11M
		= qemu-img resize --image-opts driver=qcow2,file.filename=a.q 11M
		= qemu-img resize b.raw 20M; inf b.raw
		= qemu-img resize -f raw b.raw 20M; inf b.raw
		= qemu-img resize -f raw b.raw 1025; inf b.raw
		= qemu-img resize -f raw --shrink b.raw 1025; inf b.raw
		= qemu-img resize -f raw b.raw +1; inf b.raw
		= qemu-img resize --preallocation=metadata a.q 12M; inf a.q; qemu-img check a.q
		= qemu-img resize --preallocation=falloc a.q 12M; inf a.q; qemu-img check -q a.q
		= qemu-img resize --preallocation=full a.q 12M; inf a.q; qemu-img check -q a.q
		= qemu-img resize --preallocation=full --shrink a.q 8M
		= qemu-img resize --preallocation=full a.q 10M
		= qemu-img resize --preallocation=nosuch a.q 12M
		= qemu-img resize -f raw --preallocation=full b.raw 12M; qemu-img info b.raw
		= qemu-img resize -f raw --preallocation=metadata b.raw 12M
		= qemu-img resize a.q x
		= qemu-img resize a.q +
		= qemu-img resize a.q ''
		= qemu-img resize a.q -100M
		= qemu-img resize a.q 10000P
		= qemu-img resize a.q 7E
		= qemu-img resize --shrink a.q 0
		= qemu-img resize a.q 24M nosuch
		= qemu-img resize --nosuch a.q 1M
		= qemu-img resize nosuch 1M
		= qemu-img resize snap.q 20M; inf snap.q
		= qemu-img resize --shrink snap.q 5M; inf snap.q
		= qemu-img resize bits.q 20M; inf bits.q
		= qemu-img resize --shrink bits.q 5M; inf bits.q
		= qemu-img resize top.q 20M; inf top.q; qemu-img compare top.q mid.q
		= qemu-img resize v2.q 20M; inf v2.q
		= qemu-img resize v2top.q 20M; inf v2top.q
		= qemu-img resize data.q 20M; inf data.q; stat -c %s ext.data
		= qemu-img resize ext.q 20M; inf ext.q; qemu-img check ext.q
		= qemu-img resize tiny.q 4M; inf tiny.q
		= qemu-img resize a.q 10485761
	END
}

@test "snapshot" {
	equal <<-'END'
		= qemu-img snapshot
		= qemu-img snapshot -l snap.q
		= qemu-img snapshot -l a.q
		= qemu-img snapshot -l b.raw
		= qemu-img snapshot -U -l snap.q
		= qemu-img snapshot -c new a.q; qemu-img snapshot -l a.q; qemu-img check a.q
		= qemu-img snapshot -c first snap.q; qemu-img snapshot -l snap.q
		= qemu-img snapshot -c '' a.q; qemu-img snapshot -l a.q
		= qemu-img snapshot -c $'\xc3\xa4' a.q; qemu-img snapshot -l a.q; qemu-img info --output=json a.q | grep '"name"'
		= qemu-img snapshot -d first snap.q; qemu-img snapshot -l snap.q; qemu-img check snap.q
		= qemu-img snapshot -d 1 snap.q; qemu-img snapshot -l snap.q; qemu-img check snap.q
		= qemu-img snapshot -a first snap.q; qemu-img convert -O raw snap.q o; md5sum o; qemu-img check snap.q
		= qemu-img snapshot -a 2 snap.q; qemu-img convert -O raw snap.q o; md5sum o
		= qemu-img snapshot -a nosuch snap.q
		= qemu-img snapshot -d nosuch snap.q
		= qemu-img snapshot -c new b.raw
		# theirs warns twice
		~ qemu-img snapshot -a new b.raw
		= qemu-img snapshot -d new b.raw
		= qemu-img snapshot -c "$(printf 'x%.0s' {1..255})" a.q; qemu-img snapshot -l a.q
		= qemu-img snapshot -c "$(printf 'x%.0s' {1..300})" a.q; qemu-img snapshot -l a.q
		= qemu-img snapshot -a '' snap.q
		= qemu-img snapshot -l -l snap.q
		= qemu-img snapshot -c new corrupt.q
		= qemu-img snapshot -l -c new a.q
		= qemu-img snapshot -a first -d first snap.q
		= qemu-img snapshot -U -c new a.q
		= qemu-img snapshot -l a.q b.raw
		= qemu-img snapshot -l nosuch
		= qemu-img snapshot -q -c new a.q; qemu-img snapshot -l a.q
		= qemu-img snapshot -c one lazy.q; qemu-img snapshot -c two lazy.q; qemu-img snapshot -d one lazy.q; qemu-img snapshot -l lazy.q; qemu-img check lazy.q
		= qemu-img snapshot -c new ext.q; qemu-img snapshot -a new ext.q; qemu-img snapshot -d new ext.q; qemu-img check -q ext.q
		= qemu-img snapshot -c new v2.q; qemu-img snapshot -l v2.q; inf v2.q
		= qemu-img snapshot -c new data.q
		= qemu-img snapshot -c one tiny.q; qemu-img snapshot -l tiny.q
		= qemu-img snapshot --image-opts -l driver=qcow2,file.filename=snap.q
	END
}

@test "amend" {
	equal <<-'END'
		= qemu-img amend
		= qemu-img amend a.q
		= qemu-img amend -o compat=0.10 a.q; inf a.q; qemu-img check a.q
		= qemu-img amend -o compat=1.1 v2.q; inf v2.q; qemu-img check v2.q
		= qemu-img amend -o lazy_refcounts=on a.q; inf a.q
		= qemu-img amend -f qcow2 -o lazy_refcounts=off lazy.q; inf lazy.q
		= qemu-img amend -o refcount_bits=64 a.q; inf a.q; qemu-img check a.q
		= qemu-img amend -o refcount_bits=1 a.q; inf a.q; qemu-img check a.q
		= qemu-img amend -o refcount_bits=1 snap.q; inf snap.q
		= qemu-img amend -o size=20M a.q; inf a.q
		= qemu-img amend -o size=5M a.q; inf a.q
		= qemu-img amend -o compat=0.10 lazy.q; inf lazy.q
		= qemu-img amend -o compat=0.10 ext.q
		= qemu-img amend -o compat=0.10 snap.q; inf snap.q
		= qemu-img amend -o compat=0.10 zstd.q
		= qemu-img amend -o compat=0.10 data.q
		# ours says that it drops the bitmaps
		? qemu-img amend -o compat=0.10 bits.q; inf bits.q
		= qemu-img amend -o compat=nosuch a.q
		= qemu-img amend -o compat=0.10,lazy_refcounts=on a.q
		= qemu-img amend -o compat=0.10,refcount_bits=8 a.q
		= qemu-img amend -o refcount_bits=3 a.q
		= qemu-img amend -o refcount_bits=8 v2.q
		= qemu-img amend -o lazy_refcounts=on v2.q
		= qemu-img amend -o nosuch=1 a.q
		= qemu-img amend -o cluster_size=4k a.q
		= qemu-img amend -o extended_l2=on a.q
		= qemu-img amend -o preallocation=full a.q
		= qemu-img amend -o compression_type=zstd a.q
		= qemu-img amend -o backing_file=b.raw a.q
		= qemu-img amend -o backing_fmt=raw a.q
		= qemu-img amend -o backing_file=b.raw,backing_fmt=raw mid.q
		= qemu-img amend -o data_file=n.data a.q
		= qemu-img amend -o data_file_raw=on a.q
		= qemu-img amend -o data_file_raw=off data.q; inf data.q
		= cp ext.data n.data; qemu-img amend -o data_file=n.data data.q; inf data.q
		= qemu-img amend -o size=x a.q
		= qemu-img amend -o lazy_refcounts=x a.q
		= qemu-img amend -o nocow=on a.q
		= qemu-img amend -o size=1M b.raw
		= qemu-img amend -f raw -o help
		= qemu-img amend -f nosuch -o help
		= qemu-img amend -o help
		= qemu-img amend -t nosuch -o compat=1.1 a.q
		= qemu-img amend -q -o compat=1.1 a.q
		= qemu-img amend --force -o compat=1.1 a.q
		= qemu-img amend -o compat=1.1 nosuch
		= qemu-img amend -o '' a.q
	END
}
