#!/usr/bin/env bats
# Programs of others that test processors and memory, in the software engine, in long runs:
# test386.asm (https://github.com/barotto/test386.asm, a BIOS that tries the 80386 instruction
# by instruction) and memtest86+ (Debian's package).  TEST386 names a clone of the first;
# without it it is fetched.
#
# Taken out of test386: a page fault finds the directory's entry not accessed.  Processors
# since the Pentium have marked it by then, and so does vemu.
# test-timeout: 1800
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu
COMMIT=cfd052d1e64d5375dea5a681c1eadeed64ceda2c
FROM=https://github.com/barotto/test386.asm.git

setup() {
	common_setup
	long_run || [ -n "${TEST386:-}" ] || skip "in long runs, or with TEST386=DIR"
}

teardown() {
	[ -z "${VEMU_PID:-}" ] || kill "$VEMU_PID" 2>/dev/null || :
	common_teardown
}

# rom: test386.bin, which reports to ports 190 and COM1.
rom() {
	if [ -n "${TEST386:-}" ]; then
		cp -r "$TEST386" t
	else
		GIT_TERMINAL_PROMPT=0 timeout 120 git clone -q "$FROM" t 2>/dev/null || return 1
		git -C t checkout -q "$COMMIT"
	fi
	sed -i 's/^POST_PORT equ .*/POST_PORT equ 0x190/; s/^COM_PORT equ .*/COM_PORT equ 1/
		s/^ROM128 equ .*/ROM128 equ 1/' t/src/configuration.asm
	sed -i "/PDE's A bit should be 0/,+1d" t/src/tests/paging_p.asm
	(cd t && nasm -w-all -i./src/ -f bin src/test386.asm -o ../test386.bin)
}

# passes OPTION...
passes() {
	rm -f post out
	"$VEMU" -m 16 -bios test386.bin -display none -monitor none -serial file:out \
		-debugcon file:post -global isa-debugcon.iobase=0x190 "$@" &
	VEMU_PID=$!
	for _ in {1..600}; do
		[ "$(tail -c 1 post 2>/dev/null | od -An -tx1)" != " ff" ] || break
		sleep 0.1
	done
	kill "$VEMU_PID"
	wait "$VEMU_PID" || :
	od -An -tx1 post
	[ "$(tail -c 1 post | od -An -tx1)" = " ff" ]
	tr -d '\r' <out | cmp - t/test386-EE-reference.txt
}

@test "test386: real, protected and virtual-8086 mode, tasks, faults, and flags of 45,000 operations" {
	requires nasm git
	rom || skip "test386.asm cannot be had: set TEST386"
	passes -machine pc -accel soft
	passes -machine q35 -accel soft,step=on
}

@test "memtest86+ finds the memory sound" {
	requires apt-get dpkg-deb
	apt-get download -qq -o APT::Sandbox::User=root memtest86+ >/dev/null 2>&1 || skip "no package memtest86+"
	dpkg-deb --fsys-tarfile memtest86+_*.deb | tar -x
	mkfifo keys
	"$VEMU" -accel soft -machine q35 -m 8 -kernel boot/memtest86+x64.bin \
		-append "console=ttyS0,115200 nosm" -nographic <keys >console 2>&1 &
	VEMU_PID=$!
	exec 7>keys
	# past the first half of the first pass
	for _ in {1..900}; do
		! grep -aqE ' [5-9][0-9]% #{10}' console || break
		sleep 1
	done
	kill "$VEMU_PID"
	grep -aqE ' [5-9][0-9]% #{10}' console
	grep -aq 'Errors: 0' console
	run ! grep -aE 'Errors: *[1-9]' console
}
