#!/usr/bin/env bats
# test-timeout: 240
# A stock kernel in vemu mounts disks that vimg made, writes, and switches itself off: what
# it wrote is there, and the images are sound.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	PATH=$PATH:/sbin:/usr/sbin
}

# disk NAME SIZE: a qcow2 image NAME.qcow2 with an empty ext4 in it.
disk() {
	truncate -s "$2" "$1.raw"
	mke2fs -q -t ext4 -E lazy_itable_init=0 "$1.raw"
	"$VIMG" convert -f raw -O qcow2 "$1.raw" "$1.qcow2"
	rm "$1.raw"
}

# holds NAME: the image is sound to vimg and to QEMU, the file system to e2fsck, and the
# file in it is what the guest has written.
holds() {
	"$VIMG" check "$1.qcow2"
	qemu-img check -q "$1.qcow2"
	"$VIMG" convert -O raw "$1.qcow2" back.raw
	qemu-img compare -q -f qcow2 -F raw "$1.qcow2" back.raw
	e2fsck -fn back.raw
	debugfs -R 'dump numbers numbers.out' back.raw 2>/dev/null
	seq 1 200000 | cmp - numbers.out
	rm back.raw numbers.out
}

# cd NAME: an image of a CD, NAME.iso: a file system of 2 KiB blocks with one file.
cd_image() {
	mkdir -p cdfiles
	seq 1 20000 >cdfiles/numbers
	mke2fs -q -t ext2 -b 2048 -d cdfiles "$1.iso" 4M >/dev/null
}

# The guest's part: every disk named on its command line gets the file, every CD is read.
script() {
	cat >script <<'end'
there() {
	tries=0
	while [ ! -b /dev/$1 ] && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
}
words() { tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"; }
for d in $(words disk); do
	there $d
	mount -t ext4 -o discard /dev/$d /mnt && seq 1 200000 >/mnt/numbers && sync &&
		seq 1 100000 >/mnt/gone && sync && rm /mnt/gone && fstrim /mnt; umount /mnt && echo "wrote $d"
done
for d in $(words cd); do
	there $d
	mount -t ext2 -o ro /dev/$d /mnt && md5sum </mnt/numbers && umount /mnt && echo "read $d"
done
for d in /sys/class/ata_device/dev[0-9]*; do
	[ ! -e $d/xfer_mode ] || echo "${d##*/} $(cat $d/xfer_mode)"
done
grep ahci /proc/interrupts
end
}

@test "a guest writes to qcow2 over virtio and switches off" {
	requires mke2fs e2fsck debugfs qemu-img
	vemu_parts
	disk a 64M
	disk b 32M
	script
	vemu_initrd initrd script virtio_pci virtio_blk crc32c_generic ext4
	# the first over -drive, the second over nodes of which one refers to the other
	vemu_boot 60 "disk=vda disk=vdb" -drive file=a.qcow2,if=virtio,discard=unmap \
		-blockdev driver=file,node-name=f0,filename=b.qcow2 \
		-blockdev '{"driver": "qcow2", "node-name": "d0", "file": "f0", "l2-cache-size": 65536}' \
		-device virtio-blk-pci,drive=d0,num-queues=2
	said "wrote vda"
	said "wrote vdb"
	holds a
	holds b
}

@test "IDE and virtio-scsi on pc: disks, a disk without DMA, CD-ROMs" {
	requires mke2fs e2fsck debugfs qemu-img
	vemu_parts
	disk a 64M
	disk b 32M
	cd_image cd
	script
	disk c 32M
	vemu_initrd initrd script ata_piix virtio_pci virtio_scsi sd_mod sr_mod crc32c_generic ext4
	vemu_boot 60 "disk=sda disk=sdb disk=sdc cd=sr0 cd=sr1 libata.force=1.01:pio4" \
		-hda a.qcow2 -hdb b.qcow2 -cdrom cd.iso -device virtio-scsi-pci,id=s \
		-drive file=c.qcow2,if=none,id=c,discard=unmap -device scsi-hd,drive=c,bus=s.0,scsi-id=1,lun=3 \
		-drive file=cd.iso,if=none,id=d,format=raw,readonly=on -device scsi-cd,drive=d,scsi-id=5
	said "wrote sda"
	said "wrote sdb"
	said "wrote sdc"
	said "read sr0"
	said "read sr1"
	said "dev1.0 XFER_MW_DMA_2"
	said "dev1.1 XFER_PIO_4"
	said "$(seq 1 20000 | md5sum)"
	holds a
	holds b
	holds c
}

@test "AHCI and NVMe on q35: disks and a CD-ROM" {
	requires mke2fs e2fsck debugfs qemu-img
	vemu_parts
	disk a 64M
	cd_image cd
	script
	disk b 64M
	vemu_initrd initrd script ahci nvme sd_mod sr_mod crc32c_generic ext4
	vemu_boot 60 "disk=sda disk=nvme0n1 cd=sr0" -machine q35 -hda a.qcow2 -cdrom cd.iso \
		-blockdev driver=qcow2,node-name=n0,file.driver=file,file.filename=b.qcow2,discard=unmap \
		-device nvme,drive=n0,serial=one
	grep -q 'PCI-MSI.*ahci' console
	said "wrote sda"
	said "wrote nvme0n1"
	said "read sr0"
	said "$(seq 1 20000 | md5sum)"
	holds a
	holds b
}

@test "vemu is killed while the guest writes: the image is sound, and the guest's journal mends the rest" {
	requires mke2fs e2fsck qemu-img
	vemu_parts
	local rounds=1
	! long_run || rounds=20
	cat >script <<'end'
mount -t ext4 /dev/vda /mnt
echo "wri""ting"
i=0
while :; do
	i=$((i + 1))
	seq $i $((i + 20000)) >/mnt/file$((i % 7))
	[ $((i % 3)) != 0 ] || sync
done
end
	vemu_initrd initrd script virtio_pci virtio_blk crc32c_generic ext4
	while [ $rounds -gt 0 ]; do
		rounds=$((rounds - 1))
		disk a 64M
		vemu_again
		vemu_start -nographic -m 256 -kernel "$KERNEL" -initrd initrd \
			-append "console=ttyS0 quiet" -drive file=a.qcow2,if=virtio
		vemu_wait 60 writing
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		kill -9 "$VEMU_PID"
		wait "$VEMU_PID" 2>/dev/null || :
		exec 7>&-
		sound a.qcow2
		run "$VIMG" check a.qcow2
		[ "$status" = 0 ] || [ "$status" = 3 ]
		rm -f back.raw # the last round's, which holds a file system
		"$VIMG" convert -O raw a.qcow2 back.raw
		# replays the journal; nothing is left to mend after that
		e2fsck -fy -E journal_only back.raw || :
		e2fsck -fn back.raw
	done
}

@test "no room for the image: the machine stops, cont tries again; or the guest is told" {
	vemu_parts
	cat >script <<'end'
dd if=/dev/zero of=/dev/vda bs=64k count=200 conv=fsync && echo "all wr""itten" || echo "not wr""itten"
end
	vemu_initrd initrd script virtio_pci virtio_blk
	local common=(-nographic -m 256 -kernel "$KERNEL" -initrd initrd -append "console=ttyS0 quiet")
	export FAULT_AT=5 FAULT_ERRNO=28 FAULT_WRITES=1
	truncate -s 16M disk.raw
	LD_PRELOAD=$IOFAULT vemu_start "${common[@]}" -drive file=disk.raw,format=raw,if=virtio
	local tries=0
	until grep -q 'paused (io-error)' console; do
		printf '\001cinfo status\r\001c' >&7
		sleep 1
		[ $((tries += 1)) -lt 60 ]
	done
	printf '\001ccont\r\001c' >&7
	vemu_wait 30 'all written'
	vemu_ends 30
	long_run || return 0
	vemu_again
	LD_PRELOAD=$IOFAULT vemu_start "${common[@]}" -drive file=disk.raw,format=raw,if=virtio,werror=report
	vemu_wait 60 'not written'
	vemu_ends 30
}
