#!/usr/bin/env bats
# Images that an NBD server has: qemu-nbd's, nbdkit's and our own.  Local sockets and loopback only.
# test-timeout: 300
# shellcheck shell=bash
load ../lib/common

setup() {
	requires qemu-img qemu-io qemu-nbd jq
	case ${VARIANT:-release} in
	static) skip "a static program loads no libraries" ;;
	esac
	common_setup
	"$TOP/tests/images/pattern.sh" a.raw 8 >/dev/null
	qemu-img convert -O qcow2 a.raw a.q
	pids=
	U="nbd+unix:///?socket=s.sock"
}

teardown() {
	stop
	common_teardown
}

stop() {
	local p
	for p in $pids; do
		kill "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
		# qemu-nbd and nbdkit are no children of ours
		while kill -0 "$p" 2>/dev/null; do sleep 0.02; done
	done
	pids=
}

# servers: those that "serve_by" knows and that are here.
servers() {
	echo qemu-nbd vimg
	if command -v nbdkit >/dev/null; then echo nbdkit; fi
}

# serve_by SERVER FILE [ARGUMENT...]: a raw FILE, writable, at s.sock.
serve_by() {
	local server=$1 file=$2
	shift 2
	rm -f s.sock pid
	case $server in
	qemu-nbd) qemu-nbd -t -e 8 --fork --pid-file "$PWD/pid" -k "$PWD/s.sock" -f raw "$@" "$file" ;;
	nbdkit) nbdkit -P "$PWD/pid" -U "$PWD/s.sock" "$@" file "$PWD/$file" ;;
	vimg) "$VIMG" serve -q -w --fork --pid-file pid -k s.sock -f raw "$@" "$file" 3>&- ;;
	esac
	for ((i = 0; i < 100; i++)); do
		[ -s pid ] && break
		sleep 0.05
	done
	pids="$pids $(cat pid)"
}

@test "read, written and compared, with each server" {
	for s in $(servers); do
		echo "# $s"
		serve_by "$s" a.raw
		"$VIMG" compare -f raw -F raw "$U" a.raw
		"$VIMG" convert -f raw -O qcow2 "$U" b.q
		qemu-img compare -f qcow2 -F raw b.q a.raw
		[ "$("$VIMG" checksum -f raw "$U" | cut -d' ' -f1)" = "$("$VIMG" checksum -f raw a.raw | cut -d' ' -f1)" ]
		stop
		truncate -s 8M n.raw
		serve_by "$s" n.raw
		"$VIMG" convert -n -f raw -O raw a.raw "$U"
		"$VIMG" compare -s -f raw -F raw "$U" a.raw || [ "$?" = 1 ]
		stop
		cmp n.raw a.raw
		# an image of a format within an export
		truncate -s 20M q.raw
		serve_by "$s" q.raw
		"$VIMG" convert -f raw -O qcow2 a.raw "$U"
		"$VIMG" check "$U"
		"$VIMG" compare -F raw "$U" a.raw
		stop
		qemu-img check -q -f qcow2 q.raw
		qemu-img compare -f qcow2 -F raw q.raw a.raw
	done
}

@test "zeroes, discards, odd requests, flushes" {
	for s in $(servers); do
		head -c 4M /dev/urandom >r.raw
		serve_by "$s" r.raw
		"$VIMG" dd -f raw -O raw if="$U" of=piece bs=1000 skip=7 count=10
		cmp -n 3000 piece <(dd if=r.raw bs=1000 skip=7 count=3 status=none)
		"$VIMG" bench -q -w -f raw -c 100 -d 16 -s 5000 -S 20000 -o 3 --pattern=7 --flush-interval=30 --no-drain "$U"
		# a sparse source into it: holes become zeroes
		truncate -s 4M z.raw
		qemu-io -f raw -c 'write -P 3 1M 64k' z.raw >/dev/null
		"$VIMG" convert -n -f raw -O raw z.raw "$U"
		stop
		cmp r.raw z.raw
	done
}

@test "info and map are those of qemu-img" {
	serve_by vimg a.raw
	"$VIMG" info "$U" >ours
	qemu-img info "$U" >theirs
	same theirs ours
	"$VIMG" map --output=json -f raw "$U" >ours
	qemu-img map --output=json -f raw "$U" >theirs
	same theirs ours
	"$VIMG" map -f raw "$U" >ours
	qemu-img map -f raw "$U" >theirs
	same theirs ours
	stop
}

@test "ways to name it" {
	serve_by vimg a.raw -x exp
	for name in "nbd+unix:///exp?socket=s.sock" "nbd:unix:s.sock:exportname=exp" "nbd:unix:$PWD/s.sock:exportname=exp" \
		'json:{"driver":"raw","file":{"driver":"nbd","server":{"type":"unix","path":"s.sock"},"export":"exp"}}'; do
		"$VIMG" compare -f raw -F raw "$name" a.raw || "$VIMG" compare -F raw "$name" a.raw
	done
	"$VIMG" convert --image-opts driver=nbd,server.type=unix,server.path=s.sock,export=exp -O raw b.raw
	cmp a.raw b.raw
	"$VIMG" convert --image-opts driver=raw,file.driver=nbd,file.path=s.sock,file.export=exp -O raw b.raw
	run "$VIMG" info "nbd+unix:///other?socket=s.sock"
	[ "$status" = 1 ]
	run "$VIMG" info --image-opts driver=nbd,server.type=unix,server.path=s.sock,export=exp,colour=red
	[[ $output == *"doesn't support the option 'colour'"* ]]
	run "$VIMG" info "nbd+unix:///exp"
	[[ $output == *"names no socket"* ]]
	run "$VIMG" info "nbd+unix:///exp?socket=nosuch"
	[ "$status" = 1 ]
	[[ $output == *"No such file"* ]]
	stop
	uri=$("$VIMG" serve --fork --pid-file pid -p 0 -f raw a.raw 3>&-)
	pids=$(cat pid)
	port=${uri#nbd://127.0.0.1:}
	port=${port%/}
	for name in "$uri" "nbd:127.0.0.1:$port" "nbd:127.0.0.1:$port:exportname=" "nbd+tcp://127.0.0.1:$port"; do
		"$VIMG" compare -f raw -F raw "$name" a.raw
	done
	"$VIMG" convert --image-opts "driver=nbd,host=127.0.0.1,port=$port" -O raw b.raw
	"$VIMG" convert --image-opts "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=$port" -O raw b.raw
	stop
}

@test "a backing file that a server has" {
	serve_by vimg a.raw
	"$VIMG" create -q -f qcow2 -b "$U" -F raw top.q
	qemu-img compare top.q a.raw
	"$VIMG" compare -F raw top.q a.raw
	qemu-io -c 'write -P 9 2M 64k' top.q >/dev/null
	"$VIMG" convert -O raw top.q top.raw
	qemu-img compare -F raw top.q top.raw
	"$VIMG" commit -q top.q
	stop
	cmp top.raw a.raw
}

@test "an export that only reads, or is too small" {
	serve_by qemu-nbd a.raw -r
	run "$VIMG" convert -n -f raw -O raw a.raw "$U"
	[ "$status" = 1 ]
	[[ $output == *"read-only"* ]]
	"$VIMG" compare -f raw -F raw "$U" a.raw
	stop
	truncate -s 1M small.raw
	serve_by vimg small.raw
	run "$VIMG" convert -f raw -O raw a.raw "$U"
	[ "$status" = 1 ]
	[[ $output == *"8388608"*"1048576"* ]]
	stop
}

@test "a server that fails: the error comes through" {
	command -v nbdkit >/dev/null || skip "needs nbdkit"
	nbdkit --exit-with-parent -P "$PWD/pid" -U "$PWD/s.sock" --filter=error file "$PWD/a.raw" \
		error-pread=ENOSPC error-pread-rate=100% 3>&- &
	while [ ! -s pid ]; do sleep 0.05; done
	pids=$(cat pid)
	run "$VIMG" convert -f raw -O raw "$U" b.raw
	[ "$status" = 1 ]
	[[ $output == *"No space left"* ]]
	[ ! -e b.raw ]
	stop
}

@test "slow answers and many connections: nothing is mixed up" {
	command -v nbdkit >/dev/null || skip "needs nbdkit"
	head -c 16M /dev/urandom >r.raw
	serve_by nbdkit r.raw --filter=delay
	"$VIMG" convert -f raw -O raw -m 16 "$U" b.raw
	cmp r.raw b.raw
	stop
	rm -f s.sock pid
	nbdkit -P "$PWD/pid" -U "$PWD/s.sock" --filter=delay --filter=noextents file "$PWD/r.raw" delay-read=3ms
	while [ ! -s pid ]; do sleep 0.05; done
	pids=$(cat pid)
	"$VIMG" convert -f raw -O qcow2 -W -m 16 "$U" b.q
	"$VIMG" compare -F raw b.q r.raw
	stop
}

@test "a server that goes and comes back" {
	head -c 8M /dev/urandom >r.raw
	# it is not there yet
	(sleep 0.5 && exec "$VIMG" serve -q -k s.sock -f raw r.raw 3>&-) &
	pids=$!
	"$VIMG" convert --image-opts driver=nbd,path=s.sock,open-timeout=20 -O raw b.raw
	cmp r.raw b.raw
	stop
	run "$VIMG" info "$U"
	[ "$status" = 1 ]
	# it goes in the middle
	truncate -s 8M w.raw
	serve_by vimg w.raw
	"$VIMG" convert -n -r 4M -f raw --target-image-opts r.raw "driver=nbd,path=s.sock,reconnect-delay=20" &
	copier=$!
	for ((i = 0; i < 500 && $(stat -c %b w.raw) < 100; i++)); do sleep 0.02; done
	stop
	serve_by vimg w.raw
	wait "$copier"
	stop
	cmp r.raw w.raw
	# and without patience that is the end of it
	truncate -s 0 w.raw
	truncate -s 8M w.raw
	serve_by vimg w.raw
	"$VIMG" convert -n -r 4M -f raw -O raw r.raw "$U" 2>err &
	copier=$!
	for ((i = 0; i < 500 && $(stat -c %b w.raw) < 100; i++)); do sleep 0.02; done
	stop
	if wait "$copier"; then return 1; fi
	grep -q 'lost' err
}

@test "TLS as QEMU's objects describe it" {
	requires certtool psktool
	mkdir pki psk
	pushd pki || return 1
	for k in ca server client; do
		certtool --generate-privkey --key-type ecdsa --outfile $k-key.pem 2>/dev/null
	done
	printf 'cn = test\nca\ncert_signing_key\n' >ca
	printf 'cn = localhost\ndns_name = localhost\nip_address = 127.0.0.1\ntls_www_server\nsigning_key\n' >server
	printf 'cn = client\ntls_www_client\nsigning_key\n' >client
	certtool --generate-self-signed --load-privkey ca-key.pem --template ca --outfile ca-cert.pem 2>/dev/null
	for who in server client; do
		certtool --generate-certificate --load-privkey $who-key.pem --load-ca-certificate ca-cert.pem \
			--load-ca-privkey ca-key.pem --template $who --outfile $who-cert.pem 2>/dev/null
	done
	popd || return 1
	uri=$("$VIMG" serve --fork --pid-file pid -p 0 -f raw --tls-certificates pki --tls-verify-peer a.raw 3>&-)
	pids=$(cat pid)
	port=${uri##*:}
	port=${port%/}
	"$VIMG" convert --object tls-creds-x509,id=t,dir=pki,endpoint=client \
		--image-opts "driver=nbd,host=127.0.0.1,port=$port,tls-creds=t" -O raw b.raw
	cmp a.raw b.raw
	"$VIMG" convert -f raw -O raw "nbds://127.0.0.1:$port/?tls-certificates=pki" c.raw
	cmp a.raw c.raw
	run "$VIMG" info "$uri"
	[ "$status" = 1 ]
	run "$VIMG" info --image-opts "driver=nbd,host=127.0.0.1,port=$port,tls-creds=nosuch"
	[[ $output == *"No TLS credentials with id 'nosuch'"* ]]
	stop
	psktool -u qemu -p psk/keys.psk >/dev/null
	chmod 600 psk/keys.psk
	"$VIMG" serve -q --fork --pid-file pid -k s.sock -f raw --tls-psk psk/keys.psk a.raw 3>&-
	pids=$(cat pid)
	"$VIMG" convert --object tls-creds-psk,id=t,dir=psk,endpoint=client \
		--image-opts driver=nbd,path=s.sock,tls-creds=t -O raw d.raw
	cmp a.raw d.raw
	stop
}
