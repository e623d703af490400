#!/usr/bin/env bats
# info, check, map, measure: what qemu-img prints, byte for byte.
# test-timeout: 300
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "the program itself" {
	equal <<-'END'
		= qemu-img
		= qemu-img nosuchcommand
		= qemu-img --nosuchoption
		= qemu-img --nosuchoption info a.q
		= qemu-img -- info b.raw | grep -v disk
		= qemu-img --version | head -n 1 | cut -d' ' -f 1-3
		= qemu-img -V | head -n 1 | cut -d' ' -f 1-3
		= qemu-img --help | grep -c '^Supported formats:.* qcow2 .*raw'
		= qemu-img info --help >/dev/null
		= qemu-img info -h >/dev/null
	END
}

@test "info as text" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info
		= qemu-img info a.q
		= qemu-img info b.raw
		= qemu-img info -f qcow2 a.q
		= qemu-img info -f raw a.q
		= qemu-img info a.q b.raw
		= qemu-img info -U a.q
		= qemu-img info --force-share a.q
		= qemu-img info --output human a.q
		= qemu-img info --output=xml a.q
		= qemu-img info --output
		= qemu-img info --outp=json small.q
		= qemu-img info mid.q
		= qemu-img info v2.q
		= qemu-img info v2top.q
		= qemu-img info ext.q
		= qemu-img info data.q
		= qemu-img info lazy.q
		= qemu-img info pre.q
		= qemu-img info tiny.q
		= qemu-img info zstd.q
		= qemu-img info snap.q
		= qemu-img info bits.q
		= qemu-img info lost.q
		= qemu-img info dirty.q
		= qemu-img info corrupt.q
		= qemu-img info loop1.q
		= qemu-img info 'with space,comma.q'
		= qemu-img info ./co:lon.q
		= qemu-img info file:co:lon.q
		= qemu-img info co:lon.q
		= qemu-img info $'\xc3\xa4\xe2\x82\xac.q'
		= qemu-img info dir/rel.q
		= cd dir; qemu-img info rel.q
		= qemu-img info "$PWD/dir/rel.q" | sed "s,$PWD,,g"
		= qemu-img info empty
		= qemu-img info one
		= qemu-img info odd
		= qemu-img info nosuchfile
		= qemu-img info dir
		= qemu-img info ''
		= qemu-img info -f qcow2 b.raw
		= qemu-img info -f qcow2 empty
		= qemu-img info -f nosuchformat a.q
		= qemu-img info -- a.q
		= qemu-img info a.q -f raw
		= qemu-img info --backing-chain top.q
		= qemu-img info --backing-chain dir/rel.q
		= qemu-img info --backing-chain loop1.q
		= qemu-img info --backing-chain lost.q
		= qemu-img info --backing-chain a.q
		~ qemu-img info torn.q
		~ qemu-img info future.q
		~ qemu-img info version.q
		= qemu-img info nosuch:thing
	END
}

@test "info as JSON" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info --output json a.q
		= qemu-img info --output json b.raw
		= qemu-img info --output=json mid.q
		= qemu-img info --output=json v2.q
		= qemu-img info --output=json ext.q
		= qemu-img info --output=json data.q
		= qemu-img info --output=json lazy.q
		= qemu-img info --output=json tiny.q
		= qemu-img info --output=json comp.q
		= qemu-img info --output=json zstd.q
		= qemu-img info --output=json snap.q
		= qemu-img info --output=json bits.q
		= qemu-img info --output=json lost.q
		= qemu-img info --output=json dirty.q
		= qemu-img info --output=json corrupt.q
		= qemu-img info --output=json 'with space,comma.q'
		= qemu-img info --output=json $'\xc3\xa4\xe2\x82\xac.q'
		= qemu-img info --output=json dir/rel.q
		= qemu-img info --output=json --backing-chain top.q
		= qemu-img info --output=json --backing-chain a.q
		= qemu-img info --output=json --backing-chain lost.q
		= qemu-img info --output=json empty
		= qemu-img info --output=json nosuchfile
	END
}

@test "a wrong kind of output" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img info --output a.q
		= qemu-img map --output a.q
		= qemu-img check --output a.q
		= qemu-img measure --output a.q
		= qemu-img info --output=xml a.q
		= qemu-img map --output=hum a.q
		= qemu-img check --output=xml
		= qemu-img measure --output=xml a.q
	END
}

@test "check" {
	equal <<-'END'
		= qemu-img check
		= qemu-img check a.q
		= qemu-img check b.raw
		= qemu-img check --output json b.raw
		= qemu-img check -f raw a.q
		= qemu-img check a.q b.raw
		= qemu-img check -q a.q
		= qemu-img check -U a.q
		= qemu-img check -T none a.q
		= qemu-img check -T nosuch a.q
		= qemu-img check --output=json a.q
		= qemu-img check --output=nosuch a.q
		= qemu-img check -r nosuch a.q
		= qemu-img check -r leaks a.q
		= qemu-img check -r all a.q
		= qemu-img check -U -r all a.q
		= qemu-img check small.q
		= qemu-img check v2.q
		= qemu-img check ext.q
		= qemu-img check data.q
		= qemu-img check lazy.q
		= qemu-img check pre.q
		= qemu-img check tiny.q
		= qemu-img check comp.q
		= qemu-img check zstd.q
		= qemu-img check snap.q
		= qemu-img check bits.q
		= qemu-img check --output=json comp.q
		= qemu-img check --output=json snap.q
		= qemu-img check --output=json tiny.q
		= qemu-img check top.q
		= qemu-img check nosuchfile
		= qemu-img check empty
		= qemu-img check dir
		= qemu-img check lost.q
		= qemu-img check dirty.q
		= qemu-img check corrupt.q
		= qemu-img check leak.q
		= qemu-img check -q leak.q
		= qemu-img check --output=json leak.q
		= qemu-img check bad.q
		= qemu-img check --output=json bad.q
		= qemu-img check -r leaks leak.q; qemu-img check leak.q
		= qemu-img check -r leaks --output=json leak.q
		= qemu-img check -q -r leaks leak.q
		# theirs says EIO, ours what is wrong
		~ qemu-img check -r leaks bad.q
		= qemu-img check -r all bad.q; qemu-img check bad.q
		= qemu-img check -r all --output=json bad.q
		= qemu-img check -r all dirty.q; inf dirty.q
		= qemu-img check -r all corrupt.q; inf corrupt.q
		= qemu-img check --image-opts driver=qcow2,file.filename=leak.q
	END
}

@test "map" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img map
		= qemu-img map a.q b.raw
		= qemu-img map a.q
		= qemu-img map b.raw
		= qemu-img map top.q
		= qemu-img map mid.q
		= qemu-img map ext.q
		= qemu-img map comp.q
		= qemu-img map data.q
		= qemu-img map pre.q
		= qemu-img map snap.q
		= qemu-img map 100k.raw
		= qemu-img map empty
		= qemu-img map odd
		= qemu-img map --output=json a.q
		= qemu-img map --output=json b.raw
		= qemu-img map --output=json top.q
		= qemu-img map --output=json mid.q
		= qemu-img map --output=json v2top.q
		= qemu-img map --output=json ext.q
		= qemu-img map --output=json comp.q
		= qemu-img map --output=json zstd.q
		= qemu-img map --output=json data.q
		= qemu-img map --output=json lazy.q
		= qemu-img map --output=json pre.q
		= qemu-img map --output=json snap.q
		= qemu-img map --output=json 100k.raw
		= qemu-img map --output=json empty
		= qemu-img map --output=json one
		= qemu-img map --output=json odd
		= qemu-img map --output=json small.q
		= qemu-img map --output=json dir/rel.q
		= qemu-img map -s 1M -l 1M --output=json a.q
		= qemu-img map --start-offset=1M --max-length=64k a.q
		= qemu-img map -s 20M --output=json a.q
		= qemu-img map -s 10M --output=json a.q
		= qemu-img map -s 1537k -l 7 --output=json a.q
		= qemu-img map -l 0 --output=json a.q
		= qemu-img map -l 0 a.q
		= qemu-img map -s x a.q
		= qemu-img map -l x a.q
		= qemu-img map -s -1 a.q
		= qemu-img map -U a.q
		= qemu-img map -f raw --output=json a.q
		= qemu-img map --output=nosuch a.q
		= qemu-img map lost.q
		= qemu-img map nosuchfile
	END
}

@test "measure" {
	EQUAL_READS=1 equal <<-'END'
		= qemu-img measure
		= qemu-img measure a.q b.raw
		= qemu-img measure a.q
		= qemu-img measure -O qcow2 a.q
		= qemu-img measure -O qcow2 b.raw
		= qemu-img measure -O qcow2 top.q
		= qemu-img measure -O qcow2 ext.q
		= qemu-img measure -O qcow2 comp.q
		= qemu-img measure -O qcow2 bits.q
		= qemu-img measure -O qcow2 --output=json bits.q
		= qemu-img measure -O qcow2 --output=json b.raw
		= qemu-img measure -O raw --output=json bits.q
		= qemu-img measure --output=json a.q
		= qemu-img measure -O qcow2 snap.q
		= qemu-img measure -O qcow2 -l first snap.q
		= qemu-img measure -O qcow2 -l 2 snap.q
		= qemu-img measure -O qcow2 -l snapshot.name=first snap.q
		= qemu-img measure -O qcow2 -l snapshot.id=2 snap.q
		= qemu-img measure -O qcow2 -l nosuch snap.q
		= qemu-img measure --size 1G
		= qemu-img measure --size 1G -O qcow2
		= qemu-img measure --size 0 -O qcow2
		= qemu-img measure --size 1 -O qcow2
		= qemu-img measure --size 1T -O qcow2
		= qemu-img measure --size 1T -O qcow2 -o cluster_size=2M
		= qemu-img measure --size 1G -O qcow2 -o cluster_size=512
		= qemu-img measure --size 1G -O qcow2 -o extended_l2=on
		= qemu-img measure --size 1G -O qcow2 -o refcount_bits=64
		= qemu-img measure --size 1G -O qcow2 -o refcount_bits=1
		= qemu-img measure --size 1G -O qcow2 -o preallocation=metadata
		= qemu-img measure --size 1G -O qcow2 -o preallocation=full
		= qemu-img measure --size 1G -O qcow2 -o compat=0.10
		= qemu-img measure --size 1G -O qcow2 -o cluster_size=3k
		= qemu-img measure --size 1G -O qcow2 -o nosuch=1
		= qemu-img measure --size 1G -O nosuch
		= qemu-img measure --size x
		= qemu-img measure --size 1G a.q
		= qemu-img measure --size 1G -f qcow2
		= qemu-img measure --size 1G -l first
		= qemu-img measure --size 1G --image-opts
		= qemu-img measure --output=nosuch --size 1G
		= qemu-img measure -O qcow2 empty
		= qemu-img measure -O qcow2 odd
		= qemu-img measure -O qcow2 100k.raw
		= qemu-img measure nosuchfile
		= qemu-img measure -f raw -O qcow2 a.q
		= qemu-img measure -O qcow2 -o backing_file=b.raw,backing_fmt=raw a.q
		= qemu-img measure -U -O qcow2 a.q
	END
}
