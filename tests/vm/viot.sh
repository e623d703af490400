#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm -device virtio-iommu-pci -device virtio-rng-pci
# memory: 512
# limit: 200
# test-timeout: 220
# A virtual IOMMU (VIOT), whose driver is a module.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

count() { find "$1" -mindepth 1 -maxdepth 1 | wc -l; }

t "firmware tells of it" test -s /sys/firmware/acpi/tables/VIOT
t "nothing drives it yet" is 0 count /sys/class/iommu
t "hostcheck: VIOT" verdict ok iommu.table "VIOT: 2 nodes"
t "off" verdict warn iommu.active off
# Debian's kernel is built without its driver; where there is one, it is loaded below.
if modprobe -nq virtio_iommu; then
	t "for want of a module" advises iommu.active "modprobe virtio_iommu"
else
	t "for want of a driver" advises iommu.active "its driver is not there for this kernel"
fi
t "so no device can be passed on" verdict skip passthrough.devices
printf '[iommu]\nenable = yes\n' >/etc/hostkit/test.ini
t "vtune asks for no word of Intel's" sh -c '! vtune plan --profile test | grep intel_iommu'
t "and names the module" says "virtio_iommu" vtune plan --profile test
modprobe -nq virtio_iommu || {
	t "vmod says the same" sh -c 'vmod load virtio_iommu >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "has no such module" /tmp/o'
	t "as does its status" ends 3 vmod status virtio_iommu
	done_testing
	exit 0
}
t "vmod loads it" vmod load virtio_iommu
units=$(count /sys/class/iommu)
groups=$(count /sys/kernel/iommu_groups)
t "now something drives it" test "$units" = 1
echo "# $groups groups"
t "hostcheck: on, with as many groups" verdict ok iommu.active "$groups group"
t "vmod tells what has it loaded" says "virtio_iommu" vmod status virtio_iommu
done_testing
