# Reading persistent bitmaps through QEMU.
# shellcheck shell=bash

# dirty IMAGE BITMAP: "start length" of each dirty range, as an NBD client sees it
dirty() {
	local pid i rc=0
	qemu-nbd -r -f qcow2 -B "$2" -k "$PWD/sock" -t "$1" 2>nbd.err &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		[ -S sock ] && break
		sleep 0.05
	done
	qemu-img map --output=json --image-opts "driver=nbd,server.type=unix,server.path=$PWD/sock,x-dirty-bitmap=qemu:dirty-bitmap:$2" >map.json || rc=$?
	kill "$pid"
	wait "$pid" || :
	rm -f sock
	[ "$rc" = 0 ] || { cat nbd.err; return 1; }
	sed -n 's/.*"start": \([0-9]*\), "length": \([0-9]*\),.*"data": false.*/\1 \2/p' map.json
}
