#!/usr/bin/env bats
# A guest of a few instructions, as a kernel image made here: what it says on its serial port,
# how it ends, what the monitors say.
# shellcheck disable=SC2154 # the code of lib/flat
load ../lib/common
load ../lib/flat

vemu() { timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel "$@"; }

@test "what a guest writes to its serial port comes out, and it switches itself off" {
	# shellcheck disable=SC2046,SC2086
	kernel $(say hello) $off $halt
	run vemu -nographic </dev/null
	[ "$status" = 0 ]
	[ "$output" = hello ]
	vemu -serial file:out -machine q35
	[ "$(cat out)" = hello ]
	vemu -serial null -serial file:second
	[ -e second ]
	[ ! -s second ]
}

@test "a reset begins anew, or ends where none is wanted; so does a triple fault" {
	# shellcheck disable=SC2046,SC2086
	kernel $(say r) $reset $halt
	run vemu -nographic -no-reboot </dev/null
	[ "$status" = 0 ]
	[ "$output" = r ]
	run timeout 2 "$VEMU" -accel soft -m 64 -kernel kernel -nographic </dev/null
	[[ $output == rrrr* ]]
	# a memory operand for lidt: ten bytes of zero lie in low memory
	# shellcheck disable=SC2046,SC2086
	kernel $(say t) 0f 01 1c 25 00 00 05 00 cc $halt
	run vemu -nographic -no-reboot </dev/null
	[ "$status" = 0 ]
	[ "$output" = t ]
}

@test "isa-debug-exit gives the status" {
	# shellcheck disable=SC2086
	kernel 66 ba f4 00 b0 15 ee $halt
	run vemu -device isa-debug-exit,iobase=0xf4,iosize=4 -display none
	[ "$status" = 43 ]
}

@test "keys after C-a: help, the monitor and back, the end" {
	# shellcheck disable=SC2086
	kernel $spin
	run vemu -nographic < <(
		printf '\001h'
		sleep 0.3
		printf '\001cinfo status\rinfo uuid\r'
		sleep 0.3
		printf '\001x'
		sleep 5
	)
	[ "$status" = 0 ]
	[[ $output == *"end the machine"* ]]
	[[ $output == *"VM status: running"* ]]
	[[ $output == *"00000000-0000"* ]]
}

@test "SIGTERM ends it, and so does the monitor's quit" {
	# shellcheck disable=SC2086
	kernel $spin
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -pidfile pid &
	for _ in {1..50}; do
		[ ! -s pid ] || break
		sleep 0.1
	done
	kill "$(cat pid)"
	wait $!
	[ ! -e pid ]
	echo quit | run vemu -display none -monitor stdio
}

@test "QMP: greeting, capabilities, commands, errors, events" {
	requires jq
	# shellcheck disable=SC2086
	kernel $spin
	{
		echo '{"execute": "query-status"}'
		echo '{"execute": "qmp_capabilities"}'
		echo '{"execute": "query-status", "id": [1]} {"execute": "stop"}'
		echo '{"execute": "query-status"'
		echo '}'
		echo '{"execute": "system_reset"} {"execute": "no-such"} ]'
		sleep 0.5
		echo '{"execute": "human-monitor-command", "arguments": {"command-line": "info name"}}'
		echo '{"execute": "quit"}'
		sleep 1
	} | vemu -display none -qmp stdio -name guest=fred >out
	jq -s . out >parsed
	[ "$(jq -r '.[0].QMP.version.qemu.major' parsed)" = 7 ]
	[ "$(jq -r '.[1].error.class' parsed)" = CommandNotFound ]
	[ "$(jq -c '[.[] | select(.id == [1]) | .return.status]' parsed)" = '["running"]' ]
	[ "$(jq -c '[.[] | select(.event) | .event]' parsed)" = '["STOP","RESET"]' ]
	[ "$(jq -c '[.[] | .return.status? | select(. == "paused")] | length' parsed)" = 1 ]
	[ "$(jq -c '[.[] | select(.error)] | length' parsed)" -ge 2 ]
	jq -e '.[] | select(.return == "fred\n")' parsed >/dev/null
}

@test "QMP: requests of the wrong shape are named, and no capability can be had" {
	requires jq
	# shellcheck disable=SC2086
	kernel $spin
	{
		echo '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 1}'
		echo '{"execute": "qmp_capabilities", "id": 2}'
		echo '{"execute": "qmp_capabilities", "id": 3}'
		echo '{"exec-oob": "stop", "id": 4}'
		echo '{"execute": "stop", "arguments": 7, "id": 5}'
		echo '{"execute": "stop", "when": "now", "id": 6}'
		echo '{"execute": "query-chardev", "id": 7}'
		echo '{"execute": "snapshot-save", "arguments": {"job-id": "j", "tag": "t", "vmstate": "d", "devices": []}, "id": 8}'
		echo '{"execute": "query-target", "id": 9}'
		echo '{"execute": "quit"}'
		sleep 1
	} | vemu -display none -serial null -qmp stdio >out
	answer() { jq -c "select(.id == $1) | $2" out; }
	[ "$(answer 1 .error.class)" = '"GenericError"' ]
	[ "$(answer 2 .return)" = '{}' ]
	[ "$(answer 3 .error.class)" = '"CommandNotFound"' ]
	[[ "$(answer 4 .error.desc)" == *"out of band"* ]]
	[[ "$(answer 5 .error.desc)" == *"'arguments' must be an object"* ]]
	[[ "$(answer 6 .error.desc)" == *"'when'"* ]]
	[ "$(answer 7 '.return[0].label')" = '"serial0"' ]
	[[ "$(answer 8 .error.desc)" == *"cannot be saved"* ]]
	[ "$(answer 9 .return.arch)" = '"x86_64"' ]
}

@test "the monitor shows memory at physical and linear addresses, and why states are not saved" {
	# shellcheck disable=SC2086
	kernel $spin
	{
		printf 'stop\nxp /1 0x1000200\nx /1 0x1000200\nx 0xffff800000000000\nsavevm a\nhelp xp\nquit\n'
		sleep 1
	} | vemu -display none -serial null -monitor stdio >out
	[ "$(grep -c '^0000000001000200: 0x....feeb' out)" = 2 ]
	grep -q '^ffff800000000000: --------' out
	grep -q 'cannot be saved' out
	grep -q '^xp  *\[/FORMAT\] ADDRESS' out
}

# threads FIELD: the values of a line of status, of all threads of the vemu whose pid is in the file pid.
threads() {
	for _ in {1..50}; do
		[ ! -s pid ] || break
		sleep 0.1
	done
	sleep 0.3
	cat "/proc/$(cat pid)/task"/*/status | sed -n "s/^$1:[[:space:]]*//p" | sort -u
}

@test "system calls are filtered by default, in every thread, and not with -sandbox off" {
	# shellcheck disable=SC2086
	kernel $spin
	"$VIMG" create -q -f qcow2 disk.q 64M
	# -S: the guest has not run yet
	for run in "" -S; do
		for box in on off; do
			rm -f pid
			"$VEMU" -accel soft -smp 2 -m 64 -kernel kernel -display none -pidfile pid -sandbox $box $run \
				-drive file=disk.q,if=virtio -nic user -monitor unix:mon,server=on,wait=off &
			threads Seccomp >"$box"
			threads NoNewPrivs >"$box.nnp"
			find "/proc/$(cat pid)/task" -mindepth 1 -maxdepth 1 | wc -l >"$box.n"
			kill "$(cat pid)"
			wait $!
		done
		[ "$(cat on)" = 2 ]
		[ "$(cat on.nnp)" = 1 ]
		[ "$(cat off)" = 0 ]
		[ "$(cat on.n)" -ge 4 ]
	done
}
