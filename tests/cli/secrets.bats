#!/usr/bin/env bats
# --object secret: which definitions are taken, and what is said of the others.
load ../lib/common
load ../lib/equality

setup_file() {
	requires qemu-img
	equality_version
	mkdir "$BATS_FILE_TMPDIR/set" "$BATS_FILE_TMPDIR/bin"
	ln -s "$VIMG" "$BATS_FILE_TMPDIR/bin/qemu-img"
	cd "$BATS_FILE_TMPDIR/set" || return 1
	qemu-img create -q a.raw 1M
	printf secret >key
	printf '\377' >latin1
}

@test "definitions: taken and refused as by qemu-img" {
	equal <<-'END'
		= qemu-img compare --object secret,id=s,data=x a.raw a.raw
		= qemu-img compare --object secret,id=s,file=key a.raw a.raw
		= qemu-img compare --object secret,id=s,data=eA==,format=base64 a.raw a.raw
		= qemu-img compare --object secret,id=s,data= a.raw a.raw
		= qemu-img compare --object '{"qom-type":"secret","id":"s","data":"x"}' a.raw a.raw
		= qemu-img compare --object secret,id=a,data=x --object secret,id=b,data=x a.raw a.raw
		= qemu-img compare --object secret,id=a,data=x --object secret,id=a,data=x a.raw a.raw
		= qemu-img compare --object secret a.raw a.raw
		= qemu-img compare --object id=s a.raw a.raw
		= qemu-img compare --object foo,id=s a.raw a.raw
		= qemu-img compare --object secret,data=x a.raw a.raw
		= qemu-img compare --object secret,id=s a.raw a.raw
		= qemu-img compare --object secret,id=1s,data=x a.raw a.raw
		= qemu-img compare --object secret,id=s,data=x,file=key a.raw a.raw
		= qemu-img compare --object secret,id=s,data=x,format=hex a.raw a.raw
		= qemu-img compare --object secret,id=s,data=x,more=1 a.raw a.raw
		= qemu-img compare --object secret,id=s,data=@@,format=base64 a.raw a.raw
		# glib puts curly quotes round the name
		~ qemu-img compare --object secret,id=s,file=nowhere a.raw a.raw
		= qemu-img compare --object secret,id=s,data=x,keyid=k a.raw a.raw
		# qemu-img lists what it has more
		= qemu-img create --object help | head -n 1
		= qemu-img create --object secret,help
	END
}

@test "a secret encrypted by another one" {
	local k=secret,id=k,data=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=,format=base64
	local iv=MTIzNDU2Nzg5MDEyMzQ1Ng==
	# openssl enc -aes-256-cbc of "letmein" with that key and vector
	local good=1R8XaCtSuoWgDv9jT4ap7g==
	sed "s/@k/$k/; s/@iv/$iv/; s/@good/$good/" <<-'END' >rows
		= qemu-img compare --object @k --object secret,id=s,data=@good,format=base64,keyid=k,iv=@iv a.raw a.raw
		= qemu-img compare --object @k --object secret,id=s,data=@good,format=base64,keyid=k a.raw a.raw
		= qemu-img compare --object @k --object secret,id=s,data=@good,format=base64,keyid=k,iv=YWFhYQ== a.raw a.raw
		= qemu-img compare --object @k --object secret,id=s,data=YQ==,format=base64,keyid=k,iv=@iv a.raw a.raw
		= qemu-img compare --object @k --object secret,id=s,data=abc,keyid=k,iv=@iv a.raw a.raw
		= qemu-img compare --object secret,id=k,data=short --object secret,id=s,data=@good,format=base64,keyid=k,iv=@iv a.raw a.raw
	END
	equal <rows
}

@test "the bytes of a secret stand in no message" {
	printf hunter2 >hidden
	for def in id=s,data=hunter2,more=1 id=1,data=hunter2 id=s,data=hunter2,format=base64,keyid=q \
		id=s,file=hidden,keyid=q; do
		run "$VIMG" info --object secret,$def x
		[ "$status" -eq 1 ]
		[[ "$output" != *hunter* ]]
	done
}

@test "objects of other kinds are refused by name" {
	for kind in authz-simple iothread throttle-group secret_keyring; do
		run "$VIMG" info --object $kind,id=s x
		[ "$status" -eq 1 ]
		[[ "$output" == *"'$kind' is not supported"* ]]
	done
}

@test "a secret larger than 64 KiB is refused" {
	head -c 65537 /dev/zero >big
	run "$VIMG" info --object secret,id=s,file=big x
	[ "$status" -eq 1 ]
	[[ "$output" == *"at most 65536 bytes"* ]]
}
