#!/usr/bin/env bats
# The process of a machine: in the background, its names, its log, what it gives up.
# shellcheck disable=SC2154 # the code of lib/flat
load ../lib/common
load ../lib/flat

vemu() { timeout 20 "$VEMU" -accel soft -m 64 -kernel kernel -display none "$@"; }

# until COMMAND...: it succeeds, within five seconds.
until_ok() {
	for _ in {1..100}; do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# tell TEXT: to the monitor at m; what it says.
tell() { (printf '%s\n' "$1"; sleep 0.3) | timeout 10 socat -t 0.3 - UNIX-CONNECT:m; }

spinning() {
	# shellcheck disable=SC2086
	kernel $spin
}

@test "-daemonize comes back when all is open, and leaves folder and terminal" {
	requires socat
	spinning
	run vemu -daemonize -pidfile pid -monitor unix:m,server=on,wait=off -serial file:s
	[ "$status" = 0 ]
	[ -z "$output" ]
	[ -S m ]
	pid=$(cat pid)
	kill -0 "$pid"
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	[ "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" = /dev/null ]
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]
	run vemu -pidfile pid
	[ "$status" = 1 ]
	[[ $output == *"pid is locked"* ]]
	tell quit >/dev/null || true
	until_ok gone "$pid"
	[ ! -e pid ]
	[ ! -e m ]
	# what is wrong is said before it comes back
	run vemu -daemonize -monitor unix:/no/such/place,server=on
	[ "$status" = 1 ]
	[[ $output == *"listening at unix:/no/such/place"* ]]
	run vemu -daemonize -serial stdio
	[ "$status" = 2 ]
	[[ $output == *"serial0 is standard input and output"* ]]
}

@test "-d and -D: what a guest asks for that is not there, interrupts, instructions" {
	# ud2 faults with no table: a triple fault; before: rdmsr of none, a port with nothing
	# shellcheck disable=SC2086
	kernel b9 77 66 55 44 66 ba 00 99 ec 0f 32 $halt
	vemu -no-reboot -d unimp,guest_errors,int,cpu_reset -D log%d 2>err
	[ ! -s err ]
	set -- log[0-9]*
	grep -q '^guest_errors: read of nothing at port 0x9900$' "$1"
	grep -q '^unimp: CPU 0 RDMSR 44556677 at 00000000010002' "$1"
	grep -q '^int: CPU 0 exception 0d at .* error 0000$' "$1"
	grep -q '^cpu_reset: CPU 0 RIP ' "$1"
	vemu -no-reboot -d in_asm 2>err
	grep -qE '^0000000001000200: b977665544 +mov .0x44556677, %ecx' err
	grep -qE '^000000000100020a: 0f32 +rdmsr' err
	vemu -no-reboot -D empty
	[ -e empty ]
	[ ! -s empty ]
	"$VEMU" -d help | grep -q '^in_asm '
	run vemu -d op_opt
	[ "$status" = 2 ]
	[[ $output == *"no log of 'op_opt'"* ]]
	run vemu -d int -D /no/such/dir/f
	[ "$status" = 1 ]
}

@test "names of the process and of its threads, messages with time and name" {
	spinning
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -smp 2 -pidfile pid \
		-name fred,process=guest-fred,debug-threads=on 3>&- &
	until_ok test -s pid
	[ "$(cat "/proc/$(cat pid)/comm")" = guest-fred ]
	until_ok grep -q '^CPU 1/SOFT$' "/proc/$(cat pid)"/task/*/comm
	kill "$(cat pid)"
	wait $!
	run "$VEMU" -name fred -msg timestamp=on,guest-name=on -display none -kernel nowhere
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z\ fred\ vemu:\ .*nowhere ]]
}

@test "-nodefaults, -no-hpet and -no-acpi leave out what they name" {
	requires socat
	spinning
	for machine in pc q35; do
		for without in "" "-no-hpet -no-acpi -nodefaults"; do
			# shellcheck disable=SC2086
			"$VEMU" -accel soft -m 64 -machine $machine -kernel kernel -display none $without \
				-monitor unix:m,server=on,wait=off 3>&- &
			until_ok test -S m
			tell 'info mtree' >tree
			tell 'info chardev' >chars
			tell 'xp /2 0xe0000' >rsdp
			tell quit >/dev/null || true
			wait $!
			for what in "hpet tree" "serial0 chars" "0x20445352 rsdp"; do
				run grep -q "${what% *}" "${what#* }"
				[ "$status" = "$([ -z "$without" ] && echo 0 || echo 1)" ] || { echo "$machine $without: $what"; false; }
			done
		done
	done
}

@test "-sandbox takes QEMU's rules" {
	[ "$(id -u)" = 0 ] || skip "needs root's rights to do without no_new_privs"
	spinning
	for rules in on on,obsolete=allow,spawn=allow,resourcecontrol=deny on,elevateprivileges=allow \
		on,elevateprivileges=children; do
		rm -f pid
		"$VEMU" -accel soft -m 64 -kernel kernel -display none -pidfile pid -sandbox "$rules" 3>&- &
		until_ok grep -q '^Seccomp:.*2' "/proc/$!/status"
		grep -q "^NoNewPrivs:.*$([[ $rules == *privileges=allow ]] && echo 0 || echo 1)" "/proc/$!/status"
		kill $!
		wait $!
	done
	for bad in on,spawn=perhaps off,spawn=allow maybe on,colour=red; do
		run vemu -sandbox $bad
		[ "$status" = 2 ] || { echo $bad; false; }
	done
}

@test "-runas with numbers, and -chroot" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	spinning
	mkdir jail
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -pidfile pid -runas 65534:65534 -chroot jail 3>&- &
	until_ok grep -q '^Uid:.*65534.*65534.*65534' "/proc/$!/status"
	grep -q '^Groups:.*65534 *$' "/proc/$!/status"
	[ "$(readlink "/proc/$!/root")" = "$PWD/jail" ]
	kill $!
	wait $!
	run vemu -chroot /no/such/dir
	[ "$status" = 1 ]
	[[ $output == *"-chroot /no/such/dir"* ]]
}

@test "-net nic and -net user are a -nic, and halves are named" {
	requires socat
	spinning
	"$VEMU" -accel soft -m 64 -kernel kernel -display none -net nic,model=virtio,macaddr=52:54:00:11:22:33 \
		-net user,hostname=guest -monitor unix:m,server=on,wait=off 3>&- &
	until_ok test -S m
	tell 'info network' | grep -q '52:54:00:11:22:33, user'
	tell quit >/dev/null || true
	wait $!
	while IFS='|' read -r want line; do
		# shellcheck disable=SC2086
		run "$VEMU" $line
		[ "$status" = 2 ] || { echo "$line: $status"; false; }
		[[ $output == *"$want"* ]] || { echo "$line: $output"; false; }
	done <<'EOT'
no -net user|-net nic
no -net nic|-net user
second -net nic|-net nic -net nic
second network|-net user -net user
socket is not supported: there are user, tap and bridge|-net socket
has no 'vlan'|-net nic,vlan=1
EOT
}
