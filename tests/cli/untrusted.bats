#!/usr/bin/env bats
# --untrusted: hostile images get at nothing, and the process is confined indeed.
# test-timeout: 200
# shellcheck disable=SC2002 # a pipe is what is wanted
load ../lib/common

setup() {
	requires qemu-img qemu-io
	common_setup
	# The leak checker reads /proc, which the sandbox does not let it.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	mkdir in out secret
	echo "top secret $RANDOM" >secret/file
	head -c 65536 /dev/urandom >>secret/file
}

landlock() {
	# what info says about itself where there is none
	qemu-img create -q -f raw out/x 1M
	! "$VIMG" --untrusted info -f raw out/x 2>&1 | grep -q Landlock
}

# refused PATTERN IMAGE: by whatever command, whose output has nothing of the secret
refused() {
	local want=$1 img=$2
	for c in "convert -O raw $img out/copy" "checksum $img" "map $img" "compare $img $img" \
		"dd if=$img of=out/copy" "convert -O qcow2 $img -" "measure -O raw $img"; do
		rm -f out/copy
		# shellcheck disable=SC2086
		run "$VIMG" --untrusted $c
		[ "$status" != 0 ] || { echo "$c: worked"; return 1; }
		[[ $output == *$want* ]] || { echo "$c: $output"; return 1; }
		[[ $output != *"top secret"* ]]
		[ ! -e out/copy ]
	done
}

@test "backing files, by absolute and relative names, by json: and protocols" {
	for name in "$PWD/secret/file" ../secret/file /etc/passwd \
		'json:{"driver":"raw","file":{"driver":"file","filename":"/etc/passwd"}}' \
		"file:$PWD/secret/file" nbd://localhost/x https://localhost/x; do
		qemu-img create -q -f qcow2 -u -b "$name" -F raw in/a.q 64k
		refused 'names a backing file' in/a.q
		# and info opens nothing: it says what is there
		"$VIMG" info in/a.q >/dev/null
		"$VIMG" --untrusted info in/a.q | grep -q 'backing file'
		run "$VIMG" --untrusted info --backing-chain in/a.q
		[ "$status" = 1 ]
	done
}

@test "data files" {
	requires python3
	qemu-img create -q -f qcow2 -o data_file=dddddddd.raw in/a.q 64k
	python3 - in/a.q <<-'PY'
		import sys
		d = bytearray(open(sys.argv[1], "rb").read())
		i = d.index(b"dddddddd.raw")
		d[i - 4:i + 12] = (11).to_bytes(4, "big") + b"/etc/passwd\0"
		open(sys.argv[1], "wb").write(d)
	PY
	"$VIMG" --untrusted info in/a.q | grep -q 'data file: /etc/passwd'
	refused 'file with its data' in/a.q
}

@test "extents of vmdk" {
	"$VIMG" --help | grep -q '^Supported formats:.* vmdk' || skip "no vmdk here"
	descriptor /etc/passwd >in/a.vmdk
	refused /etc/passwd in/a.vmdk
	head -c 4096 /dev/urandom >in/flat
	descriptor flat >in/a.vmdk
	refused 'file with its data' in/a.vmdk
	"$VIMG" --untrusted --allow in checksum in/a.vmdk
}

# descriptor EXTENT: of a vmdk image
descriptor() {
	cat <<-END
		# Disk DescriptorFile
		version=1
		CID=fffffffe
		parentCID=ffffffff
		createType="monolithicFlat"

		RW 8 FLAT "$1" 0

		ddb.virtualHWVersion = "4"
		ddb.geometry.cylinders = "1"
		ddb.geometry.heads = "16"
		ddb.geometry.sectors = "63"
		ddb.adapterType = "ide"
	END
}

@test "a raw disk in which a guest wrote the header of another image" {
	qemu-img create -q -f qcow2 -u -b "$PWD/secret/file" -F raw in/a.raw 64k
	refused 'names a backing file' in/a.raw
	"$VIMG" --untrusted convert -f raw in/a.raw out/copy
	cmp -n "$(stat -c %s in/a.raw)" in/a.raw out/copy
}

@test "without names all commands work, and make what they shall" {
	"$TOP/tests/images/pattern.sh" in/a.raw 4 >/dev/null
	truncate -s 4M in/a.raw
	"$VIMG" --untrusted convert -f raw -O qcow2 in/a.raw out/a.q
	qemu-img compare -q -f raw -F qcow2 in/a.raw out/a.q
	echo old >out/b.q
	"$VIMG" --untrusted convert --force -c -O qcow2 out/a.q out/b.q
	qemu-img compare -q out/a.q out/b.q
	"$VIMG" --untrusted convert -O raw out/b.q - | cmp in/a.raw -
	cat out/b.q | "$VIMG" --untrusted convert -O raw - out/c.raw
	cmp in/a.raw out/c.raw
	"$VIMG" --untrusted dd if=out/b.q of=out/d.raw bs=1M
	cmp in/a.raw out/d.raw
	"$VIMG" --untrusted check -q out/b.q
	"$VIMG" --untrusted compact -q out/a.q
	"$VIMG" --untrusted snapshot -c s out/a.q
	"$VIMG" --untrusted snapshot -l out/a.q | grep -q ' s '
	"$VIMG" --untrusted resize -q out/a.q +1M
	"$VIMG" --untrusted create -q -f qcow2 -b a.q -F qcow2 out/new.q
	"$VIMG" --untrusted checksum out/a.q >/dev/null
	"$VIMG" --untrusted map out/a.q >/dev/null
	"$VIMG" --untrusted measure -O qcow2 out/a.q >/dev/null
	"$VIMG" --untrusted compare -q in/a.raw out/c.raw
	for c in 'commit out/new.q' 'rebase -b x out/new.q'; do
		# shellcheck disable=SC2086
		run "$VIMG" --untrusted $c
		[ "$status" = 1 ] && [[ $output == *"cannot be used with --untrusted"* ]]
	done
	run "$VIMG" --untrusted info https://localhost/x
	[ "$status" = 1 ] && [[ $output == *"no network"* ]]
}

@test "--allow opens what lies below a folder, and nothing else" {
	landlock || skip "no Landlock here"
	head -c 65536 /dev/urandom >in/base
	mkdir over
	qemu-img create -q -f qcow2 -b ../in/base -F raw over/a.q
	refused 'names a backing file' over/a.q
	"$VIMG" --untrusted --allow in convert -O raw over/a.q out/copy
	cmp in/base out/copy
	qemu-img create -q -f qcow2 -u -b ../secret/file -F raw over/b.q 64k
	run "$VIMG" --untrusted --allow in convert -O raw over/b.q out/copy
	[ "$status" = 1 ] && [[ $output == *"Permission denied"* ]]
	# a link out of it
	ln -s "$PWD/secret/file" in/link
	qemu-img create -q -f qcow2 -u -b ../in/link -F raw over/b.q 64k
	run "$VIMG" --untrusted --allow in convert -O raw over/b.q out/copy
	[ "$status" = 1 ] && [[ $output == *"Permission denied"* ]]
	qemu-img create -q -f qcow2 -u -b 'json:{"driver":"file","filename":"in/base"}' -F raw over/b.q 64k
	run "$VIMG" --untrusted --allow in convert -O raw over/b.q out/copy
	[ "$status" = 1 ] && [[ $output == *"not a plain file name"* ]]
	run "$VIMG" --allow in info in/base
	[ "$status" != 0 ]
}

@test "the sandbox is on: what the command line does not name cannot be opened" {
	landlock || skip "no Landlock here"
	# asked for by its user, and yet not among the words
	run "$VIMG" --untrusted checksum "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/secret/file\"}}"
	[ "$status" = 1 ] && [[ $output == *"Permission denied"* ]]
	"$VIMG" checksum "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/secret/file\"}}"
	# and the kernel says so itself
	truncate -s 64M in/a.raw
	dd if=/dev/urandom of=in/a.raw bs=1M count=8 conv=notrunc status=none
	"$VIMG" --untrusted convert -r 4M -f raw -O qcow2 in/a.raw out/a.q &
	local pid=$! n
	for ((n = 0; n < 100; n++)); do
		! grep -q '^Seccomp:[[:space:]]*2' /proc/$pid/status || break
		sleep 0.02
	done
	grep -q '^NoNewPrivs:[[:space:]]*1' /proc/$pid/status
	grep -q '^Seccomp:[[:space:]]*2' /proc/$pid/status
	grep -q '^Max core file size *0 ' /proc/$pid/limits
	case ${VARIANT:-release} in
	asan | tsan) ;;
	*) grep -q '^Max address space *4294967296 ' /proc/$pid/limits ;;
	esac
	kill $pid
	wait $pid || :
}

@test "info on a running guest's disk says whose it is; qemu-img's own answer stays" {
	qemu-img create -q -f qcow2 a.q 4M
	qemu-io -f qcow2 -c 'sleep 20000' a.q >/dev/null &
	local pid=$! n
	for ((n = 0; n < 100; n++)); do
		! qemu-img info a.q >/dev/null 2>&1 || { sleep 0.05; continue; }
		break
	done
	"$VIMG" info a.q >out1 2>err
	grep -q 'virtual size: 4 MiB' out1
	grep -q "in use.*process $pid (qemu-io)" err
	"$VIMG" info --output=json a.q 2>/dev/null | jq -e '."virtual-size" == 4194304' >/dev/null
	ln -s "$VIMG" qemu-img
	run ./qemu-img info a.q
	kill $pid
	wait $pid || :
	[ "$status" = 1 ]
}
