#!/usr/bin/env bats
# The gate of address line 20, as real mode sees it.
load ../lib/common
load ../lib/vemu

@test "A20 shuts and opens by port 92 and by the 8042; a reset opens it" {
	requires nasm
	# W: what is above 1 MiB is what is at 0; S: it is not
	cat >rom.asm <<-'EOF'
		bits 16
		org 0
			cli
			cld
			xor ax, ax
			mov ss, ax
			mov sp, 0x7000
			mov ds, ax
			dec ax
			mov es, ax
			call look		; S
			mov al, 0
			out 0x92, al
			call look		; W
			mov al, 2
			out 0x92, al
			call look		; S
			mov al, 0xd1
			out 0x64, al
			mov al, 0xdd
			out 0x60, al
			call look		; W
			cmp byte [0x700], 1
			je done
			mov byte [0x700], 1
			mov al, 6
			mov dx, 0xcf9
			out dx, al
			hlt
		done:	mov al, 0xdf
			out 0x64, al
			call look		; S
			mov dx, 0xf4
			out dx, al
			hlt
		look:	mov word [0x500], 0x1111
			mov word [es:0x510], 0x2222
			mov al, 'S'
			cmp word [0x500], 0x2222
			jne say
			mov al, 'W'
		say:	mov dx, 0x3f8
			out dx, al
			ret
			times 0xfff0 - ($ - $$) db 0
			jmp 0xf000:0
			times 0x10000 - ($ - $$) db 0
	EOF
	nasm -f bin -o rom.bin rom.asm
	for machine in pc q35; do
		run timeout 20 "$VEMU" -accel soft -M $machine -bios rom.bin -display none -serial stdio \
			-device isa-debug-exit,iobase=0xf4 </dev/null
		[ "$output" = SWSWSWSWS ] || { echo "$output"; false; }
	done
}
