#!/bin/sh
# with: backports
# machine: -machine q35,default_bus_bypass_iommu=on -cpu EPYC,+svm -device virtio-iommu-pci
# machine: -device pxb-pcie,id=px,bus_nr=32,bus=pcie.0 -device pcie-root-port,id=rp,bus=px,chassis=1,slot=1
# machine: -device virtio-rng-pci,bus=rp
# memory: 768
# limit: 240
# test-timeout: 260
# A virtual IOMMU (VIOT), and a kernel that has its driver as a module: off, told, loaded, on.  The disk
# is on a bus that passes it by: devices behind it wait for the driver.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

count() { find "$1" -mindepth 1 -maxdepth 1 | wc -l; }

# grouped N: so many in the end, for devices that waited are probed by and by.
grouped() {
	i=0
	while [ "$(count /sys/kernel/iommu_groups)" != "$1" ] && [ $i -lt 100 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	is "$1" count /sys/kernel/iommu_groups
}

t "firmware tells of it" test -s /sys/firmware/acpi/tables/VIOT
t "nothing drives it yet" is 0 count /sys/class/iommu
t "hostcheck: VIOT" verdict ok iommu.table "VIOT: 2 nodes"
t "off" verdict warn iommu.active off
t "for want of a module" advises iommu.active "modprobe virtio_iommu"
t "so no device can be passed on" verdict skip passthrough.devices
printf '[iommu]\nenable = yes\n' >/etc/hostkit/test.ini
t "vtune asks for no word of Intel's" sh -c '! vtune plan --profile test | grep intel_iommu'
t "but for the module" says "virtio_iommu" vtune plan --profile test
t "vmod loads it" vmod load virtio_iommu
units=$(count /sys/class/iommu)
t "now something drives it" test "$units" = 1
t "and the devices behind it are in groups, the port and what is in it" grouped 2
t "hostcheck: on, with as many groups" verdict ok iommu.active "2 groups"
t "with domains of their own" verdict info iommu.domain "DMA"
t "but interrupts are not remapped, for it cannot" verdict warn iommu.remap "virtio-iommu has none"
t "nothing is left to do for vtune" says "Nothing to do" vtune plan --profile test
t "vmod tells what has it loaded" says "virtio_iommu" vmod status virtio_iommu
done_testing
