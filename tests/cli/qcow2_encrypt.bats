#!/usr/bin/env bats
# Encrypted qcow2 images, by LUKS and by the old AES: made, read, written, changed and judged by
# vimg and by qemu-img.
# test-timeout: 600
load ../lib/common
load ../lib/equality
load ../lib/secrets

K=encrypt.key-secret=s
I="--image-opts driver=qcow2,$K,file.filename=a.q"
A="--image-opts driver=qcow2,$K,file.filename=a.aes"

# v COMMAND...: vimg with the secrets.
v() {
	local cmd=$1
	shift
	# shellcheck disable=SC2086
	"$VIMG" "$cmd" $S "$@"
}

# inf FILE: info without what no two images share.
inf() {
	qemu-img info "$@" | sed -E '/^disk size:/d; /"actual-size"/d; s/(uuid"?: ).*/\1U/
		s/(iters"?:) [0-9]+/\1 N/'
}

equality_images() {
	mkdir -p ../x && cd ../x || return 1
	q create -q -f qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10 ../set/a.q 4M
	q create -q -f qcow2 -o encrypt.format=aes,$K ../set/a.aes 4M
	cd ../set || return 1
	for o in "$I" "$A"; do
		# shellcheck disable=SC2086
		qemu-io $S -c 'write -P 5 1M 1M' -c 'write -P 6 3M 5k' -c 'write -z 0 64k' $o >/dev/null
	done
	qemu-img create -q -f qcow2 plain.q 4M
	qemu-img create -q b.raw 4M
	qemu-io -f raw -c 'write -P 9 64k 1M' -c 'write -P 3 4190720 3k' b.raw >/dev/null
}

setup_file() {
	requires qemu-img qemu-io
	equality_version
	equality_prepare
}

setup() {
	common_setup
	mkdir img
	cd img || return 1
}

@test "command lines" {
	cd ..
	equal <<-'END'
		= q create -f qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10 n 10M; inf n; inf --output=json n; stat -c %s n
		= q create -f qcow2 -o encryption=off,encrypt.format=luks,$K,encrypt.cipher-alg=serpent-256,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.hash-alg=sha1,encrypt.iter-time=10,cluster_size=4k,compat=0.10 n 10M; inf n
		= q create -f qcow2 -o encrypt.format=aes,$K n 10M; inf n; inf --output=json n
		= q create -f qcow2 -o encryption=on,$K n 10M; inf n
		= q create -f qcow2 -o encryption=on n 10M
		= q create -f qcow2 -o encryption=on,encrypt.format=luks,$K n 10M
		= q create -f qcow2 -o encrypt.format=foo,$K n 10M
		= q create -f qcow2 -o encrypt.format=luks n 10M
		= q create -f qcow2 -o encrypt.format=aes n 10M
		= q create -f qcow2 -o $K n 10M
		= q create -f qcow2 -o encrypt.format=aes,$K,encrypt.iter-time=10 n 10M
		= q create -f qcow2 -o encrypt.format=luks,encrypt.key-secret=nobody n 10M
		= q create -f qcow2 -o encrypt.format=luks,$K,encrypt.cipher-alg=foo n 10M
		= q create -f qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10,data_file=n.data n 1M; inf n
		= q measure -O qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10 --size 10M
		= q measure -O qcow2 -o encrypt.format=aes,$K --size 10M
		= inf a.q; inf --output=json a.q
		= q info $A | sed '1d; /disk size/d'
		= qemu-img map a.q
		= qemu-img check a.q
		= q check $I; q check $A
		= q map $I
		= q map --output=json $I
		= q map --image-opts driver=qcow2,encrypt.format=aes,$K,file.filename=a.q
		= q map --image-opts driver=qcow2,encrypt.format=luks,$K,file.filename=a.aes
		= q map --image-opts driver=qcow2,encrypt.format=luks,$K,file.filename=plain.q
		= q map --image-opts driver=qcow2,encrypt.key-secret=w,file.filename=a.q
		= q convert -c -O qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10 b.raw n
		= q convert -O raw $I n; md5sum n
		= q convert -O raw $A n; md5sum n
		= q convert -O qcow2 -o encrypt.format=luks,$K,encrypt.iter-time=10 b.raw n; inf n; qemu-img compare $S --image-opts driver=qcow2,$K,file.filename=n driver=raw,file.filename=b.raw
		= q convert -O qcow2 -o encrypt.format=aes,$K b.raw n; inf n; qemu-img compare $S --image-opts driver=qcow2,$K,file.filename=n driver=raw,file.filename=b.raw
		= q resize $I 8M; inf a.q; q check $I
		= q resize --shrink $I 1M; inf a.q; q check $I
		= q snapshot -c one $I; q snapshot -a one $I; q check $I | sed '/end offset/d'
		= q amend -o encrypt.state=active,encrypt.new-secret=n,encrypt.iter-time=10 $I; inf a.q; q amend -o encrypt.state=inactive,encrypt.old-secret=s $I; inf a.q; q map $I
		= q amend -o encrypt.state=inactive,encrypt.keyslot=0 $I
		= q amend -o encrypt.state=active $I
		= q amend -o encrypt.iter-time=10 $I
		= q amend -o encrypt.state=active,encrypt.new-secret=n plain.q
		= q amend -o encrypt.state=active,encrypt.new-secret=n $A
		= q amend -o $K $I
		= qemu-img amend -f qcow2 -o help | sed 's/ - .*//'
	END
}

@test "chains: overlays, commit and rebase, a key for each" {
	cp "$BATS_FILE_TMPDIR/set/"{a.q,b.raw} .
	local back="json:{'driver':'qcow2','encrypt.key-secret':'s','file.filename':'a.q'}"
	v create -q -f qcow2 -o encrypt.format=luks,encrypt.key-secret=n,encrypt.iter-time=1 -b "$back" -F qcow2 top.q
	local top=driver=qcow2,encrypt.key-secret=n,file.filename=top.q
	# shellcheck disable=SC2086
	qemu-io $S -c 'write -P 8 1000k 100k' --image-opts $top >/dev/null
	v convert --image-opts $top top.raw
	q convert --image-opts $top -O raw q.raw
	cmp top.raw q.raw
	v rebase --image-opts -b "" $top
	q compare --image-opts $top driver=raw,file.filename=q.raw
	v rebase --image-opts -b "$back" -F qcow2 $top
	v check --image-opts $top
	v commit --image-opts $top
	# shellcheck disable=SC2086
	q compare $I driver=raw,file.filename=q.raw
	# shellcheck disable=SC2086
	q check $I
}

@test "what one writes the other reads, whatever the layout" {
	local o
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	for o in format=luks,encrypt.iter-time=1 format=aes \
		format=luks,encrypt.iter-time=1,extended_l2=on,cluster_size=16k \
		format=luks,encrypt.iter-time=1,compat=0.10,cluster_size=512 \
		format=luks,encrypt.iter-time=1,preallocation=metadata \
		format=luks,encrypt.iter-time=1,encrypt.cipher-alg=twofish-256,encrypt.cipher-mode=ctr; do
		rm -f a.q
		v create -q -f qcow2 -o encrypt.$o,$K a.q 4M
		# shellcheck disable=SC2086
		v bench -q -w -c 60 -d 4 -s 1536 -S 70144 --pattern 65 $I
		# shellcheck disable=SC2086
		qemu-io $S -c 'write -P 9 1000k 5k' -c 'write -z 2M 70k' $I >/dev/null
		# shellcheck disable=SC2086
		v snapshot -c one $I
		# shellcheck disable=SC2086
		v bench -q -w -c 30 -d 4 -s 3072 -S 31744 --pattern 66 $I
		# shellcheck disable=SC2086
		v convert $I v.raw
		# shellcheck disable=SC2086
		q convert $I -O raw q.raw
		cmp v.raw q.raw
		# shellcheck disable=SC2086
		v check $I
		# shellcheck disable=SC2086
		q check $I
	done
	[ "$(od -An -tx1 -N1 v.raw)" = " 42" ]
}

@test "refused: keys that do not fit, compressed clusters, damaged headers" {
	cp "$BATS_FILE_TMPDIR/set/"{a.q,b.raw} .
	local at
	at=$(grep -obUaP '\x05\x37\xbe\x77' a.q | head -n 1 | cut -d: -f1)
	for bytes in '8 \377' '10 \001' '15 \001' '16 \377'; do
		cp a.q bad.q
		# shellcheck disable=SC2086
		set -- $bytes
		poke bad.q $((at + $1)) "$2"
		run v map --image-opts driver=qcow2,$K,file.filename=bad.q
		[ "$status" -eq 1 ]
		run "$VIMG" info bad.q
		[ "$status" -eq 1 ]
		[ -n "$output" ]
	done
	# shellcheck disable=SC2086
	run v convert -n -c --target-image-opts b.raw driver=qcow2,$K,file.filename=a.q
	[ "$status" -eq 1 ]
	[[ "$output" == *"Compression and encryption"* ]]
}

@test "a new image goes to a pipe by way of a file" {
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	v convert -O qcow2 -o encrypt.format=luks,encrypt.iter-time=1,$K b.raw - | cat >n.q
	q compare --image-opts driver=qcow2,$K,file.filename=n.q driver=raw,file.filename=b.raw
}
