#!/bin/sh
# arch: arm64
# firmware: uefi
# machine: -machine virt,virtualization=on,gic-version=3,iommu=smmuv3 -cpu cortex-a72 -device virtio-rng-pci
# append: acpi=force
# memory: 768
# limit: 300
# test-timeout: 320
# A host of arm64 with UEFI and ACPI: the same machine as arm.sh, told by tables.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

iort=/sys/firmware/acpi/tables/IORT
groups=$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l)
# The types of IORT's nodes, in order: each begins with its type and length.
nodes() {
	at=$(od -An -tu4 -j40 -N4 $iort | xargs)
	left=$(od -An -tu4 -j36 -N4 $iort | xargs)
	while [ "$left" -gt 0 ]; do
		od -An -tu1 -j"$at" -N1 $iort | xargs
		at=$((at + $(od -An -tu2 -j$((at + 1)) -N2 $iort | xargs)))
		left=$((left - 1))
	done
}

t "there is no device tree" test ! -e /proc/device-tree
t "IORT has an ITS, an SMMUv3 and a root complex" is "0 2 4" sh -c "echo '$(nodes | sort | xargs)'"
t "hostcheck: the same" verdict ok iommu.table "IORT: 1 SMMUv3, 0 SMMU, 1 root complex, 1 ITS"
t "on, with as many groups" verdict ok iommu.active "on: Arm SMMUv3, 1 unit, $groups groups"
t "a plain user sees that as well" sh -c 'hostcheck --user alice --only iommu.active | grep "ok *iommu.active"'
t "EL2" verdict ok cpu.virt EL2
t "KVM" verdict ok kvm.api "version 12, makes guests"
t "a guest, by DMI" verdict info cpu.vm "DMI $(cat /sys/class/dmi/id/sys_vendor)"
t "started by UEFI" verdict info security.boot EFI
t "whose variables nobody mounted" sh -c '! grep -q efivarfs /proc/mounts && hostcheck --only security.boot | grep "not to be seen"'
t "nothing fails" ends 0 hostcheck
printf '[host]\nkvm = yes\ntun = yes\n[iommu]\nenable = yes\n' >/etc/hostkit/test.ini
t "vtune apply" vtune apply --profile test
t "tun" grep -q '^tun ' /proc/modules
t "verify" vtune verify
t "revert" vtune revert
t "tun is gone" not grep -q '^tun ' /proc/modules
done_testing
