#!/usr/bin/env bats
# test-timeout: 300
# What changes in the drives and networks of a machine that runs.
# shellcheck disable=SC2154,SC2086 # the code of lib/flat, in words
load ../lib/common
load ../lib/flat
load ../lib/vemu

setup() {
	common_setup
	PATH=$PATH:/sbin:/usr/sbin
}

# start OPTION...: a guest from the file kernel, QMP on its standard input and output.
start() {
	vemu_again
	vemu_start -accel soft -m 64 -kernel kernel -display none -serial none -qmp stdio "$@"
	vemu_send '{"execute": "qmp_capabilities"}'
	vemu_wait 10 '"return": ?\{\}'
}

# qmp JSON PATTERN: the answer, or an event before it, matches.
qmp() {
	vemu_send "$1"
	vemu_wait 20 "$2"
}

# hmp LINE [PATTERN]: what it says matches.
hmp() {
	local line=${1//\\/\\\\}
	qmp "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"${line//\"/\\\"}\"}}" \
		"\"return\": ?\"${2-\"}"
}

run_qmp() { qmp "{\"execute\": \"$1\", \"arguments\": {$2}}" "$3"; }

@test "CD-ROM drives: trays, media by file and by node, what is refused" {
	kernel $spin
	truncate -s 1M one two "three four" hd
	start -cdrom one -blockdev driver=raw,node-name=n2,file.driver=file,file.filename=two,read-only=on \
		-drive if=none,id=spare,file=hd,format=raw -drive file=hd,format=raw,if=virtio,snapshot=on,id=v \
		-device ide-cd,id=empty
	hmp 'info block' 'ide1-cd0: one \(read-only\), a CD-ROM drive, tray closed'
	hmp 'eject v' "Error: Device 'v' is not removable"
	hmp 'eject nobody' "Error: Device 'nobody' not found"
	hmp 'change ide1-cd0 nofile' 'Error: nofile: '
	hmp 'change ide1-cd0 two raw read-write' 'Error: read-write: '
	hmp 'change ide1-cd0' 'change: DEVICE'
	run_qmp blockdev-remove-medium '"id": "ide1-cd0"' "Tray of device 'ide1-cd0' is not open"
	run_qmp blockdev-open-tray '"device": "ide1-cd0"' \
		'DEVICE_TRAY_MOVED.*"device":"ide1-cd0","id":"","tray-open":true'
	run_qmp blockdev-insert-medium '"id": "ide1-cd0", "node-name": "n2"' "There already is a medium"
	run_qmp blockdev-remove-medium '"id": "ide1-cd0"' 'return'
	qmp '{"execute": "query-block"}' '"device":"ide1-cd0","qdev":"","locked":false,"removable":true,"type":"unknown","tray_open":true\}'
	run_qmp blockdev-insert-medium '"id": "ide1-cd0", "node-name": "none"' "Node 'none' not found"
	run_qmp blockdev-insert-medium '"id": "ide1-cd0", "node-name": "n2"' 'return'
	run_qmp blockdev-close-tray '"id": "ide1-cd0"' '"tray-open":false'
	qmp '{"execute": "query-block"}' '"file":"two","ro":true,"drv":"unknown","node-name":"n2"'
	run_qmp blockdev-open-tray '"id": "empty"' '"id":"empty","tray-open":true'
	run_qmp blockdev-insert-medium '"id": "empty", "node-name": "n2"' "Node 'n2' is already in use"
	hmp 'change ide1-cd0 "three four" raw' '"'
	hmp 'info block' 'ide1-cd0: three four '
	# the node is free again
	run_qmp blockdev-insert-medium '"id": "empty", "node-name": "n2"' 'return'
	run_qmp blockdev-close-tray '"id": "empty"' '"tray-open":false'
	hmp 'eject -f ide1-cd0' '"'
	hmp 'info block' 'ide1-cd0: \[not inserted\] \(read-only\), a CD-ROM drive, tray open'
	run_qmp blockdev-change-medium '"id": "empty", "filename": "one", "read-only-mode": "retain"' return
	run_qmp blockdev-change-medium '"id": "empty", "filename": "one", "read-only-mode": "maybe"' \
		"Parameter 'read-only-mode' does not accept value 'maybe'"
	run_qmp eject '' "exactly one of 'device' and 'id'"
	run_qmp eject '"id": 5' "Invalid parameter type for 'id', expected: string"
	run_qmp eject '"idd": "x"' "Parameter 'idd' is unexpected"
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
}

@test "commit: an overlay into its image, and the writes of snapshot=on" {
	kernel $spin
	"$VIMG" create -q -f raw base 1M
	"$VIMG" create -q -f qcow2 -b base -F raw top
	"$VIMG" bench -q -w -c 4 -s 65536 --pattern 0x61 top 2>/dev/null || "$VIMG" bench -w -c 4 -s 65536 --pattern 0x61 top
	start -drive file=top,if=virtio,id=v -drive file=base,format=raw,if=none,id=r,readonly=on,file.locking=off \
		-device virtio-blk-pci,drive=r
	hmp 'commit r' "Error: Device 'r' is read-only"
	hmp 'commit nobody' "Error: Device 'nobody' not found"
	hmp 'commit v' '"'
	hmp 'commit all' '"'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
	[ "$(head -c 262144 base | tr -d a | wc -c)" = 0 ]
	sound top
	# what is gone would be lost
	start -drive file=top,if=virtio,id=v
	mv base elsewhere
	hmp 'commit v' 'Error: .*base: No such file'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
}

@test "query-qmp-schema: each command and event, and each type that one names" {
	requires jq
	kernel $spin
	start
	for c in query-qmp-schema query-commands query-events; do
		qmp "{\"execute\": \"$c\", \"id\": \"$c\"}" "\"id\": ?\"$c\""
	done
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
	get() { jq -r "select(.id == \"$1\") | .return[] | $2" console; }
	get query-qmp-schema 'select(."meta-type" == "command") | .name' | sort >have
	get query-commands .name | sort | same have -
	get query-qmp-schema 'select(."meta-type" == "event") | .name' | sort >have
	get query-events .name | sort | same have -
	get query-qmp-schema '[."arg-type", ."ret-type", ."element-type", .members?[]?.type] | .[] | strings' | sort -u >named
	get query-qmp-schema 'select(."meta-type" != "command" and ."meta-type" != "event") | .name' | sort >types
	[ "$(uniq -d types | wc -l)" = 0 ]
	same types named
	[ "$(get query-qmp-schema 'select(.name == "eject-arg") | .members | map(.name + .type + (has("default") | tostring)) | join(" ")')" = \
		"devicestrtrue idstrtrue forcebooltrue" ]
}

@test "a guest sees another CD, whatever carries it, and reaches a port forwarded later" {
	vemu_parts
	requires socat
	for i in a b; do
		truncate -s 1M $i
		printf '%s: the first bytes' $i | dd of=$i conv=notrunc status=none
	done
	cat >script <<'end'
for d in sr0 sr1; do
	dd if=/dev/$d bs=18 count=1 2>/dev/null; echo " of $d"
done
ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
echo "rea""dy"
until dd if=/dev/sr0 bs=18 count=1 2>/dev/null | grep '^b:' && dd if=/dev/sr1 bs=18 count=1 2>/dev/null | grep '^b:'; do
	sleep 0.1
done
echo "chan""ged"
nc -l -p 5555 >got; cat got
end
	vemu_initrd initrd script virtio_pci virtio_scsi sr_mod cdrom ata_piix virtio_net
	vemu_again
	vemu_start -display none -m 256 -kernel "$KERNEL" -initrd initrd -append "console=ttyS0 quiet panic=-1" -no-reboot \
		-qmp stdio -serial file:serial -drive if=none,id=c0,media=cdrom,file=a,format=raw -device ide-cd,drive=c0 \
		-device virtio-scsi-pci -drive if=none,id=c1,media=cdrom,file=a,format=raw -device scsi-cd,drive=c1 -nic user
	vemu_send '{"execute": "qmp_capabilities"}'
	until grep -q ready serial || ! kill -0 "$VEMU_PID"; do sleep 0.2; done
	[ "$(grep -c '^a: the first bytes of sr' serial)" = 2 ]
	hmp 'change c0 b raw' '"'
	hmp 'change c1 b raw' '"'
	until grep -q changed serial || ! kill -0 "$VEMU_PID"; do sleep 0.2; done
	port=$((20000 + RANDOM % 10000))
	hmp "hostfwd_add tcp:127.0.0.1:$port-:5555" '"'
	hmp "hostfwd_add tcp:127.0.0.1:$port-:5555" 'Error: '
	hmp "hostfwd_add nobody tcp::$port-:5555" "Error: there is no network 'nobody'"
	hmp "hostfwd_remove tcp:127.0.0.1:1" 'Error: host forwarding rule for tcp:127.0.0.1:1 not found'
	until echo "by the port" | socat -t 5 - TCP:127.0.0.1:$port && grep -q 'by the port' serial; do
		kill -0 "$VEMU_PID" || break
		sleep 0.5
	done
	grep -q 'by the port' serial
	vemu_ends 30
}
