#!/usr/bin/env bats
# checksum, compare --output=json and convert --verify: is it the same, and what is it.
# test-timeout: 300
load ../lib/common

setup() {
	requires qemu-img qemu-io
	common_setup
	"$TOP/tests/images/pattern.sh" a.raw 3 >/dev/null
	# a size that is no multiple of a block, a tail of zeroes, a hole that begins inside one
	truncate -s 9000448 a.raw
	dd if=/dev/urandom of=a.raw bs=1000 seek=5000 count=3 conv=notrunc status=none
}

# blocks FILE ALGORITHM: the construction by the usual tools: 64 KiB at a time, then the size
blocks() {
	local size n i
	size=$(stat -c %s "$1")
	n=$(((size + 65535) / 65536))
	for ((i = 0; i < n; i++)); do
		dd if="$1" bs=65536 skip="$i" count=1 status=none | "$2sum" | cut -d' ' -f1
	done | unhex >digests
	printf '%016x\n' "$size" | unhex | tac_bytes >>digests
	"$2sum" <digests | cut -d' ' -f1
}

# hexadecimal digits to bytes
unhex() { printf '%b' "$(tr -d '\n' | sed 's/../\\x&/g')"; }
tac_bytes() { od -An -v -tx1 -w1 | tac | tr -d ' ' | unhex; }

sum_of() { "$VIMG" checksum "$@" | cut -d' ' -f1; }

@test "the construction, byte by byte" {
	for a in md5 sha1 sha256 sha384 sha512; do
		[ "$(sum_of -a "$a" -f raw a.raw)" = "$(blocks a.raw "$a")" ]
		[ "$(sum_of --plain -a "$a" -f raw a.raw)" = "$("${a}sum" <a.raw | cut -d' ' -f1)" ]
	done
}

@test "the same for every format, cluster size and preallocation" {
	local want
	want=$(sum_of -f raw a.raw)
	for o in cluster_size=512 cluster_size=2M extended_l2=on preallocation=full compat=0.10; do
		qemu-img convert -f raw -O qcow2 -o "$o" a.raw b.q
		[ "$(sum_of b.q)" = "$want" ]
	done
	qemu-img convert -c -f raw -O qcow2 a.raw b.q
	[ "$(sum_of b.q)" = "$want" ]
	[ "$(sum_of --plain b.q)" = "$(sha256sum <a.raw | cut -d' ' -f1)" ]
	qemu-img convert -S 0 -f raw -O raw a.raw b.raw
	[ "$(sum_of -f raw b.raw)" = "$want" ]
	qemu-img create -q -f qcow2 -b a.raw -F raw over.q
	[ "$(sum_of over.q)" = "$want" ]
	qemu-io -c 'write -P 9 1M 1' over.q >/dev/null
	[ "$(sum_of over.q)" != "$want" ]
}

@test "empty, tiny and longer disks are all different" {
	for size in 0 512 65536 66048 131072; do
		"$VIMG" create -q "z$size" "$size"
		[ "$(sum_of -f raw "z$size")" = "$(blocks "z$size" sha256)" ]
		sum_of -f raw "z$size"
	done >sums
	[ "$(sort -u sums | wc -l)" = 5 ]
}

@test "a disk of holes, in both formats" {
	"$VIMG" create -q -f qcow2 big.q 2T
	"$VIMG" create -q big.raw 2T
	empty=$(sum_of big.q)
	qemu-io -c 'write -P 3 1T 64k' big.q >/dev/null
	qemu-io -f raw -c 'write -P 3 1T 64k' big.raw >/dev/null
	[ "$(sum_of big.q)" = "$(sum_of -f raw big.raw)" ]
	[ "$(sum_of big.q)" != "$empty" ]
}

# The preloaded library counts what is read, which no clock has to.
@test "holes are not read, however long" {
	case ${VARIANT:-release} in
	asan | tsan | static) skip "calls cannot be counted in a $VARIANT program" ;;
	esac
	truncate -s 200G big.raw
	for at in 65G 130G 199G; do
		qemu-io -f raw -c "write -P 3 $at 64k" big.raw >/dev/null
	done
	FAULT_COUNT=count LD_PRELOAD=$IOFAULT "$VIMG" checksum -f raw big.raw
	[ "$(cat count)" -gt 2 ]
	[ "$(cat count)" -lt 30 ]
	truncate -s 1G small.raw
	qemu-io -f raw -c 'write -P 3 900M 64k' small.raw >/dev/null
	FAULT_COUNT=count LD_PRELOAD=$IOFAULT "$VIMG" checksum --plain -f raw small.raw >sum
	[ "$(cat count)" -lt 20 ]
	[ "$(cut -d' ' -f1 sum)" = "$(sha256sum <small.raw | cut -d' ' -f1)" ]
}

@test "a snapshot, JSON, several images, and what is refused" {
	qemu-img convert -f raw -O qcow2 a.raw b.q
	qemu-img snapshot -c one b.q
	was=$(sum_of b.q)
	qemu-io -c 'write -P 7 0 64k' b.q >/dev/null
	[ "$(sum_of b.q)" != "$was" ]
	[ "$(sum_of -l one b.q)" = "$was" ]
	run "$VIMG" checksum -l two b.q
	[ "$status" = 1 ]
	"$VIMG" checksum --output=json b.q >out.json
	[ "$(jq -r .blocks out.json)" = "$(sum_of b.q)" ]
	[ "$(jq -r '.schema, .algorithm, .format' out.json | xargs)" = "vimg-checksum/1 sha256 qcow2" ]
	run "$VIMG" checksum b.q nosuch a.raw
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 3 ]
	run "$VIMG" checksum -a crc32 b.q
	[ "$status" = 1 ]
	[[ $output == *"there is no digest 'crc32'"* ]]
}

@test "compare in JSON" {
	qemu-img convert -f raw -O qcow2 a.raw b.q
	qemu-img resize -q b.q +1M
	"$VIMG" compare --output=json -f raw -F qcow2 a.raw b.q >out.json
	[ "$(jq -r '.identical, .verdict, .warning' out.json | xargs)" = "true identical sizes differ" ]
	qemu-io -c 'write -P 7 1M 64k' b.q >/dev/null
	run "$VIMG" compare --output=json -f raw -F qcow2 a.raw b.q
	[ "$status" = 1 ]
	[ "$(jq -r '.identical, .verdict, .offset' <<<"$output" | xargs)" = "false content 1048576" ]
	run "$VIMG" compare --output=json -s -f raw -F qcow2 a.raw b.q
	[ "$status" = 1 ]
	[ "$(jq -r .verdict <<<"$output")" = size ]
}

@test "convert --verify" {
	"$VIMG" convert --verify -f raw -O qcow2 a.raw b.q
	"$VIMG" convert --verify -c -O qcow2 b.q c.q
	"$VIMG" convert --verify -p b.q d.raw | grep -q '(100.00/100%)'
	qemu-img compare -q b.q d.raw
	"$VIMG" create -q -f qcow2 large.q 20M
	qemu-io -c 'write -P 5 15M 1M' large.q >/dev/null
	"$VIMG" convert --verify -n -O qcow2 b.q large.q
	run "$VIMG" convert --verify b.q c.q e.raw
	[ "$status" = 1 ]
	[[ $output == *"Only a single source can be verified"* ]]
	run "$VIMG" convert --verify --salvage b.q e.raw
	[ "$status" = 1 ]
	[ ! -e e.raw ]
}
