#!/usr/bin/env bats
# vimg serve, judged by the clients that people use: nbdinfo, nbdcopy, qemu-img, fio.  Local sockets
# and the loopback address only.
# test-timeout: 300
# shellcheck shell=bash
load ../lib/common

setup() {
	requires nbdinfo nbdcopy qemu-img qemu-io jq
	common_setup
	"$TOP/tests/images/pattern.sh" a.raw 8 >/dev/null
	qemu-img convert -O qcow2 a.raw a.q
	pids=
}

teardown() {
	for p in $pids; do
		kill "$p" 2>/dev/null && wait "$p"
	done
	common_teardown
}

# serve ARGUMENT...: starts a server at s.sock, its URI in $uri when clients can come.
serve() {
	rm -f ready
	mkfifo ready
	"$VIMG" serve -k s.sock "$@" >ready 2>log 3>&- &
	pid=$!
	pids="$pids $pid"
	read -r uri <ready || { cat log; return 1; }
}

# stop [SIGNAL]: ends it; its exit status.
stop() {
	kill "-${1:-TERM}" "$pid"
	pids=
	wait "$pid"
}

# ended: waits until it ends by itself; its exit status.
ended() {
	pids=
	wait "$pid"
}

@test "what is served, and the flags of it" {
	serve -x 'my disk' -D 'a description' a.q
	[ "$uri" = "nbd+unix:///my%20disk?socket=$(realpath s.sock)" ]
	[ "$(stat -c %a s.sock)" = 600 ]
	nbdinfo --json "$uri" >info
	[ "$(jq -r '.protocol, .structured, .TLS' info | xargs)" = "newstyle-fixed true false" ]
	[ "$(jq -r '.exports[0] | ."export-name", .description, ."export-size"' info | xargs)" = "my disk a description 8388608" ]
	[ "$(jq -r '.exports[0] | .is_read_only, .can_multi_conn, .can_df, .can_cache, .can_flush' info | xargs)" = "true true true true true" ]
	[ "$(jq -r '.exports[0] | .can_trim, .can_zero, .can_fua' info | xargs)" = "false false false" ]
	[ "$(jq -c '.exports[0].contexts' info)" = '["base:allocation"]' ]
	nbdinfo --list "nbd+unix:///?socket=s.sock" | grep -q 'export="my disk"'
	run nbdinfo "nbd+unix:///other?socket=s.sock"
	[ "$status" -ne 0 ]
	stop TERM
	[ ! -e s.sock ]
	serve -w -A a.q
	nbdinfo --json "$uri" >info
	[ "$(jq -r '.exports[0] | .is_read_only, .can_trim, .can_zero, .can_fua, .can_fast_zero' info | xargs)" = "false true true true true" ]
	[ "$(jq -c '.exports[0].contexts' info)" = '["base:allocation","qemu:allocation-depth"]' ]
	stop HUP
}

@test "the same bytes and the same map as by qemu-nbd" {
	requires qemu-nbd
	qemu-img create -q -f qcow2 -b a.q -F qcow2 top.q
	qemu-io -c 'write -P 7 1M 200k' -c 'write -z 3M 64k' -c 'write -P 8 7M 1M' top.q >/dev/null
	qemu-img convert -O raw top.q top.raw
	for image in top.q a.raw; do
		serve -A -f "$(case $image in *.q) echo qcow2 ;; *) echo raw ;; esac)" "$image"
		nbdcopy "$uri" out.raw
		cmp out.raw "${image%.q}$([ "$image" = top.q ] && echo .raw)"
		nbdinfo --map --json "$uri" >map.ours
		nbdinfo --map=qemu:allocation-depth --json "$uri" >depth.ours
		qemu-img map --output=json -f raw "$uri" >qmap.ours
		stop
		qemu-nbd -r -A -t -k "$PWD/q.sock" -f "$([ "$image" = top.q ] && echo qcow2 || echo raw)" --fork --pid-file q.pid "$image"
		nbdinfo --map --json "nbd+unix:///?socket=q.sock" >map.theirs
		nbdinfo --map=qemu:allocation-depth --json "nbd+unix:///?socket=q.sock" >depth.theirs
		qemu-img map --output=json -f raw "nbd+unix:///?socket=q.sock" >qmap.theirs
		kill "$(cat q.pid)"
		same map.theirs map.ours
		same depth.theirs depth.ours
		same qmap.theirs qmap.ours
	done
}

@test "qemu-img reads and writes through it" {
	serve -f qcow2 a.q
	qemu-img compare -f raw -F raw "$uri" a.raw
	qemu-img convert -f raw -O qcow2 "$uri" b.q
	qemu-img compare b.q a.raw
	stop
	"$VIMG" create -q -f qcow2 new.q 8M
	serve -w new.q
	qemu-img convert -n -f raw -O raw a.raw "$uri"
	stop
	qemu-img compare -f qcow2 -F raw new.q a.raw
	sound new.q
	qemu-img check -q new.q
}

@test "write, zero, trim, flush and errors, one by one" {
	"$VIMG" create -q -f qcow2 new.q 1M
	serve -w new.q
	qemu-io -f raw -c 'write -P 1 0 256k' -c 'write -f -P 2 100 300' -c 'write -z 128k 64k' -c 'write -zu 192k 64k' \
		-c 'discard 0 64k' -c flush -c 'read -P 0 128k 128k' -c 'read -P 1 64k 64k' "$uri" >out
	if grep -qi 'fail\|error' out; then return 1; fi
	run qemu-io -f raw -c 'write -P 1 1M 512' "$uri"
	[[ $output == *"Invalid argument"* || $output == *"Input/output"* ]]
	run nbdinfo --is read-only "$uri"
	[ "$status" = 2 ]
	stop
	qemu-img check -q new.q
	qemu-img map --output=json new.q | jq -e '.[] | select(.start == 65536 and .data)'
	serve new.q
	run qemu-io -f raw -c 'write 0 4k' "$uri"
	[ "$status" -ne 0 ]
	stop
}

@test "many connections, long and odd requests, an old client" {
	serve -w -f raw a.raw
	nbdcopy --connections=8 --requests=32 --request-size=1048576 "$uri" b.raw
	cmp a.raw b.raw
	nbdcopy --connections=4 --request-size=4096 "$uri" b.raw
	cmp a.raw b.raw
	nbdcopy --synchronous --request-size=33554432 "$uri" b.raw
	cmp a.raw b.raw
	qemu-io -f raw -c 'write -P 9 3 5000001' -c 'read -P 9 3 5000001' "$uri" | grep -q '^read 5000001'
	cp a.raw want.raw
	stop
	qemu-io -f raw -c 'read -P 9 3 5000001' a.raw | grep -q '^read 5000001'
	# more clients than are let in at a time: the others wait
	serve -e 2 -f raw a.raw
	for i in 1 2 3 4 5; do
		nbdcopy --connections=1 "$uri" "c$i" &
		copies="$copies $!"
	done
	for p in $copies; do wait "$p"; done
	for i in 1 2 3 4 5; do cmp a.raw "c$i"; done
	stop
}

@test "fio, by several threads" {
	requires fio
	fio --enghelp 2>/dev/null | grep -qw nbd || skip "fio has no nbd engine"
	truncate -s 16M f.raw
	serve -w -f raw f.raw
	fio --name=t --ioengine=nbd --uri="$uri" --rw=randwrite --bs=4k-128k --iodepth=16 --numjobs=1 --size=16M \
		--verify=crc32c --randseed=7 --output=fio.out
	if grep -q 'verify.*fail' fio.out; then return 1; fi
	stop
}

@test "a snapshot; an image that is in use" {
	qemu-img snapshot -c one a.q
	qemu-io -c 'write -P 7 0 1M' a.q >/dev/null
	serve -l one a.q
	qemu-img compare -f raw -F raw "$uri" a.raw
	stop
	run "$VIMG" serve -w -l one a.q
	[ "$status" = 1 ]
	serve -w a.q
	run "$VIMG" serve -w -k other.sock a.q
	[ "$status" = 1 ]
	[[ $output == *"lock"* ]]
	run "$VIMG" serve -k s.sock a.raw
	[ "$status" = 1 ]
	[[ $output == *"s.sock"*"in use"* ]]
	stop
}

@test "background, process file, port, leaving when idle" {
	"$VIMG" serve --fork --pid-file p --exit-idle -p 0 -f raw a.raw >uri
	pids=$(cat p)
	[[ $(cat uri) == nbd://127.0.0.1:*/ ]]
	nbdcopy "$(cat uri)" b.raw
	cmp a.raw b.raw
	# it is no child of ours
	for ((i = 0; i < 100; i++)); do
		[ -e p ] || break
		sleep 0.1
	done
	[ ! -e p ]
	pids=
	serve --exit-idle -f raw a.raw
	nbdinfo --size "$uri"
	ended
	serve --exit-idle=1 -f raw a.raw
	ended
	run "$VIMG" serve -p 0 -b 0.0.0.0 a.raw
	[ "$status" = 1 ]
	[[ $output == *"--allow-remote"* ]]
	run nbdcopy -- [ "$VIMG" serve -f raw a.raw ] c.raw
	[ "$status" = 0 ]
	cmp a.raw c.raw
}

@test "killed: what was flushed is there, and the next server takes its place" {
	"$VIMG" create -q -f qcow2 new.q 4M
	serve -w new.q
	qemu-io -f raw -c 'write -P 5 0 1M' -c flush "$uri" >/dev/null
	kill -KILL "$pid"
	wait "$pid" || :
	pids=
	[ -S s.sock ]
	sound new.q
	serve -w new.q
	qemu-io -f raw -c 'read -P 5 0 1M' "$uri" | grep -q '^read 1048576'
	stop
}

@test "stopped while clients write: all that was answered is there" {
	"$VIMG" create -q -f qcow2 new.q 64M
	serve -w new.q
	head -c 64M /dev/urandom >r.raw
	nbdcopy --synchronous --request-size=65536 r.raw "$uri" 2>/dev/null &
	copier=$!
	while [ "$(stat -c %s new.q)" -lt 2000000 ]; do :; done
	stop
	if wait "$copier"; then return 1; fi
	qemu-img check -q new.q
	# in order, one at a time: data, and then nothing
	[ "$(qemu-img map --output=json new.q | jq '[.[] | select(.data)] | length')" -le 2 ]
	size=$(qemu-img map --output=json new.q | jq '[.[] | select(.data) | .length] | add')
	[ "$size" -gt 65536 ]
	qemu-img convert -O raw new.q n.raw
	cmp -n $((size - 65536)) n.raw r.raw
}

# certificates: a CA, a server and a client, in the present folder.
certificates() {
	certtool --generate-privkey --key-type ecdsa --outfile ca-key.pem 2>/dev/null
	certtool --generate-privkey --key-type ecdsa --outfile server-key.pem 2>/dev/null
	certtool --generate-privkey --key-type ecdsa --outfile client-key.pem 2>/dev/null
	printf 'cn = test\nca\ncert_signing_key\n' >ca
	printf 'cn = localhost\ndns_name = localhost\nip_address = 127.0.0.1\ntls_www_server\nsigning_key\n' >server
	printf 'cn = client\ntls_www_client\nsigning_key\n' >client
	certtool --generate-self-signed --load-privkey ca-key.pem --template ca --outfile ca-cert.pem 2>/dev/null
	for who in server client; do
		certtool --generate-certificate --load-privkey $who-key.pem --load-ca-certificate ca-cert.pem \
			--load-ca-privkey ca-key.pem --template $who --outfile $who-cert.pem 2>/dev/null
	done
}

@test "TLS with certificates and with a shared key" {
	requires certtool psktool
	mkdir pki
	(cd pki && certificates)
	serve -f raw --tls-certificates pki --tls-verify-peer a.raw
	run nbdinfo "$uri"
	[ "$status" -ne 0 ]
	[[ $output == *TLS* ]]
	nbdcopy "nbds+unix://localhost/?socket=s.sock&tls-certificates=$PWD/pki" b.raw
	cmp a.raw b.raw
	qemu-img convert --object "tls-creds-x509,id=t,dir=$PWD/pki,endpoint=client" \
		--image-opts "driver=nbd,server.type=unix,server.path=s.sock,tls-creds=t,tls-hostname=localhost" -O raw c.raw
	cmp a.raw c.raw
	mkdir nocert
	cp pki/ca-cert.pem nocert
	run nbdcopy "nbds+unix://localhost/?socket=s.sock&tls-certificates=$PWD/nocert" d.raw
	[ "$status" -ne 0 ]
	stop
	psktool -u alice -p keys.psk >/dev/null
	serve -f raw --tls on --tls-psk keys.psk a.raw
	nbdcopy "nbds+unix://alice@localhost/?socket=s.sock&tls-psk-file=$PWD/keys.psk" b2.raw
	cmp a.raw b2.raw
	nbdcopy "$uri" b3.raw
	cmp a.raw b3.raw
	stop
	run "$VIMG" serve --tls require a.raw
	[ "$status" = 1 ]
}

@test "a disk that fails: clients are told, others go on" {
	case ${VARIANT:-release} in
	asan | tsan | static) skip "the fault library cannot be loaded before a $VARIANT program" ;;
	esac
	head -c 8M /dev/urandom >a.raw
	export FAULT_AT=3 FAULT_ERRNO=5
	LD_PRELOAD=$IOFAULT serve -w -f raw a.raw
	unset FAULT_AT
	failures=0
	for i in 1 2 3 4; do
		qemu-io -f raw -c "read ${i}M 16k" "$uri" >out 2>&1 || :
		if grep -q 'Input/output error' out; then failures=$((failures + 1)); fi
	done
	[ "$failures" = 1 ]
	stop
	grep -q 'a.raw' log
}

@test "a file that is cut short behind its back: others go on" {
	head -c 4M /dev/urandom >t.raw
	serve -w -f raw t.raw
	truncate -s 1000000 t.raw
	qemu-io -f raw -c 'read -P 0 2M 1M' "$uri" | grep -q '^read 1048576'
	qemu-io -f raw -c 'read 0 1M' "$uri" >/dev/null || :
	qemu-io -f raw -c 'write -P 4 0 64k' -c 'read -P 4 0 64k' "$uri" | grep -q '^read 65536'
	stop
}

@test "nonsense from clients does not end it" {
	requires socat
	serve -v -f raw a.raw
	for f in "$TOP"/tests/fuzz/corpus/nbd_session/*; do
		tail -c +2 "$f" | timeout 20 socat -t 0.2 - UNIX-CONNECT:s.sock >/dev/null 2>&1 || :
	done
	head -c 100k /dev/urandom | socat -t 0.2 - UNIX-CONNECT:s.sock >/dev/null 2>&1 || :
	nbdcopy "$uri" b.raw
	cmp a.raw b.raw
	stop
	grep -q 'client dropped' log
}
