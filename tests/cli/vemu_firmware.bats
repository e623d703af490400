#!/usr/bin/env bats
# Firmware: the distribution's SeaBIOS up to a boot sector made here, ROMs of a few instructions.
load ../lib/common
load ../lib/vemu

seabios() {
	local f
	for f in /usr/share/seabios /usr/share/qemu; do
		[ ! -e $f/bios-256k.bin ] || return 0
	done
	skip "no SeaBIOS here"
}

# sector TEXT: a disk of 1 MiB, sector.img, whose boot sector says TEXT on the serial port and
# switches off.
sector() {
	cat >sector.asm <<-EOF
		bits 16
		org 0x7c00
			mov si, text
		next:	lodsb
			mov bl, al
			test al, al
			jz off
		full:	mov dx, 0x3fd
			in al, dx
			test al, 0x20
			jz full
			mov dx, 0x3f8
			mov al, bl
			out dx, al
			jmp next
		off:	mov dx, 0x604
			mov ax, 0x3400
			out dx, ax
			cli
			hlt
		text:	db "$1", 10, 0
			times 510 - (\$ - \$\$) db 0
			dw 0xaa55
			times 1048576 - 512 db 0
	EOF
	nasm -f bin -o sector.img sector.asm
}

vemu() { timeout 30 "$VEMU" -accel soft -m 64 "$@"; }

@test "SeaBIOS starts, tells who it is, and boots a sector from a virtio disk, on pc and q35" {
	requires nasm
	seabios
	sector "sector reached"
	for machine in pc q35; do
		run vemu -M $machine -nographic -drive file=sector.img,format=raw,if=virtio </dev/null
		[ "$status" = 0 ]
		[[ $output == *SeaBIOS* ]]
		[[ $output == *"Booting from Hard Disk"* ]]
		[[ $output == *"sector reached"* ]] || { echo "$output" | cat -A; false; }
	done
}

@test "without a disk SeaBIOS says that there is nothing to boot; what it finds is as asked for" {
	seabios
	"$VEMU" -accel soft -nographic -debugcon file:log -global isa-debugcon.iobase=0x402 \
		-m 3G -M q35 </dev/null >out &
	pid=$!
	for _ in {1..100}; do
		! grep -q 'No bootable device' out || break
		sleep 0.1
	done
	kill $pid
	wait $pid || true
	grep -q 'No bootable device' out
	grep -q 'Running on QEMU (q35)' log
	grep -q 'e820: addr 0x0000000100000000 len 0x0000000040000000' log
	grep -q 'ACPI: parse DSDT' log
}

@test "bootindex and -boot say which disk comes first" {
	requires nasm
	seabios
	sector first
	cp sector.img a.img
	sector second
	disks=(-drive "file=a.img,format=raw,if=none,id=a"
		-drive "file=sector.img,format=raw,if=none,id=b")
	run vemu -nographic "${disks[@]}" -device virtio-blk-pci,drive=a,bootindex=2 \
		-device virtio-blk-pci,drive=b,bootindex=1 </dev/null
	[[ $output == *second* ]]
	run vemu -nographic "${disks[@]}" -device virtio-blk-pci,drive=a,bootindex=1 \
		-device virtio-blk-pci,drive=b,bootindex=2 </dev/null
	[[ $output == *first* ]]
	run vemu -nographic "${disks[@]}" -device virtio-blk-pci,drive=a,bootindex=2 \
		-device virtio-scsi-pci -device scsi-hd,drive=b,scsi-id=3,bootindex=1 </dev/null
	[[ $output == *second* ]]
	run vemu -boot order=x
	[ "$status" = 2 ]
	[[ $output == *"order=x"* ]]
}

@test "a ROM of -bios runs from the reset vector and finds what -fw_cfg gave it" {
	requires nasm
	# it looks through the directory for opt/text, says what is in it, and ends with status 3
	cat >rom.asm <<-'EOF'
		bits 16
		org 0
			cld
			xor ax, ax
			mov ss, ax
			mov es, ax
			mov sp, 0x7000
			mov ax, cs
			mov ds, ax
			mov dx, 0x510
			mov ax, 0x19
			out dx, ax
			inc dx
			mov di, 0x500
			mov cx, 4
			rep insb
		next:	mov di, 0x600
			mov cx, 64
			rep insb
			mov si, name
			mov di, 0x608
			mov cx, 9
			repe cmpsb
			jne next
			mov ah, [es:0x604]
			mov al, [es:0x605]
			dec dx
			out dx, ax
			inc dx
			mov cx, [es:0x602]
			xchg cl, ch
		say:	in al, dx
			push dx
			mov dx, 0x3f8
			out dx, al
			pop dx
			loop say
			mov al, 1
			out 0xf4, al
			hlt
		name:	db "opt/text", 0
			times 0xfff0 - ($ - $$) db 0
			jmp 0xf000:0
			times 0x10000 - ($ - $$) db 0
	EOF
	nasm -f bin -o rom.bin rom.asm
	printf 'of a file' >text
	for given in string='a text' file=text; do
		run vemu -bios rom.bin -display none -serial stdio -fw_cfg name=opt/other,string=x \
			-fw_cfg "name=opt/text,$given" -device isa-debug-exit,iobase=0xf4 </dev/null
		[ "$status" = 3 ]
		[ "$output" = "$([ "$given" = file=text ] && echo of a file || echo a text)" ]
	done
}

@test "what is no firmware is refused with its name" {
	truncate -s 1000 odd.bin
	run vemu -bios odd.bin -display none
	[ "$status" = 1 ]
	[[ $output == *"odd.bin is 1000 bytes"* ]]
	run vemu -bios nothing.bin -display none
	[ "$status" = 1 ]
	[[ $output == *"no firmware file nothing.bin"* ]]
	run vemu -fw_cfg name=opt/x -display none
	[ "$status" = 2 ]
	run vemu -fw_cfg name=opt/x,file=missing -display none
	[ "$status" = 1 ]
	[[ $output == *missing* ]]
}

@test "what is no flash memory is refused" {
	truncate -s 1000 odd.fd
	run vemu -pflash odd.fd -display none
	[ "$status" = 1 ]
	[[ $output == *"odd.fd: 1"* ]]
	truncate -s 64K a.fd
	run vemu -drive if=pflash,unit=1,file=a.fd,format=raw -display none
	[ "$status" = 1 ]
	[[ $output == *"unit 0"* ]]
	run vemu -pflash a.fd -pflash a.fd -pflash a.fd
	[ "$status" = 2 ]
	run vemu -machine pflash0=nobody
	[ "$status" = 2 ]
	[[ $output == *nobody* ]]
}

@test "a ROM in flash memory programs the second unit, which keeps it" {
	requires nasm
	# big real mode by way of protected mode, for the flash lies below 4 GiB
	cat >rom.asm <<-'EOF'
		bits 16
		org 0
			cli
			o32 lgdt [cs:table]
			mov eax, cr0
			or al, 1
			mov cr0, eax
			mov bx, 8
			mov ds, bx
			and al, 0xfe
			mov cr0, eax
			mov ebx, 0xfffe0000	; the second unit, 64 KiB below this one
			mov byte [ebx + 5], 0x40
			mov byte [ebx + 5], 'V'
			mov byte [ebx], 0xff
			mov al, [ebx + 5]
			mov dx, 0x3f8
			out dx, al
			mov al, 1
			out 0xf4, al
			hlt
		table:	dw 15
			dd 0xf0000 + gdt
			align 8
		gdt:	dq 0, 0x00cf93000000ffff
			times 0xfff0 - ($ - $$) db 0
			jmp 0xf000:0
			times 0x10000 - ($ - $$) db 0
	EOF
	nasm -f bin -o rom.fd rom.asm
	head -c 65536 /dev/zero | tr '\0' '\377' >vars.fd
	run vemu -drive if=pflash,file=rom.fd,format=raw,readonly=on \
		-drive if=pflash,file=vars.fd,format=raw -display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4 </dev/null
	[ "$status" = 3 ]
	[ "$output" = V ]
	[ "$(head -c 6 vars.fd | tail -c 1)" = V ]
}

# ovmf_shell MACHINE: its shell starts, answers, and switches off.
ovmf_shell() {
	ovmf=/usr/share/OVMF/OVMF_CODE_4M.fd
	[ -n "${HOSTKIT_LONG:-}" ] || skip "only in the long run"
	[ -e $ovmf ] || skip "no OVMF here"
	cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd
	# shellcheck disable=SC2094
	{
		for _ in {1..150}; do
			! grep -q 'Shell>' out || break
			sleep 1
		done
		printf 'ver\r'
		sleep 2
		printf 'reset -s\r'
		sleep 60
	} | timeout 180 "$VEMU" -accel soft -M "$1" -m 512 -display none -serial stdio \
		-drive if=pflash,format=raw,readonly=on,file=$ovmf \
		-drive if=pflash,format=raw,file=vars.fd >out
	grep -q 'UEFI Interactive Shell' out
	# it keeps its boot entries
	if cmp -s vars.fd /usr/share/OVMF/OVMF_VARS_4M.fd; then false; fi
}

@test "OVMF starts its shell on q35, which switches off" { ovmf_shell q35; }

@test "OVMF starts its shell on pc, which switches off" { ovmf_shell pc; }

@test "a kernel by -kernel is started by SeaBIOS and by OVMF, too, and sees -smbios" {
	[ -n "${HOSTKIT_LONG:-}" ] || skip "only in the long run"
	seabios
	vemu_parts
	printf 'cat /sys/class/dmi/id/product_serial /proc/cmdline' >script
	vemu_initrd initrd script
	vemu_boot 120 given -bios bios-256k.bin -smbios type=1,serial=S1234
	said S1234
	said given
	[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF here"
	cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd
	vemu_boot 200 given -M q35 -smbios type=1,serial=S1234 \
		-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
		-drive if=pflash,format=raw,file=vars.fd
	said S1234
	said given
}
