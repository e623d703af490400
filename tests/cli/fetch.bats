#!/usr/bin/env bats
# vimg fetch: resume, verification, unpacking, conversion.

load ../lib/common
load ../lib/http

setup() {
	common_setup
	mkdir www
	head -c 3000000 /dev/urandom >www/disk.raw
	truncate -s 5M www/disk.raw
	head -c 1024 /dev/urandom >>www/disk.raw
	(cd www && sha256sum disk.raw >SHA256SUMS)
	http_start www
}

teardown() {
	http_stop
	common_teardown
}

# left FILE: nothing but it is in this folder.
clean() {
	rm -f asked
	[ "$(echo -- * .[!.]*)" = "-- $* .[!.]*" ] || { ls -a; false; }
}

@test "a file comes as it is, verified" {
	"$VIMG" fetch -q "$URL/disk.raw" a
	same a www/disk.raw
	"$VIMG" fetch -q --sha256 "$(cut -c1-64 www/SHA256SUMS)" "$URL/disk.raw" b
	same b www/disk.raw
	"$VIMG" fetch -q --sums "$URL/SHA256SUMS" "$URL/disk.raw?x=y" c
	same c www/disk.raw
	clean a b c www
}

@test "servers without ranges, cut connections and errors that pass" {
	for how in norange norange,nolength cut=1000000 fail=2 long moved; do
		"$VIMG" fetch -q "$URL/$how/disk.raw" a
		same a www/disk.raw
		rm a
	done
	# without ranges the same comes again, and no further
	run "$VIMG" fetch -q "$URL/norange,cut=1000000/disk.raw" a
	[ "$status" -eq 1 ]
	[[ $output == *"ends its answers too early, at byte 1000000"* ]]
}

@test "what is not what it should be is not kept" {
	run "$VIMG" fetch -q --sha256 "$(printf '%064d' 0)" "$URL/disk.raw" a
	[ "$status" -eq 1 ]
	[[ $output == *"and should have 00000"* ]]
	run "$VIMG" fetch -q --sums "$URL/SHA256SUMS" "$URL/SHA256SUMS" a
	[ "$status" -eq 1 ]
	[[ $output == *"has no checksum of 'SHA256SUMS'"* ]]
	run "$VIMG" fetch -q --sha256 abc "$URL/disk.raw" a
	[ "$status" -eq 1 ]
	run "$VIMG" fetch -q "$URL/none" a
	[ "$status" -eq 1 ]
	[[ $output == *"404 (not found)"* ]]
	clean www
}

@test "a download that was ended goes on where it was" {
	timeout -s INT 1 "$VIMG" fetch -q --url-opts rate-limit=1M "$URL/disk.raw" a || :
	[ ! -e a ]
	[ -s a.part ]
	"$VIMG" fetch -q --sums "$URL/SHA256SUMS" "$URL/disk.raw" a
	same a www/disk.raw
	grep -q 'disk.raw bytes=[1-9][0-9]*-$' asked
	clean a www
}

@test "a part of another version is begun anew" {
	timeout -s INT 1 "$VIMG" fetch -q --url-opts rate-limit=1M "$URL/changes=2/disk.raw" a || :
	[ -s a.part ]
	run "$VIMG" fetch -q "$URL/changes=2/disk.raw" a
	[ "$status" -eq 0 ]
	[[ $output == *"has changed since its download began"* ]]
	same a www/disk.raw
	clean a www
}

@test "packed files are unpacked on the way" {
	requires xz gzip zstd bzip2
	for p in xz:xz gz:gzip zst:zstd bz2:bzip2; do
		${p#*:} -c www/disk.raw >"www/disk.raw.${p%:*}"
		"$VIMG" fetch -q "$URL/disk.raw.${p%:*}" a
		same a www/disk.raw
		"$VIMG" fetch -q -O qcow2 "$URL/disk.raw.${p%:*}" a.qcow2
		"$VIMG" compare -q a.qcow2 www/disk.raw
		"$VIMG" check -q a.qcow2
		# in two parts, which their programs take for one
		cat "www/disk.raw.${p%:*}" "www/disk.raw.${p%:*}" >"www/two.${p%:*}"
		"$VIMG" fetch -q "$URL/two.${p%:*}" b
		cat www/disk.raw www/disk.raw | same b -
		# left packed, by its name or on request
		"$VIMG" fetch -q "$URL/disk.raw.${p%:*}" "c.${p%:*}"
		same "c.${p%:*}" "www/disk.raw.${p%:*}"
		"$VIMG" fetch -q --unpack none "$URL/disk.raw.${p%:*}" d
		same d "www/disk.raw.${p%:*}"
		# cut short, and damaged
		head -c 100000 "www/disk.raw.${p%:*}" >"www/short.${p%:*}"
		run "$VIMG" fetch -q "$URL/short.${p%:*}" e
		[ "$status" -eq 1 ]
		[[ $output == *"ends too early"* ]]
		(echo no; cat www/disk.raw) >"www/wrong.${p%:*}"
		run "$VIMG" fetch -q "$URL/wrong.${p%:*}" e
		[ "$status" -eq 1 ]
		[ ! -e e ]
		rm -f e.part e.part.tag
	done
	clean a a.qcow2 b c.bz2 c.gz c.xz c.zst d www
}

@test "images are converted on the way" {
	"$VIMG" fetch -q -O qcow2 "$URL/disk.raw" a.qcow2
	"$VIMG" compare -q a.qcow2 www/disk.raw
	"$VIMG" convert -q -f raw -O qcow2 www/disk.raw www/disk.qcow2
	"$VIMG" fetch -q -O raw "$URL/disk.qcow2" b
	cmp b www/disk.raw
	"$VIMG" fetch -q -f raw -O raw "$URL/disk.qcow2" c
	cmp -n "$(stat -c %s www/disk.qcow2)" c www/disk.qcow2
	# one that names another file does not make us read it
	"$VIMG" create -q -u -f qcow2 -b /etc/passwd -F raw www/evil.qcow2 1M
	"$VIMG" fetch -q -O raw "$URL/evil.qcow2" d
	cmp -n 1048576 d /dev/zero
	clean a.qcow2 b c d www
	run "$VIMG" fetch -q -O qcow2 --sha256 "$(printf '%064d' 0)" "$URL/disk.raw" f.qcow2
	[ "$status" -eq 1 ]
	[[ $output == *"and should have 00000"* ]]
	clean a.qcow2 b c d www
	run "$VIMG" fetch -q -O qcow2 "$URL/disk.raw" none/f.qcow2
	[ "$status" -eq 1 ]
}
