#!/usr/bin/env bats
# QED images beside qemu-img: what is printed, what is made, what is read back, what is mended.
# test-timeout: 300
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/equality
load ../lib/formats

equality_images() {
	local l2
	qemu-img create -q b.raw 10M
	qemu-io -f raw -c 'write -P 5 1M 1M' -c 'write -P 6 9M 64k' b.raw >/dev/null
	qemu-img convert -O qed b.raw a.qed
	qemu-img create -q -f qed -b a.qed -F qed over.qed
	qemu-io -c 'write -P 9 2M 70k' -c 'write -z 4M 128k' over.qed >/dev/null
	qemu-img create -q -f qed -b b.raw -F raw raw.qed
	qemu-io -c 'write -P 9 512k 1k' raw.qed >/dev/null
	qemu-img create -q -f qed -o cluster_size=4k,table_size=2 small.qed 100M
	qemu-io -c 'write -P 9 50M 70k' -c 'write -P 2 1k 1k' -c 'write -z 50M 8k' small.qed >/dev/null
	cp a.qed dirty.qed
	poke dirty.qed 16 '\002'
	cp a.qed bad.qed
	# the first table's second entry, and the second table's 17th, lead nowhere; one is used twice
	poke bad.qed $((65536 + 8)) '\001\000\000\000'
	l2=$(od -An -tu8 -j 65536 -N 8 a.qed)
	poke bad.qed $((l2 + 17 * 8)) '\000\000\000\377\000\000\000\000'
	dd if=a.qed of=bad.qed bs=8 skip=$((l2 / 8 + 16)) seek=$((l2 / 8 + 18)) count=1 conv=notrunc status=none
	cp a.qed leak.qed
	truncate -s +196608 leak.qed
	cp bad.qed worse.qed
	poke worse.qed 16 '\002'
}

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

@test "info, check, map, compare of qemu-img's images" {
	EQUAL_READS=1 equal <<-'END'
		= inf a.qed
		= inf --output=json a.qed
		= inf over.qed
		= inf --output=json over.qed
		= inf raw.qed
		= inf --output=json raw.qed
		= inf small.qed
		= inf --backing-chain over.qed
		= for i in *.qed; do qemu-img check $i; done
		= for i in *.qed; do qemu-img check --output=json $i; done
		= for i in a over raw small dirty leak; do qemu-img map --output=json $i.qed; done
		= for i in a over raw small dirty leak; do qemu-img compare $i.qed b.raw; done
		= qemu-img convert -O raw bad.qed /dev/null 2>/dev/null || echo refused
		= qemu-img snapshot -c x a.qed
		= qemu-img amend -f qed -o size=2M a.qed
	END
}

@test "create, resize, rebase, repair" {
	equal <<-'END'
		= qemu-img create -f qed n 1G; inf n; od -A d -t x1 -N 128 n; stat -c %s n
		= qemu-img create -f qed -o cluster_size=4k,table_size=2 n 8M; inf n; od -A d -t x1 -N 128 n; stat -c %s n
		= qemu-img create -f qed -o table_size=3 n 1G
		= qemu-img create -f qed -o table_size=32 n 1G
		= qemu-img create -f qed -o cluster_size=2k n 1G
		= qemu-img create -f qed -o cluster_size=5k n 1G
		= qemu-img create -f qed n 1000; inf n
		= qemu-img create -f qed n 0; inf n
		= qemu-img create -f qed n 100T
		= qemu-img create -f qed -b b.raw n
		= qemu-img create -f qed -b b.raw -F raw n; inf n; od -A d -t x1 -N 128 n
		= qemu-img create -f qed -b over.qed -F qed n 20M; inf n; od -A d -t x1 -N 128 n
		= qemu-img create -f qed -o help | cut -c 1-26
		= qemu-img resize a.qed 20M; inf a.qed; qemu-img check a.qed; qemu-img compare a.qed b.raw
		= qemu-img resize a.qed +5G; inf a.qed; qemu-io -c 'write -P 3 5G 64k' a.qed | head -n 1; qemu-img check a.qed
		= qemu-img resize --shrink a.qed 1M
		= qemu-img resize a.qed 1000000T
		= qemu-img resize --preallocation=full a.qed 20M
		= qemu-img rebase -u -b '' over.qed; inf over.qed
		= qemu-img rebase -b '' over.qed; inf over.qed; qemu-img check over.qed
		= qemu-img rebase -u -b b.raw -F raw over.qed; inf over.qed; od -A d -t x1 -N 128 over.qed
		= qemu-img rebase -b b.raw -F raw over.qed; inf over.qed; qemu-img map --output=json over.qed | sed 's/, .offset.*/}/'
		= qemu-img commit over.qed; qemu-img compare a.qed over.qed
		= for i in *.qed; do qemu-img check -r all $i; qemu-img check $i; done
		= qemu-img check -r leaks leak.qed
		= qemu-img check -r all --output=json bad.qed
		= qemu-img check -r all bad.qed >/dev/null 2>&1; qemu-img map --output=json bad.qed
		# opened for writing, what was not closed is looked at first
		= qemu-img convert -n -O qed b.raw dirty.qed; inf dirty.qed; qemu-img check dirty.qed
		# qemu-img puts the table between the first cluster and the second
		= qemu-img convert -O qed b.raw n; inf n; qemu-img compare n b.raw; qemu-img check n | sed 's/[0-9.]*% frag/frag/'
		= qemu-img convert -O qed -B a.qed -F qed b.raw n; inf n; qemu-img compare n b.raw; qemu-img check n
	END
}

@test "info says that an image was not closed, which qemu-img does not" {
	cp "$BATS_FILE_TMPDIR"/set/dirty.qed .
	"$VIMG" info dirty.qed | grep -q 'cleanly shut down: no'
	"$VIMG" check -r all dirty.qed
	"$VIMG" info --output=json dirty.qed | grep -q '"dirty-flag": false'
}

@test "both ways, with writes by the other" {
	both_ways qed qed
	both_ways qed small cluster_size=4k,table_size=2
}

@test "an image that was not closed and cannot be mended is not written to" {
	cp "$BATS_FILE_TMPDIR"/set/worse.qed "$BATS_FILE_TMPDIR"/set/b.raw .
	run ! "$VIMG" convert -n -O qed b.raw worse.qed
	[[ $output == *'cannot be repaired'* ]]
	"$VIMG" info worse.qed >/dev/null
}

@test "headers that are not well" {
	cp "$BATS_FILE_TMPDIR"/set/a.qed good
	bad() {
		cp good h
		poke h "$1" "$2"
		run ! "$VIMG" check -f qed h
		[[ $output == *"$3"* ]] || { echo "$output"; return 1; }
	}
	bad 0 'X' 'not in QED format'
	bad 4 '\001' 'cluster size'
	bad 8 '\000' 'table size'
	bad 12 '\000' 'header has 0 clusters'
	bad 16 '\020' 'Unsupported QED features: 10'
	bad 40 '\001' 'first table is at'
	bad 46 '\377' 'first table'
	bad 48 '\001' 'disk has'
	bad 55 '\177' 'disk has'
	poke good 16 '\001'
	bad 60 '\377\377' 'name'
	bad 56 '\377\377\377\377' 'name'
}
