# For tests of formats that qemu-img knows as well: each program reads what the other made.
# shellcheck shell=bash

# content FILE: a disk of 9 MiB and a bit: data, holes, zeroes that are written, odd ends.
content() {
	rm -f "$1"
	qemu-img create -q -f raw "$1" 9500160
	qemu-io -f raw -c 'write -P 1 0 5k' -c 'write -P 2 1023k 2k' -c 'write -P 3 3M 1M' \
		-c 'write -P 0 4M 64k' -c 'write -P 5 6M 700k' -c 'write -P 6 9499648 512' \
		"$1" >/dev/null
	head -c 300000 /dev/urandom | dd of="$1" bs=4096 seek=1200 conv=notrunc status=none
}

# other_content FILE: the same size, other bytes, some of them where there were none.
other_content() {
	cp "$1" "$2"
	qemu-io -f raw -c 'write -P 11 2M 70k' -c 'write -P 12 3M 4k' -c 'write -P 13 8M 1M' \
		-c 'write -P 0 6M 100k' "$2" >/dev/null
}

# info_same FILE [OPTION...]: info says the same, but for the space taken, and map does.
info_same() {
	local f=$1 how
	shift
	for how in human json; do
		qemu-img info --output=$how "$@" "$f" | sed '/^disk size:/d; /"actual-size":/d' >theirs
		"$VIMG" info --output=$how "$@" "$f" | sed '/^disk size:/d; /"actual-size":/d' >ours
		same theirs ours
	done
}

# map_same FILE [OPTION...]
map_same() {
	local f=$1 how
	shift
	for how in human json; do
		qemu-img map --output=$how "$@" "$f" >theirs
		"$VIMG" map --output=$how "$@" "$f" >ours
		same theirs ours
	done
}

# check_same FILE: check finds nothing, and says the same.
check_same() {
	local how
	for how in human json; do
		qemu-img check --output=$how "$1" >theirs
		"$VIMG" check --output=$how "$1" >ours
		same theirs ours
	done
}

# both_ways FORMAT SUFFIX [OPTIONS]: ours.SUFFIX is made by vimg and judged by qemu-img, and
# theirs.SUFFIX the other way round; each is then written to by the other.  The disk may be rounded
# up by the format, so lengths are not compared.
both_ways() {
	local fmt=$1 s=$2 opts=${3:+-o $3}
	content a.raw
	other_content a.raw b.raw
	# shellcheck disable=SC2086 # options may be none
	"$VIMG" convert -f raw -O "$fmt" $opts a.raw "ours.$s"
	# shellcheck disable=SC2086
	qemu-img convert -f raw -O "$fmt" $opts a.raw "theirs.$s"
	agree "$fmt" a.raw "ours.$s" "theirs.$s"
	qemu-img convert -f raw -O "$fmt" -n b.raw "ours.$s"
	"$VIMG" convert -f raw -O "$fmt" -n b.raw "theirs.$s"
	agree "$fmt" b.raw "ours.$s" "theirs.$s"
	"$VIMG" convert -f "$fmt" -O raw "theirs.$s" back.raw
	qemu-img compare -q -f raw -F raw back.raw b.raw
}

# agree FORMAT RAW IMAGE...: all hold the same, to both programs, and nothing is wrong with them.
agree() {
	local fmt=$1 raw=$2 i
	shift 2
	for i; do
		qemu-img compare -q -f raw -F "$fmt" "$raw" "$i"
		"$VIMG" compare -q -f raw -F "$fmt" "$raw" "$i"
		info_same "$i" -f "$fmt"
		[ -n "${OWN_MAP:-}" ] || map_same "$i" -f "$fmt"
		[ -n "${NO_CHECK:-}" ] || check_same "$i"
	done
}
