#!/usr/bin/env bats
# The screen on a terminal: tmux is the terminal and types.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	requires nasm tmux
	requires_pty
	[ -e /usr/share/seabios/bios-256k.bin ] || [ -e /usr/share/qemu/bios-256k.bin ] ||
		skip "no SeaBIOS here"
	# it shows the codes of keys by the BIOS; G: graphics, T: text again
	cat >keys.asm <<-'EOF'
		bits 16
		org 0x7c00
			xor ax, ax
			mov ds, ax
			mov ss, ax
			mov sp, 0x7000
			mov ax, 3
			int 0x10
			mov si, text
		say:	lodsb
			test al, al
			jz keys
			mov ah, 0x0e
			mov bx, 7
			int 0x10
			jmp say
		keys:	xor ax, ax
			int 0x16
			cmp al, 'G'
			je graphics
			cmp al, 'T'
			je 0x7c00
			push ax
			mov al, ah
			call hex
			pop ax
			call hex
			mov ax, 0x0e20
			int 0x10
			jmp keys
		graphics: mov ax, 0x13
			int 0x10
			jmp keys
		hex:	push ax
			shr al, 4
			call digit
			pop ax
			and al, 15
		digit:	add al, '0'
			cmp al, '9'
			jbe show
			add al, 7
		show:	mov ah, 0x0e
			mov bx, 7
			int 0x10
			ret
		text:	db "type", 0xc4, 0xdb, " ", 0
			times 510 - ($ - $$) db 0
			dw 0xaa55
			times 1048576 - 512 db 0
	EOF
	nasm -f bin -o keys.img keys.asm
}

teardown() {
	tmux -S "$WORK/tmux" kill-server 2>/dev/null || true
	common_teardown
}

t() { tmux -S "$WORK/tmux" -f /dev/null "$@"; }

# on_terminal LOCALE OPTION...: vemu on a terminal of 90 columns; its exit status is the file status.
on_terminal() {
	local locale=$1
	shift
	LC_ALL=$locale t -u new-session -d -x 90 -y 30 \
		"$VEMU -accel soft -m 64 -display curses $* 2>err; echo \$? >status; sleep 1000"
}

# shows TEXT: the terminal does, at last.
shows() {
	for _ in {1..150}; do
		! t capture-pane -p | grep -qF -- "$1" || return 0
		sleep 0.1
	done
	echo "the terminal does not show '$1':"
	t capture-pane -p
	return 1
}

@test "text is shown, keys arrive, graphics are told of, C-a x ends" {
	on_terminal C.UTF-8 -drive file=keys.img,format=raw,if=virtio
	shows "type─█"
	t send-keys a B '{' Enter F5 Up
	shows "1E61 3042 1A7B 1C0D 3F00 4800"
	t send-keys Escape
	shows "011B"
	t send-keys M-x C-c
	shows "2D00 2E03"
	# C-a twice is one for the guest
	t send-keys C-a C-a
	shows "1E01"
	t send-keys G
	shows "Graphics of 640 x 400 pixels"
	t send-keys T
	shows "type"
	t send-keys C-a x
	for _ in {1..50}; do
		[ ! -s status ] || break
		sleep 0.1
	done
	[ "$(cat status)" = 0 ]
}

@test "a terminal without Unicode gets letters, one that grows shows more" {
	on_terminal C -drive file=keys.img,format=raw,if=virtio
	shows "type-#"
	t send-keys a
	shows 1E61
	t resize-window -x 20 -y 5
	t send-keys b
	t resize-window -x 100 -y 40
	shows "1E61 3062"
}

@test "what cannot be shown on this terminal is refused" {
	run vemu_refused -display curses
	[ "$status" = 1 ]
	[[ $output == *"needs a terminal"* ]]
	for also in "-serial stdio" -nographic "-monitor stdio" -daemonize; do
		# shellcheck disable=SC2086
		run vemu_refused -display curses $also
		[ "$status" = 2 ]
		[[ $output == *"-display curses"* ]]
	done
	on_terminal C.UTF-8 -vga none
	for _ in {1..50}; do
		[ ! -s status ] || break
		sleep 0.1
	done
	[ "$(cat status)" = 1 ]
	grep -q "no graphics card" err
}

vemu_refused() { timeout 20 "$VEMU" -accel soft "$@" </dev/null; }
