#!/usr/bin/env bats
# test-timeout: 300
# GRUB, as distributions have it: from disks and from CDs, by the BIOS's calls alone.
load ../lib/common
load ../lib/vemu

MODULES=/usr/lib/grub/i386-pc

setup() {
	common_setup
	requires grub-mkimage mke2fs sfdisk
	[ -e $MODULES/boot.img ] || skip "no GRUB for BIOSes here"
	cat >head.cfg <<-'EOF'
		serial --unit=0 --speed=115200
		terminal_input serial
		terminal_output serial
	EOF
	mkdir -p tree/boot/grub
}

# grub_cfg: the configuration from standard input.
grub_cfg() { cat head.cfg - >tree/boot/grub/grub.cfg; }

# grub_disk FILE: a disk with a boot record, GRUB behind it and the tree in an ext2 partition.
grub_disk() {
	rm -f "$1" fs.img
	# shellcheck disable=SC2016 # GRUB's own variables
	echo 'search --set=root --file /boot/grub/grub.cfg
		set prefix=($root)/boot/grub' >early.cfg
	grub-mkimage -O i386-pc -c early.cfg -p /boot/grub -o core.img biosdisk part_msdos ext2 \
		search normal serial terminal echo lsmmap halt linux cpuid test sleep regexp \
		configfile boot ls cat chain
	truncate -s 63M fs.img
	mke2fs -q -t ext2 -d tree fs.img
	truncate -s 64M "$1"
	dd if=$MODULES/boot.img of="$1" bs=440 count=1 conv=notrunc status=none
	echo '2048,,L,*' | sfdisk -q "$1"
	dd if=core.img of="$1" bs=512 seek=1 conv=notrunc status=none
	dd if=fs.img of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
}

# grub SECONDS OPTION...: what it says is in the file console, without the screen's codes.
grub() {
	local limit=$(($1 * ${TEST_SCALE:-1})) rc=0
	shift
	timeout -k 5 "$limit" "$VEMU" -accel soft -m 256 -nographic -no-reboot "$@" \
		</dev/null >console.raw 2>vemu.err || rc=$?
	sed 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\r//g' console.raw >console
	[ "$rc" = 0 ] && return
	echo "vemu ended with $rc"
	cat vemu.err
	tail -n 40 console
	return 1
}

@test "GRUB starts from disks on IDE, SATA, virtio, SCSI and NVMe, reads files and the memory map" {
	echo of a file >tree/text
	grub_cfg <<-'EOF'
		echo "root is $root"
		cat /text
		lsmmap
		halt
	EOF
	grub_disk disk.img
	drive=(-drive 'file=disk.img,format=raw,if=none,id=d')
	for on in "-M pc -drive file=disk.img,format=raw" "-M q35 -drive file=disk.img,format=raw" \
		"-M pc -drive file=disk.img,format=raw,if=virtio" \
		"-M q35 ${drive[*]} -device virtio-scsi-pci -device scsi-hd,drive=d" \
		"-M q35 ${drive[*]} -device nvme,drive=d"; do
		# shellcheck disable=SC2086
		grub 30 $on
		said 'root is hd0,msdos1'
		said 'of a file'
		said 'base_addr = 0x100000, length = 0xfef'
	done
}

@test "a boot sector that GRUB chains to runs in real mode" {
	requires nasm
	cat >sector.asm <<-'EOF'
		bits 16
		org 0x7c00
			mov si, text
			mov dx, 0x3f8
		next:	lodsb
			out dx, al
			test al, al
			jnz next
			mov dx, 0x604
			mov ax, 0x3400
			out dx, ax
			hlt
		text:	db "chained", 10, 0
			times 510 - ($ - $$) db 0
			dw 0xaa55
	EOF
	nasm -f bin -o tree/sector sector.asm
	printf 'chainloader /sector\nboot\n' | grub_cfg
	grub_disk disk.img
	grub 30 -drive file=disk.img,format=raw
	said chained
}

@test "GRUB starts from CDs on IDE, SATA and SCSI" {
	requires grub-mkrescue xorriso
	# shellcheck disable=SC2016
	printf 'echo "root is $root"\nhalt\n' | grub_cfg
	grub-mkrescue --fonts= --locales= --themes= -o cd.iso tree >mkrescue.log 2>&1 ||
		{ cat mkrescue.log; false; }
	for on in "-M pc -cdrom cd.iso" "-M q35 -cdrom cd.iso" \
		"-drive if=none,id=c,media=cdrom,file=cd.iso -device virtio-scsi-pci -device scsi-cd,drive=c"; do
		# shellcheck disable=SC2086
		grub 30 $on
		said 'root is hd96'
	done
	# the same image is a disk, too
	grub 30 -drive file=cd.iso,format=raw,readonly=on,if=virtio
	said 'root is hd0'
}

@test "GRUB starts a stock kernel from a disk and from a CD" {
	requires grub-mkrescue xorriso
	vemu_parts
	printf 'cat /proc/cmdline\ngrep -c BIOS-e820 /dev/null\n' >script
	vemu_initrd initrd script
	cp "$KERNEL" tree/vmlinuz
	cp initrd tree/initrd
	grub_cfg <<-'EOF'
		linux /vmlinuz console=ttyS0 quiet panic=-1 from=$root
		initrd /initrd
		boot
	EOF
	grub_disk disk.img
	grub 60 -drive file=disk.img,format=raw
	said from=hd0,msdos1
	long_run || return 0
	grub 60 -M q35 -drive file=disk.img,format=raw,if=virtio
	said from=hd0,msdos1
	grub-mkrescue --fonts= --locales= --themes= -o cd.iso tree >mkrescue.log 2>&1
	for machine in pc q35; do
		grub 60 -M $machine -cdrom cd.iso
		said from=hd96
	done
}
