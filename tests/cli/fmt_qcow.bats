#!/usr/bin/env bats
# QCOW images of version 1 beside qemu-img: what is printed, what is made, what is read back.
# test-timeout: 300
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/equality
load ../lib/formats

equality_images() {
	qemu-img create -q b.raw 10M
	qemu-io -f raw -c 'write -P 5 1M 1M' -c 'write -P 6 9M 64k' b.raw >/dev/null
	head -c 100000 /dev/urandom | dd of=b.raw bs=4096 seek=700 conv=notrunc status=none
	qemu-img convert -O qcow b.raw a.qc
	qemu-img convert -c -O qcow b.raw comp.qc
	qemu-img create -q -f qcow -b a.qc -F qcow over.qc
	qemu-io -c 'write -P 9 2M 70k' -c 'write -P 8 100k 1k' over.qc >/dev/null
	qemu-img create -q -f qcow -b b.raw -F raw raw.qc
	qemu-io -c 'write -P 9 512k 1k' raw.qc >/dev/null
	cp a.qc crypt.qc
	poke crypt.qc 39 '\001'
}

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "info, map, compare of qemu-img's images" {
	EQUAL_READS=1 equal <<-'END'
		= inf a.qc
		= inf --output=json a.qc
		= inf comp.qc
		= inf over.qc
		= inf --output=json over.qc
		= inf raw.qc
		= inf crypt.qc
		= inf --output=json crypt.qc
		= inf --backing-chain over.qc
		= qemu-img check a.qc
		= for i in a over raw comp; do qemu-img map --output=json $i.qc; done
		= qemu-img map comp.qc
		= for i in a over raw comp; do qemu-img compare $i.qc b.raw; done
		= qemu-img compare over.qc raw.qc
		= qemu-img snapshot -c x a.qc
		= qemu-img resize a.qc 20M
		= qemu-img rebase -u -b b.raw -F raw over.qc
		= qemu-img info -f qcow b.raw
		~ qemu-img convert -O raw crypt.qc /dev/null
	END
}

@test "create, convert, commit" {
	equal <<-'END'
		= qemu-img create -f qcow n 1G; inf n; od -A d -t x1 -N 128 n; stat -c %s n
		= qemu-img create -f qcow n 1000; inf n; od -A d -t x1 -N 128 n; stat -c %s n
		= qemu-img create -f qcow n 1; inf n
		= qemu-img create -f qcow n 0
		= qemu-img create -f qcow n 100G; inf n; stat -c %s n
		= qemu-img create -f qcow -b b.raw n
		= qemu-img create -f qcow -b b.raw -F raw n; inf n; od -A d -t x1 -N 128 n; stat -c %s n
		= qemu-img create -f qcow -b over.qc -F qcow n 20M; inf n; od -A d -t x1 -N 128 n
		= qemu-img create -f qcow -o cluster_size=4k n 1M
		= qemu-img create -f qcow -o help | cut -c 1-26
		# encryption is refused
		~ qemu-img create -f qcow -o encryption=on n 1M >/dev/null
		~ qemu-img create -f qcow -o encrypt.format=aes n 1M >/dev/null
		= qemu-img convert -O qcow b.raw n; inf n; qemu-img compare n b.raw; qemu-img map --output=json n
		= qemu-img convert -c -O qcow b.raw n; inf n; qemu-img compare n b.raw
		= qemu-img convert -O qcow -B a.qc -F qcow b.raw n; inf n; qemu-img compare n b.raw
		= qemu-img convert -c -O qcow -B raw.qc -F qcow b.raw n; inf n; qemu-img compare n b.raw
		= qemu-img convert -n -O qcow b.raw over.qc; qemu-img compare over.qc b.raw
		= qemu-img commit over.qc; qemu-img compare a.qc over.qc; qemu-img map --output=json over.qc | grep -c '"depth": 0, "present": true'
		= qemu-img commit -d raw.qc; qemu-img compare b.raw raw.qc
	END
}

@test "both ways, with writes by the other" {
	NO_CHECK=1 both_ways qcow qcow
}

@test "compressed: the same whatever the number of threads, and written over" {
	content a.raw
	other_content a.raw b.raw
	"$VIMG" convert -m 1 -c -O qcow a.raw one
	"$VIMG" convert -m 6 -c -O qcow a.raw six
	cmp one six
	OWN_MAP=1 NO_CHECK=1 agree qcow a.raw one
	cp one two
	qemu-img convert -n -O qcow b.raw one
	"$VIMG" convert -n -O qcow b.raw two
	OWN_MAP=1 NO_CHECK=1 agree qcow b.raw one two
}

@test "headers that are not well" {
	cp "$BATS_FILE_TMPDIR"/set/a.qc good
	bad() {
		cp good h
		poke h "$1" "$2"
		run ! "$VIMG" convert -f qcow -O raw h o
		[[ $output == *"$3"* ]] || { echo "$output"; return 1; }
	}
	bad 0 'X' 'not in qcow format'
	bad 7 '\002' "Try using the 'qcow2' driver"
	bad 7 '\005' 'qcow version 5'
	bad 32 '\010' 'Cluster size must be'
	bad 32 '\021' 'Cluster size must be'
	bad 33 '\005' 'L2 table size'
	bad 33 '\016' 'L2 table size'
	bad 39 '\001' 'encrypted'
	bad 39 '\002' 'invalid encryption method'
	bad 24 '\200' 'too large'
	bad 24 '\001' 'too many'
	bad 40 '\001' 'first table'
	bad 18 '\377' 'name too long'
	printf '\0\0\0\0\0\0\0\1' | dd of=good bs=1 seek=24 conv=notrunc status=none
	bad 0 'Q' 'too small'
}
