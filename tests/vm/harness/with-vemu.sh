#!/bin/sh
# Usage: with-vemu.sh TREE IMAGE
# Puts what a guest of vemu boots from into TREE/inner: the kernel that IMAGE's guests have, and an initramfs that
# says what it found, writes to its disk if there is one, and switches off.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/inner"
inner=$(cd "$1/inner" && pwd)
cp "$2/vmlinuz" "$inner/vmlinuz"
cat >"$inner/script" <<'end'
echo "inner: $(nproc) processors, clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
if [ -b /dev/vda ]; then
	yes inner | head -c 8388608 >/tmp/text
	dd if=/tmp/text of=/dev/vda bs=64k conv=fsync 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
	head -c 8388608 /dev/vda | cmp - /tmp/text && echo "inner: the disk holds what was written"
fi
i=0
while [ $i -lt 30 ]; do
	/bin/busybox true || break
	i=$((i + 1))
done
echo "inner: $i programs ran"
end
sh "$here/initrd.sh" "$2/../../../vm-parts" "$inner/initrd" "$inner/script" virtio_pci virtio_blk
