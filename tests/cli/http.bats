#!/usr/bin/env bats
# Images behind http, https and the like.

load ../lib/common
load ../lib/http

setup() {
	common_setup
	head -c 3000000 /dev/urandom >disk.raw
	truncate -s 9M disk.raw
	head -c 1000 /dev/urandom >>disk.raw
	"$VIMG" convert -q -f raw -O qcow2 disk.raw disk.qcow2
	http_start
}

teardown() {
	http_stop
	common_teardown
}

# reads PATH: all of it arrives as it is in disk.raw.
reads() {
	rm -f out
	"$VIMG" convert -q -f raw -O raw "$URL$1" out
	cmp -n 9437184 disk.raw out
}

# fails PATH TEXT
fails() {
	run "$VIMG" convert -q -f raw -O raw "$URL$1" out
	[[ $status == 1 && $output == *"$2"* ]] || { echo "$1: $status, $output"; false; }
}

@test "every reading command takes a URL" {
	run "$VIMG" info "$URL/disk.qcow2"
	[ "$status" -eq 0 ]
	[[ $output == *"file format: qcow2"* ]]
	[[ $output == *"disk size: unavailable"* ]]
	"$VIMG" info --output=json "$URL/disk.qcow2" | jq -e '.["actual-size"] == null and .format == "qcow2"'
	"$VIMG" check -q "$URL/disk.qcow2"
	"$VIMG" compare -q "$URL/disk.qcow2" disk.qcow2
	[ "$("$VIMG" checksum "$URL/disk.qcow2" | cut -d' ' -f1)" = "$("$VIMG" checksum disk.qcow2 | cut -d' ' -f1)" ]
	"$VIMG" map --output=json "$URL/disk.qcow2" | jq -e '.[0].data' >/dev/null
	"$VIMG" measure -O raw "$URL/disk.qcow2"
	"$VIMG" convert -q --verify -O raw "$URL/disk.qcow2" out.raw
	"$VIMG" compare -q out.raw disk.qcow2
	"$VIMG" dd -f raw -O raw bs=1M count=2 if="$URL/disk.raw" of=part.raw
	cmp -n 2097152 part.raw disk.raw
	# in other words
	"$VIMG" compare -q --image-opts driver=qcow2,file.driver=http,file.url="$URL/disk.qcow2" \
		driver=qcow2,file.filename=disk.qcow2
	"$VIMG" info --image-opts driver=http,url="$URL/disk.raw"
	"$VIMG" info "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"http\",\"url\":\"$URL/disk.qcow2\",\"timeout\":3}}"
}

@test "a backing file may be far away, and one beside it" {
	"$VIMG" create -q -f qcow2 -b "$URL/disk.qcow2" -F qcow2 over.qcow2
	"$VIMG" compare -q over.qcow2 disk.qcow2
	"$VIMG" create -q -f qcow2 -b disk.qcow2 -F qcow2 near.qcow2
	"$VIMG" compare -q "$URL/near.qcow2" disk.qcow2
	grep -q 'GET /near.qcow2' asked
	run "$VIMG" info --backing-chain "$URL/near.qcow2"
	[[ $output == *"actual path: $URL/disk.qcow2"* ]]
	# a loop by name
	"$VIMG" create -q -u -f qcow2 -b "$URL/loop.qcow2" -F qcow2 loop.qcow2 1M
	run "$VIMG" check "$URL/loop.qcow2"
	[[ $output == *"creates an infinite loop"* ]]
}

@test "nothing is written" {
	run "$VIMG" create -f raw "$URL/new" 1M
	[ "$status" -eq 1 ]
	[[ $output == *"Protocol driver 'http' does not support image creation"* ]]
	run "$VIMG" resize "$URL/disk.qcow2" +1M
	[ "$status" -eq 1 ]
	[[ $output == *"can only be read from"* ]]
	run "$VIMG" convert -n -f raw -O raw disk.raw "$URL/disk.raw"
	[ "$status" -eq 1 ]
}

@test "what is cut off goes on where it was" {
	reads /cut=100000/disk.raw
	grep -q 'bytes=100000-' asked
	[ "$(grep -c 'bytes=0-' asked)" -eq 1 ]
}

@test "errors that pass are waited for, others are not" {
	reads /fail=2/disk.raw
	fails /status=404/disk.raw "the server answers 404 (not found)"
	fails /status=403/disk.raw "the server answers 403 (forbidden)"
	fails /none "the server answers 404"
	[ "$(grep -c /none asked)" -eq 1 ]
	run timeout 60 "$VIMG" info --image-opts "driver=http,url=$URL/hang=0/disk.raw,timeout=1"
	[[ $output == *"no answer from the server for 1 seconds"* ]]
}

@test "a file that changes is noticed" {
	fails /changes=3/disk.raw "has changed on the server since it was opened (ETag)"
	fails /dates=3/disk.raw "has changed on the server since it was opened (date)"
	fails /liar/disk.raw "has changed on the server since it was opened (size)"
	reads /notag/disk.raw
}

@test "answers that make no sense are refused" {
	fails /shifted/disk.raw "the server sent bytes from 1 when asked for those from 0"
	fails /gzip/disk.raw "sends an encoded form"
	fails /norange/disk.raw "gives no parts of files"
	fails /norange,nolength/disk.raw "gives no parts of files"
	reads /long/disk.raw
	: >empty
	run "$VIMG" info -f raw "$URL/empty"
	[[ $output == *"virtual size: 0 B"* ]]
}

@test "a redirect is followed once and remembered" {
	reads /moved/disk.raw
	[ "$(grep -c 'GET /moved' asked)" -eq 1 ]
	reads "/movedto=$HTTP_PORT/disk.raw"
	[ "$(grep -c 'GET /movedto' asked)" -eq 1 ]
}

@test "passwords, tokens, cookies and headers, for the host they are meant for alone" {
	local from="driver=raw,file.driver=http,file.url=$URL"
	echo secret-token >token
	printf '# keys\nX-Key: from-file\n' >headers
	"$VIMG" info --object secret,id=p,data=word --image-opts \
		"$from/need=Authorization:%20Basic%20dXNlcjp3b3Jk/disk.raw,file.username=user,file.password-secret=p"
	"$VIMG" info --image-opts "$from/need=Authorization:%20Bearer%20secret-token/disk.raw,file.token-file=token"
	"$VIMG" info --object secret,id=t,data=secret-token --image-opts \
		"$from/need=Authorization:%20Bearer%20secret-token/disk.raw,file.token-secret=t"
	"$VIMG" info --image-opts "$from/need=Cookie:%20a=b/disk.raw,file.cookie=a=b"
	"$VIMG" info --object secret,id=c,data=a=b --image-opts "$from/need=Cookie:%20a=b/disk.raw,file.cookie-secret=c"
	"$VIMG" info --image-opts "$from/need=X-One:%201/disk.raw,file.header=X-One: 1"
	"$VIMG" info --image-opts "$from/need=X-Two:%202/disk.raw,file.header.0=X-One: 1,file.header.1=X-Two: 2"
	"$VIMG" info --image-opts "$from/need=X-Key:%20from-file/disk.raw,file.header-file=headers"
	printf 'machine 127.0.0.1 login user password word\n' >netrc
	"$VIMG" info --image-opts \
		"$from/need=Authorization:%20Basic%20dXNlcjp3b3Jk/disk.raw,file.netrc-file=netrc"
	run "$VIMG" info --image-opts "$from/need=X-One:%201/disk.raw"
	[ "$status" -eq 1 ]
	[[ $output == *"the server answers 401"* ]]
	run "$VIMG" info --image-opts "$from/disk.raw,file.header=X-One"
	[[ $output == *"a header must be one line"* ]]
	run "$VIMG" info --image-opts "$from/disk.raw,file.cookie=a,file.cookie-secret=b"
	[ "$status" -eq 1 ]
}

@test "another host does not get them" {
	local from="driver=raw,file.driver=http,file.url=$URL"
	echo secret-token >token
	coproc OTHER { exec "$HTTPD" . asked2 3>&-; }
	read -r other <&"${OTHER[0]}"
	# there such a line is a fault
	"$VIMG" info --image-opts \
		"$from/movedto=$other/never=X-One:%201/disk.raw,file.header=X-One: 1,file.token-file=token"
	"$VIMG" info --image-opts \
		"$from/movedto=$other/never=Authorization:%20Bearer%20secret-token/disk.raw,file.token-file=token"
	[ "$(grep -c never asked2)" -eq 2 ]
	run "$VIMG" info --image-opts "$from/never=X-One:%201/disk.raw,file.header=X-One: 1"
	[ "$status" -eq 1 ]
	kill "$OTHER_PID"
}

@test "certificates are looked at" {
	requires openssl socat
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-days 2 -keyout key.pem -out cert.pem 2>/dev/null
	socat -d -d -lf tls.log OPENSSL-LISTEN:0,cert=cert.pem,key=key.pem,verify=0,fork,bind=127.0.0.1 \
		TCP:127.0.0.1:"$HTTP_PORT" 3>&- &
	tls=$!
	for _ in $(seq 100); do
		port=$(sed -n 's/.*listening on.*:\([0-9]*\)$/\1/p' tls.log 2>/dev/null || :)
		[ -z "$port" ] || break
		sleep 0.05
	done
	from="driver=raw,file.driver=https,file.url=https://localhost:$port/disk.raw"
	run "$VIMG" info --image-opts "$from"
	[ "$status" -eq 1 ]
	[[ $output == *"certificate is not to be trusted"* ]]
	"$VIMG" info --image-opts "$from,file.sslverify=off"
	"$VIMG" info --image-opts "$from,file.cafile=cert.pem"
	# from there nobody is sent on to where all can listen
	run "$VIMG" info --image-opts "driver=raw,file.driver=https,file.cafile=cert.pem,file.url=https://localhost:$port/movedto=$HTTP_PORT/disk.raw"
	[[ $output == *"which is not https"* ]]
	kill $tls
}

@test "options that are wrong are named" {
	local from="driver=http,url=$URL/disk.raw"
	run "$VIMG" info --image-opts "driver=https,url=$URL/disk.raw"
	[[ $output == *"https curl driver cannot handle the URL"* ]]
	run "$VIMG" info --image-opts driver=http
	[[ $output == *"requires an 'url' option"* ]]
	run "$VIMG" info --image-opts "$from,readahead=1000"
	[[ $output == *"multiple of 512"* ]]
	run "$VIMG" info --image-opts "$from,timeout=0"
	[[ $output == *"timeout must be between 1 and 10000, not 0"* ]]
	run "$VIMG" info --image-opts "$from,speed=9"
	[[ $output == *"doesn't support the option 'speed'"* ]]
	run "$VIMG" info --image-opts "$from,password-secret=none"
	[ "$status" -eq 1 ]
	"$VIMG" info --image-opts "$from,readahead=64k,cache-size=1M,connections=1,rate-limit=100M"
	run "$VIMG" info http://127.0.0.1:1/x
	[ "$status" -eq 1 ]
}

@test "it goes no faster than told" {
	local t0 t1
	t0=$(date +%s%N)
	"$VIMG" convert -q --image-opts "driver=http,url=$URL/disk.raw,rate-limit=8M" -O raw out
	t1=$(date +%s%N)
	cmp -n 9437184 disk.raw out
	[ $((t1 - t0)) -gt 800000000 ]
}

@test "many requests are out at once, and no byte is asked for twice" {
	"$VIMG" convert -q -f raw -O raw "$URL/delay=5/disk.raw" out
	sed -n 's/.*bytes=\([0-9]*\)-\([0-9]*\)/\1 \2/p' asked | sort -n |
		awk '$1 < end { bad = 1 } { end = $2 + 1 } END { exit bad || end < 9438184 }'
}
