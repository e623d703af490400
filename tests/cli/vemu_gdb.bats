#!/usr/bin/env bats
# GDB looks into guests of a few instructions through vemu's stub.
load ../lib/common
load ../lib/flat

# debug OPTION... : vemu stopped at its first instruction, with the stub at the socket gdb.sock.
debug() {
	timeout 60 "$VEMU" -accel soft -m 64 -kernel kernel -display none -serial null -S \
		-gdb "unix:$PWD/gdb.sock" "$@" 2>vemu.err &
	VEMU_PID=$!
	for _ in {1..100}; do [ -S gdb.sock ] && return; sleep 0.1; done
	cat vemu.err
	return 1
}

# ask: gdb does what is on the input; what it says is in the file said.
ask() {
	{ echo "target remote $PWD/gdb.sock"; cat; echo kill; } >commands
	timeout 60 gdb -nx -batch -x commands >said 2>&1 || { cat said; return 1; }
	wait "$VEMU_PID" || true
}

has() { grep -qE -- "$1" said || { echo "not said: $1"; cat said; return 1; }; }

# inc rax; mov [0x200000], rax; mov rbx, [0x200008]; jmp back
loop='48 ff c0 48 89 04 25 00 00 20 00 48 8b 1c 25 08 00 20 00 eb eb'

@test "registers, steps, breakpoints, watchpoints and memory of 64-bit code" {
	requires gdb
	# shellcheck disable=SC2086
	kernel $loop
	debug
	ask <<'EOF'
set $s = $rip
set $rax = 41
stepi
printf "step %d %d\n", $rip - $s, $rax
break *($s + 19)
continue
printf "break %d %d\n", $rip - $s, $rax
continue
printf "again %d %d\n", $rip - $s, $rax
delete
hbreak *($s + 3)
continue
printf "hard %d %d\n", $rip - $s, $rax
delete
watch *(long *)0x200000
continue
printf "watch %d %d\n", $rip - $s, *(long *)0x200000
delete
set var *(long *)0x200008 = 0x1234
rwatch *(long *)0x200008
continue
printf "rwatch %d %#lx\n", $rip - $s, $rbx
printf "code %x %x\n", *(unsigned char *)$s, *(unsigned char *)($s + 1)
printf "cr0 %#lx xmm %d\n", $cr0, $xmm0.v4_int32[0]
monitor info status
info threads
EOF
	has '^step 3 42$'
	has '^break 19 42$'
	has '^again 19 43$'
	has '^hard 3 44$'
	has '^watch 11 44$'
	has '^rwatch 19 0x1234$'
	has '^code 48 ff$'
	has '^cr0 0x8'
	has 'VM status: paused'
	has 'Thread 1 \(vCPU 0\)'
}

@test "detaching lets the guest go on, and connecting again stops it" {
	requires gdb
	# shellcheck disable=SC2086
	kernel $loop
	debug -monitor "unix:$PWD/mon.sock,server=on,wait=off"
	cat >commands <<EOF
target remote $PWD/gdb.sock
break *\$rip
delete
detach
EOF
	timeout 60 gdb -nx -batch -x commands >said 2>&1
	sleep 0.5
	cat >commands <<EOF
target remote $PWD/gdb.sock
printf "count %d\n", \$rax > 1000
kill
EOF
	timeout 60 gdb -nx -batch -x commands >said 2>&1
	has '^count 1$'
	wait "$VEMU_PID" || true
}

@test "two vCPUs are two threads, and one alone is stepped" {
	requires gdb
	# shellcheck disable=SC2086
	kernel $loop
	debug -smp 2
	ask <<'EOF'
info threads
thread 1
set $a = $rax
stepi
printf "one %d\n", $rax - $a
EOF
	has 'Thread 2 \(vCPU 1'
	has '^one 1$'
}

@test "what is no place for the stub, or no accelerator for it, is refused" {
	run "$VEMU" -gdb stdio
	[ "$status" = 2 ]
	[[ $output == *"-gdb stdio"* ]]
}
