#!/usr/bin/env bats
# ELF kernels by the PVH entry: Linux's vmlinux, unpacked from the stock kernel.
load ../lib/common
load ../lib/vemu

# le32 FILE OFFSET: the number there.
le32() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }

# unpack FROM TO: the kernel within a bzImage (Documentation/arch/x86/boot.rst: payload_offset).
unpack() {
	local setup
	setup=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	tail -c +$(((setup + 1) * 512 + $(le32 "$1" $((0x248))) + 1)) "$1" |
		head -c "$(le32 "$1" $((0x24c)))" | xz -dc --single-stream >"$2" 2>/dev/null || true
	[ "$(head -c 4 "$2")" = $'\177ELF' ]
}

@test "a vmlinux boots by its PVH entry, with initrd, ACPI and command line" {
	requires xz
	vemu_parts
	printf 'cat /proc/cmdline\nls /sys/firmware/acpi/tables\ngrep -c ^processor /proc/cpuinfo\n' >script
	vemu_initrd initrd script
	unpack "$KERNEL" vmlinux
	KERNEL=vmlinux
	vemu_boot 60 "from-pvh" -accel soft -M q35 -smp 2
	said from-pvh
	said MCFG
	grep -qx 2 console
}

@test "an ELF file that is no kernel is refused, with what it lacks" {
	run timeout 20 "$VEMU" -accel soft -display none -kernel "$VEMU"
	[ "$status" = 1 ]
	[[ $output == *"$VEMU: "* ]]
	echo text >other
	run timeout 20 "$VEMU" -accel soft -display none -kernel other
	[ "$status" = 1 ]
	[[ $output == *"neither"*"Multiboot"*"ELF"* ]]
}
