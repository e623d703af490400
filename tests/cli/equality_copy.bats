#!/usr/bin/env bats
# compare, convert, dd, rebase, commit, bench: what qemu-img prints and what it copies.
# test-timeout: 300
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

# sum IMAGE: a digest of what a guest reads.
sum() {
	qemu-img convert -O raw "$1" sum.raw && md5sum <sum.raw
}

@test "compare" {
	equal <<-'END'
		= qemu-img compare
		= qemu-img compare a.q
		= qemu-img compare a.q b.raw small.q
		= qemu-img compare a.q b.raw
		= qemu-img compare b.raw a.q
		= qemu-img compare -q a.q b.raw
		= qemu-img compare -s a.q b.raw
		= qemu-img compare -s a.q a.q
		= qemu-img compare a.q small.q
		= qemu-img compare -q a.q small.q
		= qemu-img compare small.q pre.q
		= qemu-img compare -s small.q pre.q
		= qemu-img compare pre.q small.q
		= qemu-img compare a.q comp.q
		= qemu-img compare a.q zstd.q
		= qemu-img compare a.q top.q
		= qemu-img compare mid.q top.q
		= qemu-img compare b.raw mid.q
		= qemu-img compare ext.q a.q
		= qemu-img compare -f raw a.q b.raw
		= qemu-img compare -f qcow2 -F raw a.q b.raw
		= qemu-img compare -F qcow2 a.q b.raw
		= qemu-img compare -f nosuch a.q b.raw
		= qemu-img compare nosuch b.raw
		= qemu-img compare a.q nosuch
		= qemu-img compare -T none a.q b.raw
		= qemu-img compare -T nosuch a.q b.raw
		= qemu-img compare -U a.q b.raw
		= qemu-img compare --image-opts driver=qcow2,file.filename=a.q driver=raw,file.filename=b.raw
		= qemu-img compare empty one
		= qemu-img compare empty odd
		= qemu-img compare one odd
		= qemu-img compare 100k.raw odd
		= qemu-img compare -s empty empty
		= qemu-img compare dir a.q
		= qemu-img compare lost.q a.q
	END
}

@test "convert" {
	equal <<-'END'
		= qemu-img convert
		= qemu-img convert a.q
		= qemu-img convert a.q n; inf n; sum n
		= qemu-img convert -O raw a.q n; cmp n b.raw
		= qemu-img convert -O qcow2 a.q n; inf n; sum n; qemu-img check -q n
		= qemu-img convert -f qcow2 -O qcow2 a.q n; inf n
		= qemu-img convert -f raw -O qcow2 a.q n; inf n; sum n
		= qemu-img convert -c -O qcow2 a.q n; inf n; sum n
		= qemu-img convert -c -O qcow2 -o compression_type=zstd a.q n; inf n; sum n
		= qemu-img convert -c -O qcow2 -o extended_l2=on a.q n; inf n; sum n
		= qemu-img convert -O qcow2 -o compat=0.10 a.q n; inf n; sum n
		= qemu-img convert -O qcow2 -o cluster_size=4k,refcount_bits=64,lazy_refcounts=on a.q n; inf n; sum n
		= qemu-img convert -O qcow2 -o preallocation=full a.q n; inf n; sum n; qemu-img check -q n
		= qemu-img convert -O qcow2 -o data_file=n.data a.q n; inf n; sum n
		= qemu-img convert -O qcow2 -o size=20M a.q n; inf n
		= qemu-img convert -O qcow2 top.q n; inf n; sum n
		= qemu-img convert -O qcow2 comp.q n; inf n; sum n
		= qemu-img convert -O qcow2 ext.q n; sum n
		= qemu-img convert -O qcow2 data.q n; inf n; sum n
		= qemu-img convert -O qcow2 tiny.q n; inf n; sum n
		= qemu-img convert -O qcow2 odd n; inf n; sum n
		= qemu-img convert -O qcow2 one n; inf n; sum n
		= qemu-img convert one n; inf n; sum n
		= qemu-img convert -O qcow2 empty n; inf n
		= qemu-img convert empty n; inf n
		= qemu-img convert -O qcow2 a.q b.raw n; inf n; sum n
		= qemu-img convert a.q odd small.q n; inf n; sum n
		= qemu-img convert -O qcow2 -l first snap.q n; inf n; sum n
		= qemu-img convert -O qcow2 -l snapshot.name=first snap.q n; sum n
		= qemu-img convert -O qcow2 -l snapshot.id=2 snap.q n; sum n
		= qemu-img convert -l nosuch snap.q n
		= qemu-img convert -l snapshot.nosuch=1 snap.q n
		= qemu-img convert -O qcow2 -B b.raw -F raw mid.q n; inf n; sum n
		= qemu-img convert -O qcow2 -o backing_file=b.raw,backing_fmt=raw mid.q n; inf n; sum n
		= qemu-img convert -O qcow2 -B mid.q -F qcow2 top.q n; inf n; sum n
		= qemu-img convert -S 0 a.q n; sum n; qemu-img info n
		= qemu-img convert -S 64k a.q n; sum n
		= qemu-img convert -S 0 -O qcow2 a.q n; sum n; qemu-img map --output=json n | grep -c 'zero": true'
		= qemu-img convert -m 1 a.q n; sum n
		= qemu-img convert -m 16 -W -O qcow2 a.q n; sum n
		= qemu-img convert -C a.q n; sum n
		= qemu-img convert -r 100M a.q n; sum n
		= qemu-img convert --salvage a.q n; sum n
		= qemu-img convert -q -O qcow2 a.q n; sum n
		= qemu-img convert -t none -T none a.q n; sum n
		= qemu-img convert -t writethrough a.q n; sum n
		= qemu-img convert -U a.q n; sum n
		= qemu-img convert --image-opts driver=qcow2,file.filename=a.q n; sum n
		= qemu-img convert -n a.q b.raw; sum b.raw
		= qemu-img create -q n 10M; qemu-img convert -n --target-is-zero a.q n; sum n
		= qemu-img create -q -f qcow2 n 10M; qemu-img convert -n -O qcow2 a.q n; inf n; sum n
		= qemu-img create -q -f qcow2 n 12M; qemu-img convert -n -O qcow2 a.q n; sum n
		= qemu-img create -q -f qcow2 -b small.q -F qcow2 n 10M; qemu-img convert -n -O qcow2 a.q n; sum n
		= qemu-img convert -n --target-image-opts a.q driver=raw,file.filename=b.raw; sum b.raw
		= qemu-img convert -n --target-image-opts mid.q driver=qcow2,file.filename=a.q; sum a.q
		= qemu-img convert -O qcow2 a.q 'a,b c'; inf 'a,b c'
		= qemu-img convert -O qcow2 a.q file:x:y; inf file:x:y
		= qemu-img convert --bitmaps -O qcow2 a.q n; inf n
		= qemu-img convert -O qcow2 bits.q n; inf n
		= qemu-img convert -O qcow2 a.q small.q; inf small.q; sum small.q
		= qemu-img convert -p a.q n | tr '\r' '\n' | sed -n '1p;$p'
		= qemu-img convert -p -q a.q n
		= qemu-img convert --source-format 2>&1 | wc -l
	END
}

@test "convert: what it refuses" {
	equal <<-'END'
		= qemu-img convert -O nosuch a.q n
		= qemu-img convert -f nosuch a.q n
		= qemu-img convert nosuch n
		= qemu-img convert a.q nosuchdir/n
		= qemu-img convert a.q dir
		= qemu-img convert lost.q n
		= qemu-img convert -c a.q n
		= qemu-img convert -c -C -O qcow2 a.q n
		= qemu-img convert -S 8k -C a.q n
		= qemu-img convert -C --salvage a.q n
		= qemu-img convert -S x a.q n
		= qemu-img convert -S 100 a.q n
		= qemu-img convert -S 32M a.q n
		= qemu-img convert -m 0 a.q n
		= qemu-img convert -m 17 a.q n
		= qemu-img convert -m x a.q n
		= qemu-img convert -r x a.q n
		= qemu-img convert -n a.q nosuch
		= qemu-img convert -n -o cluster_size=4k a.q b.raw
		= qemu-img convert -n -O qcow2 a.q b.raw small.q
		= qemu-img convert -n -O qcow2 a.q small.q
		= qemu-img convert --target-is-zero a.q n
		= qemu-img convert --target-image-opts a.q driver=raw,file.filename=n
		= qemu-img convert --skip-broken-bitmaps -O qcow2 a.q n
		= qemu-img convert --bitmaps a.q n
		= qemu-img convert -O qcow2 -B b.raw a.q n
		= qemu-img convert -O qcow2 -o backing_file=b.raw a.q n
		= qemu-img convert -O qcow2 -B b.raw -F nosuch a.q n
		= qemu-img convert -O qcow2 -F raw a.q n
		= qemu-img convert -O raw -B b.raw -F raw a.q n
		= qemu-img convert -O qcow2 -B nosuch -F raw a.q n
		= qemu-img convert -O qcow2 -B b.raw -F raw a.q b.raw n
		= qemu-img convert -t nosuch a.q n
		= qemu-img convert -n -O raw --target-image-opts a.q driver=qcow2,file.filename=small.q
		= qemu-img convert -l first b.raw n
		= qemu-img convert -l first a.q n
		= qemu-img convert a.q ''
		= qemu-img convert '' n
		= qemu-img convert -T nosuch a.q n
		= qemu-img convert -O qcow2 -o cluster_size=3k a.q n
		= qemu-img convert -O qcow2 -o nosuch=1 a.q n
		= qemu-img convert -c -O qcow2 -o preallocation=full a.q n
		= qemu-img convert -O qcow2 -o help -O nosuch
		= qemu-img convert a.q nosuch:n
		= qemu-img convert --nosuch a.q n
		= qemu-img convert -O
	END
}

@test "dd" {
	equal <<-'END'
		= qemu-img dd
		= qemu-img dd if=a.q
		= qemu-img dd of=n
		= qemu-img dd if=a.q of=n; inf n; sum n
		= qemu-img dd -f qcow2 -O qcow2 if=a.q of=n; inf n; sum n
		= qemu-img dd if=a.q of=n bs=1M count=2; inf n; sum n
		= qemu-img dd if=a.q of=n bs=1M skip=1; inf n; sum n
		= qemu-img dd if=a.q of=n bs=1M count=2 skip=1; inf n; sum n
		= qemu-img dd bs=3 count=5 if=a.q of=n; inf n; sum n
		= qemu-img dd bs=700 skip=1500 count=1600 if=b.raw of=n; inf n; sum n
		= qemu-img dd if=b.raw of=n bs=1M skip=10; inf n
		= qemu-img dd if=b.raw of=n bs=1M skip=11; inf n
		= qemu-img dd if=b.raw of=n bs=1M count=0; inf n
		= qemu-img dd if=b.raw of=n count=9223372036854775807; inf n
		= qemu-img dd if=b.raw of=n skip=9223372036854775807; inf n
		= qemu-img dd if=odd of=n; inf n; sum n
		= qemu-img dd -U if=a.q of=n; sum n
		= qemu-img dd --image-opts if=driver=qcow2,file.filename=a.q of=n; sum n
		= qemu-img dd if=nosuch of=n
		= qemu-img dd if=a.q of=nosuchdir/n
		= qemu-img dd -f nosuch if=a.q of=n
		= qemu-img dd -O nosuch if=a.q of=n
		= qemu-img dd if=a.q of=n bs=x
		= qemu-img dd if=a.q of=n bs=0
		= qemu-img dd if=a.q of=n bs=3G
		= qemu-img dd if=a.q of=n count=x
		= qemu-img dd if=a.q of=n count=-1
		= qemu-img dd if=a.q of=n skip=x
		= qemu-img dd if=a.q of=n seek=1
		= qemu-img dd if=a.q of=n nosuch
		= qemu-img dd if=a.q of=n conv=notrunc
	END
}

@test "rebase" {
	equal <<-'END'
		= qemu-img rebase
		= qemu-img rebase top.q
		= qemu-img rebase -b b.raw -F raw top.q; inf top.q; sum top.q; qemu-img check -q top.q
		= qemu-img rebase -b a.q -F qcow2 top.q; inf top.q; sum top.q
		= qemu-img rebase -b small.q -F qcow2 top.q; inf top.q; sum top.q
		= qemu-img rebase -b '' top.q; inf top.q; sum top.q
		= qemu-img rebase -b '' mid.q; inf mid.q; sum mid.q
		= qemu-img rebase -u -b a.q -F qcow2 top.q; inf top.q; sum top.q
		= qemu-img rebase -u -b nosuch -F qcow2 top.q; inf top.q
		= qemu-img rebase -u -b '' top.q; inf top.q; sum top.q
		= qemu-img rebase -u top.q; inf top.q
		= qemu-img rebase -b b.raw -F raw a.q; inf a.q; sum a.q
		= qemu-img rebase -b ../a.q -F qcow2 dir/rel.q; inf dir/rel.q; sum dir/rel.q
		= qemu-img rebase -f qcow2 -b b.raw -F raw top.q; inf top.q
		= qemu-img rebase -q -p -b b.raw -F raw top.q
		= qemu-img rebase -t none -T none -b b.raw -F raw top.q; sum top.q
		= qemu-img rebase -b b.raw -F raw v2top.q; inf v2top.q; sum v2top.q
		= qemu-img rebase -u -b b.raw -F raw lost.q; inf lost.q
		= qemu-img rebase -b b.raw -F raw lost.q
		= qemu-img rebase -p -u -b a.q -F qcow2 top.q | tr '\r' '\n'
		= qemu-img rebase -b b.raw top.q
		= qemu-img rebase -u -b b.raw top.q; inf top.q
		= qemu-img rebase -b nosuch -F qcow2 top.q
		= qemu-img rebase -b a.q -F nosuch top.q
		= qemu-img rebase -u -b a.q -F nosuch top.q
		= qemu-img rebase -b nosuch b.raw
		= qemu-img rebase -u -b a.q b.raw
		= qemu-img rebase -u -f raw -b a.q -F qcow2 b.raw
		= qemu-img rebase -t nosuch -b a.q top.q
		= qemu-img rebase -T nosuch -b a.q top.q
		= qemu-img rebase -U -b a.q -F qcow2 top.q
		= qemu-img rebase -b a.q -F qcow2 nosuch
		= qemu-img rebase -b a.q -F qcow2 top.q mid.q
		= qemu-img rebase -u -b "$(printf '%01100d' 0)" -F raw top.q
		= qemu-img rebase --image-opts -b a.q -F qcow2 driver=qcow2,file.filename=top.q; inf top.q
		= qemu-img rebase -b ext.q -F qcow2 top.q; sum top.q
		= qemu-img create -q -f qcow2 -o extended_l2=on -b mid.q -F qcow2 n; qemu-img rebase -b '' n; sum n; qemu-img check -q n
	END
}

@test "commit" {
	equal <<-'END'
		= qemu-img commit
		= qemu-img commit mid.q; sum mid.q; sum b.raw; qemu-img map --output=json mid.q
		= qemu-img commit top.q; inf top.q; inf mid.q; sum top.q; sum mid.q
		= qemu-img commit -d mid.q; sum mid.q; sum b.raw
		= qemu-img commit -q mid.q; sum b.raw
		= qemu-img commit -b b.raw top.q; inf top.q; sum top.q; inf b.raw; sum b.raw
		= qemu-img commit -b mid.q top.q; sum mid.q
		= qemu-img commit -b nosuch top.q
		= qemu-img commit -b top.q top.q
		= qemu-img commit -b a.q a.q
		= qemu-img commit -f qcow2 mid.q; sum b.raw
		= qemu-img commit -t none mid.q; sum b.raw
		= qemu-img commit -t nosuch mid.q
		= qemu-img commit -r 100M mid.q; sum b.raw
		= qemu-img commit -r x mid.q
		= qemu-img commit --image-opts driver=qcow2,file.filename=mid.q; sum b.raw
		= qemu-img commit dir/rel.q; sum b.raw
		= qemu-img commit v2top.q; sum v2.q; qemu-img check -q v2.q
		= qemu-img commit a.q
		= qemu-img commit b.raw
		= qemu-img commit lost.q
		= qemu-img commit nosuch
		= qemu-img commit top.q mid.q
	END
}

@test "bench" {
	equal <<-'END'
		= qemu-img bench
		= qemu-img bench -c 100 a.q
		= qemu-img bench -c 100 -f raw b.raw
		= qemu-img bench -c 100 -d 1 -s 8k -S 16k -o 1M a.q
		= qemu-img bench -c 100 -w a.q; sum a.q
		= qemu-img bench -c 100 -w --pattern=7 a.q; sum a.q
		= qemu-img bench -c 300 -w --pattern 9 -d 3 -s 64k -o 1M a.q; sum a.q
		= qemu-img bench -c 100 -w --flush-interval=10 -d 4 a.q
		= qemu-img bench -c 100 -w --flush-interval=10 -d 4 --no-drain a.q
		= qemu-img bench -c 0 a.q
		= qemu-img bench -U -c 1 a.q
		= qemu-img bench -t none -c 10 a.q
		= qemu-img bench -i threads -c 10 a.q
		= qemu-img bench -q -c 10 a.q
		= qemu-img bench -w --flush-interval=10 a.q
		= qemu-img bench --flush-interval=100 a.q
		= qemu-img bench -c x a.q
		= qemu-img bench -d x a.q
		= qemu-img bench -s x a.q
		= qemu-img bench -s 3G a.q
		= qemu-img bench -S x a.q
		= qemu-img bench -o x a.q
		= qemu-img bench --pattern=256 a.q
		= qemu-img bench --flush-interval=x -w a.q
		= qemu-img bench -i nosuch a.q
		= qemu-img bench -t nosuch a.q
		= qemu-img bench -U -w -c 1 a.q
		= qemu-img bench nosuch
		= qemu-img bench a.q b.raw
		# theirs says only that it was an I/O error
		~ qemu-img bench -c 3 -s 20M a.q
		~ qemu-img bench -c 3 -o 20M a.q
	END
}
