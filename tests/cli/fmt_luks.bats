#!/usr/bin/env bats
# LUKS1 volumes: made, opened, read, written and given keys by vimg, qemu-img and cryptsetup.
# test-timeout: 600
load ../lib/common
load ../lib/equality
load ../lib/secrets

S="$S --object secret,id=b,data=/w==,format=base64"
I="--image-opts driver=luks,key-secret=s,file.filename=a.luks"

# inf FILE: info without what no two volumes share.
inf() {
	qemu-img info "$@" | sed -E '/^disk size:/d; /"actual-size"/d; s/(uuid"?: ).*/\1U/
		s/(iters"?:) [0-9]+/\1 N/'
}

# header OFFSET BYTES: a volume whose header is wrong there.
header() {
	cp a.luks "bad.$1"
	poke "bad.$1" "$1" "$2"
}

equality_images() {
	mkdir -p ../x && cd ../x || return 1
	q create -q -f luks -o key-secret=s,iter-time=10 ../set/a.luks 4M
	cd ../set || return 1
	# shellcheck disable=SC2086
	qemu-io $S -c 'write -P 5 1M 1M' -c 'write -P 6 3M 512k' $I >/dev/null
	qemu-img create -q b.raw 4M
	qemu-io -f raw -c 'write -P 9 64k 1M' -c 'write -P 3 4190720 3k' b.raw >/dev/null
	header 0 x
	header 6 '\000\002'
	header 39 x && poke bad.39 8 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
	poke bad.39 8 12345678901234567890123456789012
	header 40 12345678901234567890123456789012
	header 72 12345678901234567890123456789012
	header 8 foo
	header 43 -
	header 41 xx
	header 74 x
	header 104 '\000\000\000\001'
	header 107 '\000\000\000\020'
	header 110 '\001'
	header 111 '\077'
	header 164 '\000\000\000\000'
	header 208 '\001'
	header 212 '\000\000\000\000'
	header 248 '\000\000\000\001'
	header 296 '\000\000\000\012'
	header 250 '\377'
	header 254 '\001'
	head -c 100 a.luks >short.luks
	head -c 1000000 a.luks >cut.luks
	head -c 3000 a.luks >cut0.luks
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
		= q create -f luks -o key-secret=s,iter-time=10 n 10M; inf n; inf --output=json n; stat -c %s n
		= q create -f luks -o key-secret=s,iter-time=10 n 1000; inf n; stat -c %s n
		= q create -f luks -o key-secret=s,iter-time=10,cipher-alg=serpent-128,cipher-mode=cbc,ivgen-alg=essiv n 1M; inf n; inf --output=json n
		= q create -f luks -o key-secret=s,iter-time=10,cipher-alg=cast5-128,cipher-mode=ctr,hash-alg=sha1 n 1M; inf n
		= q create -f luks -o key-secret=s,iter-time=10,cipher-alg=twofish-256,ivgen-alg=plain,ivgen-hash-alg=md5 n 1M; inf n
		= q create -f luks -o key-secret=s,iter-time=10,hash-alg=ripemd160,preallocation=full n 1M; inf n; stat -c %s n
		= q create -f luks -o key-secret=s,iter-time=10,preallocation=metadata n 1M; stat -c %s n
		= q create -f luks n 1M
		= q create -f luks -o key-secret=nobody n 1M
		= q create -f luks -o key-secret=b n 1M
		= q create -f luks -o key-secret=s,cipher-alg=foo n 1M
		= q create -f luks -o key-secret=s,cipher-alg=3des,iter-time=10 n 1M
		= q create -f luks -o key-secret=s,cipher-mode=foo n 1M
		= q create -f luks -o key-secret=s,ivgen-alg=foo n 1M
		= q create -f luks -o key-secret=s,ivgen-hash-alg=foo n 1M
		= q create -f luks -o key-secret=s,hash-alg=foo n 1M
		= q create -f luks -o key-secret=s,iter-time=foo n 1M
		= q create -f luks -o key-secret=s,state=active n 1M
		= q create -f luks -o key-secret=s,cipher-alg=cast5-128,iter-time=10 n 1M
		= q create -f luks -o key-secret=s,ivgen-alg=essiv,ivgen-hash-alg=sha1,iter-time=10 n 1M
		= q create -f luks -b b.raw -F raw -o key-secret=s n
		= q measure -O luks -o key-secret=s,iter-time=10 --size 10M
		= q measure -O luks -o key-secret=s,iter-time=10,cipher-alg=aes-128 --size 1000
		= q measure -O luks -o key-secret=s,iter-time=10 --output=json a.luks -f raw
		= q measure -O luks --size 10M
		= qemu-img check a.luks
		= q check $I
		= qemu-img map a.luks
		= q map $I
		= q map --output=json $I
		= qemu-img compare a.luks a.luks
		= q info --image-opts driver=luks,file.filename=a.luks | sed -n '2,3p; 5,8p'
		= q compare --image-opts driver=luks,key-secret=w,file.filename=a.luks driver=raw,file.filename=b.raw
		= q resize $I 8M; inf n a.luks; stat -c %s a.luks
		= q resize $I 1M
		= q resize --shrink $I 1M; stat -c %s a.luks
		= q resize --preallocation=full $I +1M; stat -c %s a.luks
		= q resize --preallocation=metadata $I +1M
		= q snapshot -l $I
		= q snapshot -c x $I
		= q convert -O luks -o key-secret=n,iter-time=10 b.raw n; inf n; qemu-img compare $S --image-opts driver=luks,key-secret=n,file.filename=n driver=raw,file.filename=b.raw
		= q convert -O luks b.raw n
		= q convert -c -O luks -o key-secret=n,iter-time=10 b.raw n
		= q convert -O raw $I n; md5sum n
	END
}

@test "key slots: what amend does and refuses" {
	cd ..
	equal <<-'END'
		= q amend -o state=active,new-secret=n,iter-time=10 a.luks
		= q amend -o state=active,iter-time=10 $I
		= q amend -o new-secret=n,iter-time=10 $I
		= q amend -o state=foo,new-secret=n $I
		= q amend -o state=active,new-secret=n,old-secret=s $I
		= q amend -o state=active,new-secret=n,keyslot=8 $I
		= q amend -o state=active,new-secret=n,keyslot=0 $I
		= q amend -o state=active,new-secret=nobody,keyslot=3,iter-time=10 $I
		= q amend -o state=active,new-secret=n,keyslot=3,iter-time=10 $I; inf a.luks
		= q amend -o state=active,new-secret=n,iter-time=10 $I; inf a.luks; q amend -o state=inactive,old-secret=n $I; inf a.luks
		= q amend -o state=inactive $I
		= q amend -o state=inactive,new-secret=n $I
		= q amend -o state=inactive,iter-time=3 $I
		= q amend -o state=inactive,keyslot=9 $I
		= q amend -o state=inactive,keyslot=-1 $I
		= q amend -o state=inactive,keyslot=1 $I
		= q amend -o state=inactive,keyslot=0 $I
		= q amend -o state=inactive,keyslot=0,old-secret=w $I
		= q amend -o state=inactive,old-secret=w $I
		= q amend -o state=inactive,old-secret=s $I
		= q amend -o state=inactive,old-secret=nobody $I
		= q amend --force -o state=inactive,keyslot=0 $I; inf a.luks
		= q amend --force -o state=active,new-secret=n,keyslot=0,iter-time=10 $I; q map $I
		= q amend -o key-secret=s $I
		= q amend -o size=1M $I
		= q amend -o foo=1M $I
		# the explanations are our own
		= qemu-img amend -f luks -o help | sed 's/ - .*//'
		= qemu-img create -f luks -o help | sed 's/ - .*//'
	END
}

@test "damaged headers: refused as by qemu-img" {
	cd ..
	for at in 6 8 39 40 43 72 104 107 111 164 208 212 248 254 296; do
		echo "~ qemu-img info --image-opts driver=luks,file.filename=bad.$at"
		echo "~ q map --image-opts driver=luks,key-secret=s,file.filename=bad.$at"
	done >rows
	for at in 0 6 104 107 164 208 212 248 296; do
		echo "= qemu-img info --image-opts driver=luks,file.filename=bad.$at 2>&1 | tail -n 1"
	done >>rows
	echo "~ qemu-img info --image-opts driver=luks,file.filename=short.luks" >>rows
	equal <rows
	for f in bad.41 bad.74 bad.110 bad.250 cut.luks cut0.luks short.luks; do
		run "$VIMG" info --image-opts "driver=luks,file.filename=$BATS_FILE_TMPDIR/set/$f"
		[ "$status" -eq 1 ]
		[ -n "$output" ]
	done
}

# put PROGRAM FILE: the bytes of b.raw into a volume.
put() {
	# shellcheck disable=SC2086
	"$1" convert $S -n --target-image-opts b.raw "driver=luks,key-secret=s,file.filename=$2"
}

@test "every cipher and mode, both ways" {
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	local opts n=0
	for opts in cipher-alg=aes-128,cipher-mode=ecb cipher-alg=aes-256,cipher-mode=cbc \
		cipher-alg=aes-192 cipher-alg=aes-256,cipher-mode=ctr,ivgen-alg=plain \
		cipher-alg=serpent-256,cipher-mode=cbc,ivgen-alg=essiv cipher-alg=serpent-192 \
		cipher-alg=twofish-128,cipher-mode=xts cipher-alg=twofish-256,cipher-mode=ctr \
		cipher-alg=cast5-128,cipher-mode=cbc,hash-alg=sha224 \
		cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=md5,hash-alg=sha512; do
		rm -f v q
		# shellcheck disable=SC2086
		"$VIMG" create -q $S -f luks -o key-secret=s,iter-time=1,$opts v 4M
		put qemu-img v
		# shellcheck disable=SC2086
		"$VIMG" create -q $S -f luks -o key-secret=s,iter-time=1,$opts q 4M
		put "$VIMG" q
		for f in v q; do
			# shellcheck disable=SC2086
			qemu-img compare $S --image-opts driver=luks,key-secret=s,file.filename=$f \
				driver=raw,file.filename=b.raw
			# shellcheck disable=SC2086
			"$VIMG" compare $S --image-opts driver=luks,key-secret=s,file.filename=$f \
				driver=raw,file.filename=b.raw
		done
		n=$((n + 1))
	done
	[ "$n" = 10 ]
}

@test "cryptsetup knows our volumes and we know its" {
	requires cryptsetup
	local opts
	printf first >first
	printf second >second
	for opts in cipher-alg=aes-256 cipher-alg=aes-192,cipher-mode=cbc \
		cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=essiv,hash-alg=sha512; do
		# shellcheck disable=SC2086
		"$VIMG" create --force -q $S -f luks -o key-secret=s,iter-time=1,$opts v 4M
		cryptsetup luksDump v | grep -q 'Version:.*1'
		cryptsetup open --test-passphrase --key-file first v
		! cryptsetup open --test-passphrase --key-file second v
		cryptsetup luksAddKey -q --pbkdf-force-iterations 1000 --key-file first v second
		# shellcheck disable=SC2086
		"$VIMG" checksum $S --image-opts driver=luks,key-secret=n,file.filename=v
		# shellcheck disable=SC2086
		"$VIMG" amend $S -o state=inactive,old-secret=s --image-opts \
			driver=luks,key-secret=n,file.filename=v
		! cryptsetup open --test-passphrase --key-file first v
		cryptsetup open --test-passphrase --key-file second v
	done
	truncate -s 8M c
	cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 --key-file first c
	# shellcheck disable=SC2086
	"$VIMG" amend $S -o state=active,new-secret=n,iter-time=1,keyslot=5 --image-opts \
		driver=luks,key-secret=s,file.filename=c
	cryptsetup open --test-passphrase --key-slot 5 --key-file second c
	# shellcheck disable=SC2086
	qemu-io $S -c 'write -P 7 1M 1M' --image-opts driver=luks,key-secret=s,file.filename=c
	# shellcheck disable=SC2086
	"$VIMG" convert $S --image-opts driver=luks,key-secret=n,file.filename=c c.raw
	qemu-io -f raw -c 'read -P 7 1M 1M' c.raw
	truncate -s 20M c2
	cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file first c2
	run "$VIMG" info --image-opts driver=luks,file.filename=c2
	[ "$status" -eq 1 ]
	[[ "$output" == *"version 2 is not supported"* ]]
}

@test "convert into a volume, and --verify" {
	cp "$BATS_FILE_TMPDIR/set/b.raw" .
	# shellcheck disable=SC2086
	"$VIMG" convert $S --verify -O luks -o key-secret=s,iter-time=1 b.raw v
	# shellcheck disable=SC2086
	[ "$("$VIMG" checksum b.raw | cut -d' ' -f1)" = "$("$VIMG" checksum $S --image-opts \
		driver=luks,key-secret=s,file.filename=v | cut -d' ' -f1)" ]
	# shellcheck disable=SC2086
	run "$VIMG" create $S -f luks -o key-secret=s v 1M
	[ "$status" -eq 1 ]
	[[ "$output" == *"holds an encrypted volume"* ]]
}
