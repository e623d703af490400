#!/usr/bin/env bats
# What the monitors can do: for people and for programs.
# shellcheck disable=SC2154,SC2016,SC2094 # the code of lib/flat; names of registers; a file that grows
load ../lib/common
load ../lib/flat

start() {
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -monitor unix:m,server=on,wait=off "$@" >out 2>err 3>&- &
	PID=$!
	for _ in {1..100}; do
		[ ! -S m ] || return 0
		sleep 0.05
	done
	cat err
	return 1
}

# ask LINE...: what the monitor says to them; it is listened to until each has its prompt.
ask() {
	: >answer
	timeout 60 socat -t 1 - UNIX-CONNECT:m >answer < <(
		printf '%s\n' "$@"
		for _ in {1..600}; do
			[ "$(grep -ao '(vemu) ' answer | wc -l)" -le $# ] || break
			sleep 0.05
		done
	)
	tr -d '\r' <answer
}

# documented BEGIN: words of the paragraph in the documentation that begins so.
documented() {
	awk -v begin="$1" '$0 ~ begin { on = 1 } on && !$0 { exit } on' "$TOP/docs/emulator.md" |
		sed 's/^[A-Za-z]*: //; s/; `migrate` and.*//' | grep -oE '`[a-z_-]+`|[A-Z_]{4,}' | tr -d '`' | sort -u
}

finish() {
	kill $PID
	wait $PID
}

@test "numbers, registers, memory in every form, ports" {
	requires socat
	# rax = 0x1122334455667788, then an endless loop at 0x100020a
	# shellcheck disable=SC2086
	kernel 48 b8 88 77 66 55 44 33 22 11 $spin
	start
	# the guest has come to its loop
	for _ in {1..100}; do
		ask 'print $rip' >got
		! grep -qx 16777738 got || break
	done
	ask 'p 6 * (3 + 4) - 0x2' 'p/x $rax' 'p/x $eax + 1' 'print $rip' 'p 1 / 0' 'p $nobody' 'p (((1' 'p 1 2' \
		'x/2i 0x1000200' 'x/2i $rip' 'xp/3xb 0x1000200' 'xp/1xg 0x1000202' 'xp/2dh 0x1000202' 'x/1oh 0x1000202' \
		'xp/2ub 0x1000200' 'xp/4c 0x1000202' 'xp /1 0x1000202' 'x 0xffff800000000000' 'xp/1z 0' 'xp/1xb 0x1000200 9' \
		'o/b 0x2f 1' 'o/b 0xe9' 'i/b 0x3fd' 'i/w 0x10000' 'cpu 1' 'cpu 0' 'info nothing' 'nothing' >got
	while IFS= read -r want; do
		grep -qxF -- "$want" got || { echo "not said: $want"; cat got; false; }
	done <<'EOT'
40
0x1122334455667788
0x55667789
16777738
a number is divided by zero
there is no register '$nobody'
a ')' is missing
0x000000000100020a:  jmp 0x000000000100020A
0000000001000200: 0x48 0xb8 0x88
0000000001000202: 0x1122334455667788
0000000001000202: 30600 21862
0000000001000202: 073610
0000000001000200: 72 184
0000000001000202: '\x88' 'w' 'f' 'U'
0000000001000202: 0x55667788
ffff800000000000: --------
format '/z': a count, one of x d u o c i, one of b h w g
'9' is too much
'' is no number
portb[0x03fd] = 0x60
a port is 0 to 0xffff, of b, h or w
there are processors 0 to 0
there is no 'info nothing'
unknown command: 'nothing'
EOT
	finish
}

@test "info: mappings, devices, interrupts, disks and the rest" {
	requires socat
	# shellcheck disable=SC2086
	kernel $spin
	truncate -s 1M disk
	start -smp 2 -machine q35 -device virtio-rng-pci -drive file=disk,format=raw,if=virtio,readonly=on \
		-drive if=none,id=d0,file=disk,format=raw,snapshot=on -device ide-hd,drive=d0 -nic user,mac=52:54:00:01:02:03
	ask 'info mem' 'info tlb' 'info pci' 'info pic' 'info mtree' 'info block' 'info network' 'info cpus' 'cpu 1' \
		'info cpus' 'info registers' 'help cpu' >got
	# the kernel is entered with 4 GiB mapped as they are
	grep -qx '0000000000000000-0000000100000000 0000000100000000 -rw' got
	grep -qx '0000000000200000: 0000000000200000 --P[D-][A-]---W' got
	grep -q 'device *31, function 2: ' got
	grep -q 'class 00ff, device 1af4:' got
	grep -q 'BAR4: 64 bit memory at 0x' got
	grep -q '^pic1: irr=.. imr=.. isr=' got
	grep -q '^ioapic: id=0' got
	grep -q ' hpet$' got
	grep -qx 'virtio0: disk (read-only)' got
	grep -qx 'd0: disk (snapshot)' got
	grep -q '52:54:00:01:02:03, user' got
	grep -qx '\* CPU #0:' got
	grep -q '^\* CPU #1:' got
	grep -q '^CS =f000 ' got
	grep -q '^cpu  *N: ' got
	finish
}

@test "sendkey: the guest gets the keys, down and up, as a keyboard sends them" {
	requires socat jq
	# in al, 64; test al, 1; jz; in al, 60; out 3f8, al; jmp
	kernel 66 ba f8 03 e4 64 a8 01 74 fa e4 60 ee eb f5
	start -serial file:keys -qmp unix:q,server=on,wait=off
	ask 'sendkey ctrl-alt-delete' 'sendkey shift-a' 'sendkey ret' 'sendkey up' 'sendkey hyper' 'sendkey' >got
	grep -qx "there is no key 'hyper'" got
	grep -qx 'which key?' got
	(
		echo '{"execute": "qmp_capabilities"}'
		echo '{"execute": "send-key", "arguments": {"keys": [{"type": "qcode", "data": "meta_l"}, {"type": "qcode", "data": "1"}]}}'
		echo '{"execute": "send-key", "arguments": {"keys": [{"type": "qcode", "data": "hyper"}]}}'
		echo '{"execute": "send-key", "arguments": {"keys": [], "hold-time": 5}}'
		sleep 0.5
	) | timeout 10 socat -t 0.3 - UNIX-CONNECT:q >answers
	[ "$(jq -s '[.[] | .error? // empty] | length' answers)" = 2 ]
	finish
	[ "$(od -An -tx1 keys | tr -d ' \n')" = \
		1d38e053e0d3b89d2a1e9eaa1c9ce048e0c8e05b0282e0db ]
}

@test "log: from now on, or no more" {
	requires socat
	# in al, dx of no port, again and again
	kernel 66 ba 00 99 ec eb fd
	start -D log
	sleep 0.3
	[ ! -s log ]
	ask 'log guest_errors' >got
	ask 'log none' 'log' 'log everything' >got
	grep -q '^guest_errors  ' got
	grep -q "no log of 'everything'" got
	size=$(stat -c %s log)
	[ "$size" -gt 0 ]
	sleep 0.3
	[ "$(stat -c %s log)" = "$size" ]
	grep -q 'read of nothing at port 0x9900' log
	finish
}

@test "QMP: devices and disks, and each command that is listed is one" {
	requires socat jq
	# shellcheck disable=SC2086
	kernel $spin
	truncate -s 1M disk
	start -drive file=disk,format=raw,if=virtio -cdrom disk -qmp unix:q,server=on,wait=off
	(
		echo '{"execute": "qmp_capabilities"}'
		for c in query-pci query-block query-memory-size-summary query-events query-commands; do
			echo "{\"execute\": \"$c\", \"id\": \"$c\"}"
		done
		echo '{"execute": "human-monitor-command", "arguments": {"command-line": "info cpus", "cpu-index": 1}, "id": "far"}'
		sleep 0.5
	) | timeout 10 socat -t 0.3 - UNIX-CONNECT:q >answers
	answer() { jq -c "select(.id == \"$1\") | $2" answers; }
	[ "$(answer query-memory-size-summary '.return["base-memory"]')" = $((64 << 20)) ]
	[ "$(answer query-block '[.return[] | .device, .removable]')" = '["virtio0",false,"ide1-cd0",true]' ]
	[ "$(answer query-pci '[.return[0].devices[] | select(.id.vendor == 6900) | .class_info.class]')" = '[256]' ]
	[ "$(answer query-events '[.return[] | select(.name == "STOP")] | length')" = 1 ]
	[ "$(answer far .error.class)" = '"GenericError"' ]
	answer query-commands '.return[].name' | tr -d '"' >names
	[ "$(wc -l <names)" -gt 20 ]
	# the documentation has them all, in this order
	documented '^QMP: ' | grep -v '^snapshot-$' >doc
	sort names | same doc -
	documented '^HMP: ' >doc
	ask help | sed -n 's/^\([a-z_]*\)  .*/\1/p' | sort >hmp
	same doc hmp
	documented '^Events: ' >doc
	answer query-events '.return[].name' | tr -d '"' | same doc -
	(
		echo '{"execute": "qmp_capabilities"}'
		grep -vxE 'quit|qmp_capabilities' names | sed 's/.*/{"execute": "&"}/'
		sleep 0.5
	) | timeout 10 socat -t 0.3 - UNIX-CONNECT:q >answers
	run grep -q CommandNotFound answers
	[ "$status" = 1 ]
	finish
}
