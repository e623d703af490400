# vimg cache: its arithmetic, and that a real QEMU takes what it prints.
# shellcheck shell=bash
load ../lib/common

# taken ARGS...: QEMU opens the drive, and says which node options it is using.
taken() {
	printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-named-block-nodes"}' \
		'{"execute":"quit"}' |
		timeout 60 qemu-system-x86_64 -machine none -nodefaults -display none -qmp stdio \
			"$@" >qmp 2>err || { cat err; return 1; }
	[ ! -s err ] || { cat err; return 1; }
	grep -q '"drv": "qcow2"' qmp
}

drive_of() { sed -n 's/^-drive //p' "$1"; }
blockdev_of() { sed -n 's/^-blockdev //p' "$1"; }

@test "the whole disk is covered: 8 bytes per cluster" {
	"$VIMG" cache --size 1T --cluster-size 64k --json >j
	[ "$(jq '.images[0]."l2-cache-size"' j)" = $((128 << 20)) ]
	[ "$(jq .images[0].covered j)" = $((1 << 40)) ]
	"$VIMG" cache --size 10G --cluster-size 512k --json >j
	[ "$(jq '.images[0]."l2-bytes"' j)" = $((512 << 10)) ]
}

@test "subclusters take twice the table space" {
	"$VIMG" cache --size 1T --cluster-size 128k --extended-l2 --json >j
	[ "$(jq '.images[0]."l2-cache-size"' j)" = $((128 << 20)) ]
}

@test "a budget is kept, and split over the chain" {
	"$VIMG" create -q -f qcow2 base.q 500G
	"$VIMG" create -q -f qcow2 -b base.q -F qcow2 top.q
	"$VIMG" cache --budget 8M --json top.q >j
	[ "$(jq '[.images[] | ."l2-cache-size" + ."refcount-cache-size"] | add <= 8388608' j)" = true ]
	[ "$(jq '[.images[] | ."l2-cache-size" > 1048576] | all' j)" = true ]
	run "$VIMG" cache --budget 1000 top.q
	[ "$status" = 1 ]
	[[ $output == *"udget of"* ]]
}

@test "coverage of a part" {
	"$VIMG" cache --size 1T --coverage 25 --json >j
	[ "$(jq '.images[0]."l2-cache-size"' j)" = $((32 << 20)) ]
	run "$VIMG" cache --size 1T --coverage 0
	[ "$status" = 1 ]
	run "$VIMG" cache --size 1T --coverage 101%
	[ "$status" = 1 ]
}

@test "the three sizes that QEMU refuses together are never printed" {
	"$VIMG" create -q -f qcow2 a.q 2T
	"$VIMG" cache a.q >text
	run grep -E '(^|,)cache-size=' text
	[ "$status" = 1 ]
}

@test "QEMU takes the -drive line" {
	requires qemu-system-x86_64
	"$VIMG" create -q -f qcow2 a.q 2T
	"$VIMG" cache a.q >text
	taken -drive "if=none,$(drive_of text)"
	"$VIMG" cache --budget 8M a.q >text
	taken -drive "if=none,$(drive_of text)"
}

@test "QEMU takes the lines of a chain, and the names with commas in them" {
	requires qemu-system-x86_64
	"$VIMG" create -q -f raw base,raw.img 10M
	"$VIMG" create -q -f qcow2 -b base,raw.img -F raw middle.q
	"$VIMG" create -q -f qcow2 -b middle.q -F qcow2 "top,1.q" 3T
	"$VIMG" cache "top,1.q" >text
	taken -drive "if=none,$(drive_of text)"
	taken -blockdev "$(blockdev_of text)"
	[ "$(grep -o '"drv": "qcow2"' qmp | wc -l)" = 2 ]
}

@test "QEMU uses a cache of that size" {
	requires qemu-system-x86_64
	"$VIMG" create -q -f qcow2 a.q 2T
	"$VIMG" cache --budget 4M a.q >text
	taken -blockdev "$(blockdev_of text)"
	# with one byte less than a table slice it is refused: the option is looked at
	run taken -blockdev "$(blockdev_of text | sed 's/l2-cache-entry-size=4096/l2-cache-entry-size=4095/')"
	[ "$status" = 1 ]
}

@test "snapshots and the table of the human form" {
	"$VIMG" create -q -f qcow2 a.q 64M
	"$VIMG" snapshot -c one a.q
	"$VIMG" cache a.q >text
	grep -q "^qcow2 .*64 KiB .*100.0%.* a.q$" text
	grep -q "Internal snapshots (1)" text
	run "$VIMG" cache
	[ "$status" = 1 ]
	run "$VIMG" cache --size 1G a.q
	[ "$status" = 1 ]
	run "$VIMG" cache --cluster-size 64k a.q
	[ "$status" = 1 ]
}
