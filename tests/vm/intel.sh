#!/bin/sh
# machine: -machine q35,kernel-irqchip=split -cpu Skylake-Server,-pcid -device intel-iommu,intremap=on,aw-bits=48
# machine: -device virtio-rng-pci
# append: intel_iommu=on
# memory: 768
# limit: 300
# test-timeout: 320
# Intel with its IOMMU on, inside a virtual machine whose host passes no VT-x on.  A device that
# the host can spare is given to guests, and over a restart again.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

dmar=/sys/firmware/acpi/tables/DMAR
groups=$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l)
members=$(find /sys/kernel/iommu_groups -path '*/devices/*' | wc -l)

driver() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
bound() { is "$2" driver "$1"; }

case $BOOT in
1)
	t "the kernel shows no VT-x" not grep -qw vmx /proc/cpuinfo
	t "and its module does not load" not modprobe -q kvm_intel
	t "hostcheck: no virtualization, and that alone fails" verdict fail cpu.virt "neither CPUID nor the kernel shows vmx or svm"
	t "because this is a guest whose host gives none" advises cpu.virt "itself a guest of QEMU (TCG), and is given no virtualization"
	t "what builds on it is skipped, not failed" verdict skip kvm.module
	t "one failure in all" says " 1 failure," hostcheck
	t "no KVM for x86_64 guests" sh -c 'hostcheck --guest x86_64 --only guest.accel | grep "software translation"'
	t "vmod says that there is none for this processor" sh -c 'vmod nested >/tmp/o 2>&1; [ $? = 1 ] && grep "no kvm module" /tmp/o'
	t "vmod cannot load it, and says why" sh -c 'vmod load kvm_intel >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "neither CPUID nor the kernel shows vmx or svm" /tmp/o'
	t "vmod: nor the other one" ends 1 vmod load kvm_amd
	t "vtune plans no kvm module" sh -c '! vtune plan --only modules --json | grep -q "\"target\": \"kvm"'
	t "and says why" says "its host has to allow nested virtualization" vtune plan --only modules

	t "the table of the IOMMU says 48 bits and remapping" is "47 1" sh -c "od -An -tu1 -j36 -N2 $dmar | xargs"
	t "so does hostcheck" verdict ok iommu.table "DMAR: 1 unit, 48 address bits, interrupt remapping"
	t "the kernel uses it" test "$groups" -gt 0
	t "hostcheck counts the same groups" verdict ok iommu.active "on: Intel VT-d, 1 unit, $groups groups"
	t "and devices" verdict info iommu.groups "$members devices in $groups groups"
	t "interrupts are remapped" grep -q 'IR-' /proc/interrupts
	t "so says hostcheck" verdict ok iommu.remap on
	t "how groups are translated" verdict info iommu.domain "$(cat /sys/kernel/iommu_groups/0/type)"
	t "the command line has nothing wrong" verdict ok boot.words

	modprobe virtio_rng 2>/dev/null || modprobe virtio-rng
	rng=$(for d in /sys/bus/pci/devices/*; do case $(cat "$d/device") in 0x1005 | 0x1044) basename "$d" ;; esac done)
	disk=$(basename "$(readlink -f /sys/block/vda/device/..)")
	echo "$rng" >/vm/rng
	printf '[iommu]\nenable = yes\nvfio = %s %s\n[services]\nboot = yes\n' "$rng" "$disk" >/etc/hostkit/test.ini
	t "the disk of / is not given away" says "$disk" vtune plan --profile test
	t "because / is on it" sh -c "vtune plan --profile test | tr '\n' ' ' | tr -s ' ' | grep -q '$disk.* /'"
	t "the plan has nothing for the disk" sh -c "! vtune plan --profile test --json | grep '\"target\"' | grep -q '$disk'"
	t "apply binds the other device" vtune apply --profile test
	t "it has vfio-pci" bound "$rng" vfio-pci
	t "the disk has its driver" bound "$disk" virtio-pci
	t "its group is a file for guests" test -c "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$rng/iommu_group")")"
	t "hostcheck sees one ready" verdict info passthrough.devices "1 are ready"
	t "and one bound" verdict ok passthrough.vfio "1 device bound"
	t "a second apply has nothing to do" says "Nothing to do" vtune apply --profile test
	restart
	;;
2)
	rng=$(cat /vm/rng)
	t "after a restart it is bound again" bound "$rng" vfio-pci
	t "verify" vtune verify --profile test
	t "revert" vtune revert
	t "the host has its device back" not bound "$rng" vfio-pci
	t "nothing of the binding is left" is "(null)" cat "/sys/bus/pci/devices/$rng/driver_override"
	done_testing
	;;
esac
