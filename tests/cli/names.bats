#!/usr/bin/env bats
# Option names of qemu-img 10.1 and later, and what is our own, in words and effect.
load ../lib/common

setup() {
	common_setup
	"$VIMG" create -q -f qcow2 a.q 10M
	"$VIMG" bench -q -w -c 4 -s 64k --pattern=5 a.q
	"$VIMG" create -q -f qcow2 -b a.q -F qcow2 top.q
	"$VIMG" bench -q -w -c 2 -s 64k --pattern=6 top.q
}

sum() { "$VIMG" convert "$1" sum.raw && md5sum <sum.raw; }

@test "create" {
	"$VIMG" create --format=qcow2 --backing a.q --backing-format qcow2 --options cluster_size=4k n --quiet >out
	[ ! -s out ]
	"$VIMG" info n | grep -q '^backing file: a.q$'
	"$VIMG" create --quiet -f qcow2 -b a.q -B qcow2 n
	"$VIMG" create --quiet -f qcow2 -b nosuch -B qcow2 --backing-unsafe n 1M
	"$VIMG" info n | grep -q '^backing file: nosuch$'
}

@test "convert" {
	"$VIMG" convert --source-format qcow2 --target-format qcow2 --compress --parallel 4 --oob-writes \
		--target-format-options cluster_size=4k --source-cache none --target-cache writeback \
		--sparse-size 8k --rate-limit 1G --quiet a.q n
	"$VIMG" compare a.q n
	"$VIMG" info n | grep -q '^cluster_size: 4096$'
	"$VIMG" convert -O qcow2 --backing a.q --backing-format qcow2 top.q n
	"$VIMG" compare top.q n
	"$VIMG" info n | grep -q '^backing file: a.q$'
	"$VIMG" convert -O qcow2 -b a.q -F qcow2 top.q n2
	"$VIMG" compare top.q n2
	"$VIMG" snapshot -c s a.q
	"$VIMG" convert --snapshot s --no-create --copy-range-offloading a.q sum.raw && return 1
	"$VIMG" convert --copy-range-offloading --snapshot s a.q n
	"$VIMG" compare a.q n
}

@test "convert: effort to compress" {
	"$VIMG" convert -c -O qcow2 -o compression_level=small a.q n
	"$VIMG" compare a.q n
	run "$VIMG" convert -c -O qcow2 -o compression_level=much a.q n
	[ "$status" -eq 1 ]
	[[ "$output" == *"'much'"* ]]
}

@test "rebase, commit, amend, resize" {
	before=$(sum top.q)
	"$VIMG" create -q -f qcow2 other.q 10M
	"$VIMG" rebase --format qcow2 --backing other.q --backing-format qcow2 --cache none --backing-cache none --quiet top.q
	[ "$(sum top.q)" = "$before" ]
	"$VIMG" rebase -b '' --compress top.q
	[ "$(sum top.q)" = "$before" ]
	"$VIMG" rebase --backing-unsafe -b other.q -B qcow2 top.q
	"$VIMG" commit --base other.q --drop --rate-limit 1G --cache none --quiet top.q
	[ "$(sum other.q)" = "$before" ]
	"$VIMG" amend --options lazy_refcounts=on --quiet --cache none a.q
	"$VIMG" info a.q | grep -q 'lazy refcounts: true'
	"$VIMG" resize a.q +1M --quiet
	"$VIMG" resize a.q -512k --shrink --quiet
	"$VIMG" resize --shrink -512k a.q
	"$VIMG" info a.q | grep -q '(10485760 bytes)'
}

@test "snapshot, check, compare, measure, info, map, bench" {
	"$VIMG" snapshot --create s a.q
	"$VIMG" snapshot --format qcow2 a.q | grep -q '^1 *s '
	"$VIMG" snapshot --list a.q | grep -q '^1 *s '
	"$VIMG" snapshot --apply s --quiet a.q
	"$VIMG" snapshot --delete s a.q
	[ -z "$("$VIMG" snapshot -l a.q)" ]
	"$VIMG" check --repair all --cache none --format qcow2 a.q
	"$VIMG" compare --a-format qcow2 --b-format qcow2 --strict --cache none a.q a.q
	"$VIMG" measure --target-format qcow2 --size 1G | grep -q '^required'
	"$VIMG" measure -s 1G -O qcow2 --target-format-options cluster_size=4k | grep -q '^required'
	"$VIMG" measure --source-format qcow2 --options cluster_size=4k -O qcow2 a.q | grep -q '^required'
	"$VIMG" info --cache none a.q >/dev/null
	run "$VIMG" info -t nosuch a.q
	[ "$status" -eq 1 ]
	"$VIMG" bench --count 10 --depth 2 --buffer-size 4k --step-size 8k --offset 1M --write --quiet a.q
	"$VIMG" dd --format qcow2 --output-format qcow2 if=a.q of=n
	"$VIMG" compare a.q n
}

@test "a snapshot is deleted by its name, whatever the ids are" {
	"$VIMG" snapshot -c first a.q
	"$VIMG" snapshot -c 1 a.q
	"$VIMG" snapshot -d first a.q
	"$VIMG" snapshot -l a.q | grep -q '^2 *1 '
	run "$VIMG" snapshot -d 2 a.q
	[ "$status" -eq 1 ]
	"$VIMG" snapshot -d 1 a.q
	[ -z "$("$VIMG" snapshot -l a.q)" ]
}

@test "the name it is called by is in its messages" {
	ln -s "$VIMG" qemu-img
	run ./qemu-img info nosuch
	[[ "$output" == "qemu-img: Could not open 'nosuch'"* ]]
	run "$VIMG" info nosuch
	[[ "$output" == "vimg: Could not open 'nosuch'"* ]]
	[[ "$("$VIMG" --version | head -n 1)" == "vimg version "[0-9]* ]]
	[[ "$(./qemu-img --version | head -n 1)" == "qemu-img version 7.2."* ]]
}

@test "create and dd spare a disk with contents, unless forced or called qemu-img" {
	requires mkfs.ext4
	ln -s "$VIMG" qemu-img
	truncate -s 4M fs
	mkfs.ext4 -q -F fs
	cp fs old
	for cmd in 'create fs 1M' 'create file:fs 1M' 'dd if=a.q of=fs' 'convert a.q fs'; do
		# shellcheck disable=SC2086
		run "$VIMG" $cmd
		[ "$status" -eq 1 ]
		[[ "$output" == *ext4*--force* ]]
		cmp fs old
	done
	"$VIMG" create -q --force fs 1M
	[ "$(stat -c %s fs)" -eq 1048576 ]
	cp old fs
	./qemu-img create -q fs 1M
	[ "$(stat -c %s fs)" -eq 1048576 ]
}

@test "a loop of backing files is found" {
	"$VIMG" create -q -f qcow2 -u -b l2.q -F qcow2 l1.q 1M
	"$VIMG" create -q -f qcow2 -u -b l1.q -F qcow2 l2.q 1M
	for cmd in check map 'info --backing-chain'; do
		# shellcheck disable=SC2086
		run timeout 20 "$VIMG" $cmd l1.q
		[ "$status" -eq 1 ]
		[[ "$output" == *loop* ]]
	done
}
