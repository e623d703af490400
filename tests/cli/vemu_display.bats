#!/usr/bin/env bats
# What guests show: pictures by screendump, beside QEMU's of the same guest where there is one.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	requires nasm socat
	[ -e /usr/share/seabios/vgabios-stdvga.bin ] || [ -e /usr/share/qemu/vgabios-stdvga.bin ] ||
		skip "no BIOS for graphics cards here"
}

# picture MODE: a disk, MODE.img, whose boot sector sets this mode of the BIOS and fills the screen.
picture() {
	cat >sector.asm <<-'EOF'
		bits 16
		org 0x7c00
			xor ax, ax
			mov ds, ax
			mov ss, ax
			mov sp, 0x7000
			mov ax, MODE
			mov bx, MODE
		%if MODE >= 0x100
			mov ax, 0x4f02
		%endif
			int 0x10
			mov ax, 0xa000
			mov es, ax
		%if MODE = 3
			mov ah, 1		; no cursor
			mov cx, 0x2607
			int 0x10
			mov si, text
		say:	lodsb
			test al, al
			jz colors
			mov ah, 0x0e
			mov bx, 7
			int 0x10
			jmp say
		colors:	mov ax, 0xb800
			mov es, ax
			mov di, 160 * 12
			xor ax, ax
			mov cx, 128
		color:	stosw
			add ax, 0x0101
			loop color
		%elif MODE = 0x12
			xor dx, dx
		line:	mov cx, dx
			mov ax, dx
			and al, 15
			mov ah, 0x0c
			xor bx, bx
			int 0x10
			inc dx
			cmp dx, 300
			jb line
			mov dx, 0x3ce
			mov ax, 0x0205		; write mode 2
			out dx, ax
			mov ax, 0x5a08
			out dx, ax
			mov cx, 4000
			mov di, 80 * 320
		bar:	mov al, [es:di]
			mov al, cl
			stosb
			loop bar
			mov ax, 0x0305		; write mode 3
			out dx, ax
			mov ax, 0x0900
			out dx, ax
			mov ax, 0xff08
			out dx, ax
			mov cx, 2000
			mov di, 80 * 420
		dots:	mov al, [es:di]
			mov al, cl
			stosb
			loop dots
		%else
		%if MODE < 7
			mov ax, 0xb800
			mov es, ax
		%endif
			mov bp, 3
		bank:	xor di, di
			mov cx, 16384
		fill:	mov ax, di
			add al, ah
			add ax, bp
			stosw
			loop fill
		%if MODE >= 0x100
			mov ax, 0x4f05
			xor bx, bx
			mov dx, bp
			int 0x10
			dec bp
			jnz bank
		%endif
		%endif
			mov si, done
		next:	lodsb
			mov dx, 0x3f8
			out dx, al
			test al, al
			jnz next
			cli
			hlt
		text:	db "Hello, screen ", 0xc4, 0xcd, 0xdb, 13, 10, 0
		done:	db "done", 10, 0
			times 510 - ($ - $$) db 0
			dw 0xaa55
			times 1048576 - 512 db 0
	EOF
	nasm -f bin -DMODE="$1" -o "$1.img" sector.asm
}

# shot FILE PROGRAM...: runs the guest until it is done and takes a picture.
shot() {
	local file=$1 pid rc=1
	shift
	rm -f serial mon "$file"
	"$@" -m 128 -display none -serial file:serial -monitor unix:mon,server=on,wait=off \
		>run.out 2>&1 &
	pid=$!
	for _ in {1..600}; do
		if grep -q "done" serial 2>/dev/null; then
			printf 'screendump %s\nquit\n' "$file" | socat -t5 - unix:mon >mon.out
			rc=0
			break
		fi
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	[ $rc = 0 ] || kill $pid
	wait $pid || true
	[ -s "$file" ] || { cat run.out mon.out; return 1; }
}

# like_qemu MODE OPTION...
like_qemu() {
	local mode=$1
	shift
	picture "$mode"
	shot ours.ppm "$VEMU" -accel soft -drive "file=$mode.img,format=raw,if=virtio" "$@"
	shot theirs.ppm qemu-system-x86_64 -accel tcg \
		-drive "file=$mode.img,format=raw,if=virtio" "$@"
	[ "$(head -n 2 ours.ppm | tail -n 1)" = "$(head -n 2 theirs.ppm | tail -n 1)" ]
	cmp ours.ppm theirs.ppm
}

@test "text, planes, 256 colours and VBE look as on QEMU" {
	requires qemu-system-x86_64
	for mode in 3 0x12 0x13 0x118; do
		like_qemu $mode
	done
}

@test "CGA's modes, others of VGA and VBE look as on QEMU" {
	requires qemu-system-x86_64
	long_run || skip "only in the long run"
	for mode in 4 6 0x0d 0x10 0x101 0x103 0x10e 0x111 0x112 0x115; do
		like_qemu $mode -M q35
	done
}

@test "screendump says why there is no picture" {
	picture 3
	run shot none.ppm "$VEMU" -accel soft -vga none -drive file=3.img,format=raw,if=virtio
	[ "$status" = 1 ]
	[[ $output == *"no graphics card"* ]]
	run timeout 10 "$VEMU" -bios /dev/null -vga cirrus
	[ "$status" = 2 ]
	[[ $output == *"-vga cirrus"* ]]
	for wrong in VGA,vgamem_mb=3 VGA,vgamem_mb=512 bochs-display,vgamem=0 VGA,xres=99999 \
		VGA,blocks=1; do
		run timeout 10 "$VEMU" -device $wrong
		[ "$status" = 2 ]
	done
	run timeout 10 "$VEMU" -device VGA -device VGA
	[ "$status" = 2 ]
	[[ $output == *"one VGA"* ]]
}

@test "Linux draws on VGA and on bochs-display" {
	long_run || skip "only in the long run"
	vemu_parts
	cat >script <<-'EOF'
		cat /sys/class/drm/card0-Virtual-1/modes | head -n 1
		cat /sys/class/graphics/fb0/virtual_size
		i=0
		while [ $i -lt 64 ]; do printf '\001\002\003\000\377\000\200\000'; i=$((i + 1)); done >/dev/fb0
		sleep 2
		echo done
		sleep 1000
	EOF
	vemu_initrd initrd script bochs
	for card in "-vga std" "-vga none -device bochs-display,xres=1024,yres=768"; do
		# shellcheck disable=SC2086
		shot fb.ppm "$VEMU" -accel soft $card -kernel "$KERNEL" -initrd initrd \
			-append "console=ttyS0 quiet"
		tr -d '\r' <serial
		width=$(head -n 2 fb.ppm | tail -n 1)
		width=${width% *}
		[ "$width" -ge 1024 ]
		# the first pixels behind the console's cursor, which takes eight, in the order of PPM
		[ "$(head -n 3 fb.ppm | wc -c)" -gt 0 ]
		[ "$(tail -c +"$(($(head -n 3 fb.ppm | wc -c) + 25))" fb.ppm | head -c 6 | od -An -tx1)" = \
			" 03 02 01 80 00 ff" ]
	done
}
