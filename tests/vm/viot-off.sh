#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm -device virtio-iommu-pci -device virtio-rng-pci
# memory: 512
# limit: 200
# test-timeout: 220
# A virtual IOMMU (VIOT), and Debian's stable kernel, which is built without its driver.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

count() { find "$1" -mindepth 1 -maxdepth 1 | wc -l; }

t "firmware tells of it" test -s /sys/firmware/acpi/tables/VIOT
t "nothing drives it" is 0 count /sys/class/iommu
t "there is no driver" not modprobe -nq virtio_iommu
t "hostcheck: VIOT" verdict ok iommu.table "VIOT: 2 nodes"
t "off" verdict warn iommu.active off
t "for want of a driver" advises iommu.active "its driver is not there for this kernel"
t "so no device can be passed on" verdict skip passthrough.devices
printf '[iommu]\nenable = yes\n' >/etc/hostkit/test.ini
t "vtune asks for no word of Intel's" sh -c '! vtune plan --profile test | grep intel_iommu'
t "and names the module" says "virtio_iommu" vtune plan --profile test
t "vmod says the same" sh -c 'vmod load virtio_iommu >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "has no such module" /tmp/o'
t "as does its status" ends 3 vmod status virtio_iommu
done_testing
