#!/usr/bin/env bats
# test-timeout: 600
# Guests with several vCPUs: flat ones that start them, and stock kernels in the long run.
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/flat
load ../lib/vemu

# guest N: a bzImage whose 64-bit entry starts the N - 1 other processors, twice, by INIT and
# SIPI to all but itself, and switches off when each has counted.
guest() {
	requires nasm
	cat >guest.asm <<end
	bits 64
	cli
	cld
	lea rsi, [rel ap]
	mov edi, 0x30000
	mov ecx, ap_end - ap
	rep movsb
	mov dword [0x31000], 0
	mov ebx, 0xfee00000
	mov dword [rbx + 0xf0], 0x1ff
	mov r12d, $1 - 1
again:	mov dword [rbx + 0x300], 0xc4500
	mov dword [rbx + 0x300], 0xc4630
	mov dword [rbx + 0x300], 0xc4630
until:	pause
	cmp [0x31000], r12d
	jb until
	add r12d, $1 - 1
	cmp r12d, ($1 - 1) * 2
	jbe again
	mov eax, [0x31000]
	add al, '0'
	mov dx, 0x3f8
	out dx, al
	mov dx, 0x604
	mov ax, 0x3400
	out dx, ax
halt:	hlt
	jmp halt
	bits 16
ap:	lock inc dword [cs:0x1000]
	cli
	hlt
ap_end:
end
	nasm -f bin -o guest.bin guest.asm
	# shellcheck disable=SC2046 # bytes are words
	kernel $(od -An -v -tx1 guest.bin)
}

@test "a guest starts its other processors, and again where they halt" {
	guest 2
	run timeout 60 "$VEMU" -accel soft -m 16 -smp 2 -kernel kernel -nographic </dev/null
	[ "$status" = 0 ]
	[ "$output" = 2 ]
	# more than this host has, and more than one socket
	guest 5
	for m in pc q35; do
		run timeout 60 "$VEMU" -accel soft -machine $m -m 16 -smp 5,sockets=5 -kernel kernel -nographic </dev/null
		[ "$status" = 0 ]
		[ "$output" = 8 ]
	done
}

@test "a reset with several processors begins anew" {
	guest 3
	# the guest's S5 becomes a reset by port cf9
	sed -i 's/mov dx, 0x604/mov dx, 0xcf9/; s/mov ax, 0x3400/mov al, 6/; s/out dx, ax/out dx, al/' guest.asm
	nasm -f bin -o guest.bin guest.asm
	dd if=guest.bin of=kernel bs=1 seek=$((2048 + 0x200)) conv=notrunc status=none
	run timeout 60 "$VEMU" -accel soft -m 16 -smp 3 -kernel kernel -nographic -no-reboot </dev/null
	[ "$output" = 4 ]
	"$VEMU" -accel soft -m 16 -smp 3 -kernel kernel -serial file:out -display none &
	for ((i = 0; i < 200; i++)); do
		[ "$(stat -c %s out 2>/dev/null || echo 0)" -lt 5 ] || break
		sleep 0.1
	done
	kill %1
	wait || true
	[[ $(cat out) == 44444* ]]
}

# no_complaint: the kernel was.
no_complaint() {
	! grep -q "it complained" console && return
	grep -aE 'rcu.*stall|soft lockup|BUG:|Oops|unstable' console
	return 1
}

@test "stock kernels with several processors switch themselves off" {
	long_run || skip "part of make check-long"
	vemu_parts
	cat >script <<'end'
echo "processors $(nproc)"
for i in 1 2 3 4; do
	(n=0; while [ $n -lt 20000 ]; do n=$((n + 1)); done; echo "counted $i") &
done
wait
awk '/^physical id/ { p = $NF } /^core id/ { print "place " p "." $NF }' /proc/cpuinfo | tr '\n' ' '
dmesg | grep -E 'rcu.*stall|soft lockup|BUG:|Oops|unstable' && echo "it complained"
end
	vemu_initrd initrd script
	for m in pc q35; do
		vemu_boot 120 "" -accel soft -machine $m -smp 2
		said "processors 2"
		said "counted 4"
		no_complaint
	done
	vemu_boot 240 "" -accel soft -machine q35 -cpu Haswell -smp 6,sockets=2,cores=3
	said "processors 6"
	said "place 0.0 place 0.1 place 0.2 place 1.0 place 1.1 place 1.2"
	no_complaint
}
