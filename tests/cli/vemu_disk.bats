#!/usr/bin/env bats
# test-timeout: 240
# A stock kernel in vemu mounts disks that vimg made, writes, and switches itself off: what
# it wrote is there, and the images are sound.
load ../lib/common
load ../lib/vemu

# disk NAME SIZE: a qcow2 image NAME.qcow2 with an empty ext4 in it.
disk() {
	truncate -s "$2" "$1.raw"
	PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -E lazy_itable_init=0 "$1.raw"
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

# The guest's part: every disk named on its command line gets the file.
script() {
	cat >script <<'end'
for d in $(tr ' ' '\n' </proc/cmdline | sed -n 's/^disk=//p'); do
	tries=0
	while [ ! -b /dev/$d ] && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
	mount -t ext4 /dev/$d /mnt && seq 1 200000 >/mnt/numbers && sync &&
		cat /mnt/numbers | md5sum && umount /mnt && echo "wrote $d"
done
end
}

@test "a guest writes to qcow2 over virtio and switches off" {
	requires mke2fs e2fsck debugfs qemu-img
	PATH=$PATH:/sbin:/usr/sbin
	vemu_parts
	disk a 64M
	script
	vemu_initrd initrd script virtio_pci virtio_blk crc32c_generic ext4
	vemu_boot 60 disk=vda -drive file=a.qcow2,if=virtio
	said "wrote vda"
	holds a
}
