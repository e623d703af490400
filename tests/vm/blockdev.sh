#!/bin/sh
# with: disks
# machine: -machine q35 -cpu EPYC,+svm
# machine: -drive file=disks/a.img,if=none,id=a,format=raw,discard=unmap,cache=writeback -device virtio-blk-pci,drive=a
# machine: -drive file=disks/b.img,if=none,id=b,format=raw,discard=ignore,cache=writeback -device virtio-blk-pci,drive=b,discard=off,write-zeroes=off
# machine: -fsdev local,id=h,path=disks,security_model=none,readonly=on -device virtio-9p-pci,fsdev=h,mount_tag=disks
# memory: 512
# limit: 240
# test-timeout: 260
# Zeroes on block devices: on one that can discard and zero they take no room on the host, whose files
# the guest sees by 9p; on one that cannot they are written.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

modprobe 9p
modprobe 9pnet_virtio
mkdir -p /mnt/disks
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,ro disks /mnt/disks

# kib DISK: what it takes on the host.
kib() {
	sync
	echo $(($(stat -c %b "/mnt/disks/$1.img") / 2))
}
at_most() { got=$(kib "$1"); echo "$got KiB"; [ "$got" -le "$2" ]; }
at_least() { got=$(kib "$1"); echo "$got KiB"; [ "$got" -ge "$2" ]; }
data() { dd if=/dev/urandom of="$1" bs=1M seek="$2" count="$3" conv=notrunc 2>/dev/null; }

a=/dev/vdb b=/dev/vdc
t "the guest sees its disks and their files" test -b $a -a -b $b -a -e /mnt/disks/b.img
t "which are full" at_least a 65536
truncate -s 64M /tmp/s.raw
data /tmp/s.raw 8 4

t "raw to a device that discards" vimg convert -f raw -O raw /tmp/s.raw $a
t "it holds the image" vimg compare -f raw -F raw /tmp/s.raw $a
t "and on the host no more than the data" at_most a 5120
t "raw to one that does not" vimg convert -f raw -O raw /tmp/s.raw $b
t "it holds the image as well" vimg compare -f raw -F raw /tmp/s.raw $b
t "with all zeroes written" at_least b 65536

dd if=/dev/zero of=$a bs=1M seek=20 count=30 conv=fsync 2>/dev/null
t "zeroes written by a guest take room" at_least a 30720
t "compact" vimg compact -q -f raw $a
t "gives it back" at_most a 5120
t "and keeps the rest" vimg compare -f raw -F raw /tmp/s.raw $a
t "compact where nothing can be given back" vimg compact -q -f raw $b
t "changes no byte" vimg compare -f raw -F raw /tmp/s.raw $b

t "qcow2 to the device" vimg convert -f raw -O qcow2 /tmp/s.raw $a
t "is sound" vimg check -q -f qcow2 $a
t "and the same" vimg compare -f raw -F qcow2 /tmp/s.raw $a
t "with a pipe as source" sh -c "cat /tmp/s.raw | vimg convert -f raw -O raw - $b && vimg compare -f raw -F raw /tmp/s.raw $b"
done_testing
