#!/bin/sh
# arch: arm64
# machine: -machine virt,virtualization=on,gic-version=3,iommu=smmuv3 -cpu cortex-a72 -device virtio-rng-pci
# memory: 1024
# limit: 420
# test-timeout: 440
# A host of arm64 with a device tree: KVM at EL2, an SMMU that is on, and the whole life of what vtune
# makes, over restarts.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

groups=$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l)
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
driver() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")"; }
bound() { is "$2" driver "$1"; }
picture() { (cd / && find etc -type f ! -name '*-' ! -name .pwd.lock ! -name mtab | sort | xargs md5sum) >"$1"; }
same() { diff "$1" "$2"; }
lines() { hostcheck --verbose | sed 's/^/# /'; }

case $BOOT in
1)
	lines
	t "the kernel began at EL2" sh -c 'dmesg | grep -q "started at EL2"'
	t "hostcheck: EL2" verdict ok cpu.virt EL2
	t "no lock of firmware" verdict ok cpu.firmware "KVM runs"
	t "processors" verdict ok cpu.alike "$(grep -c ^processor /proc/cpuinfo) processors"
	t "it is a guest, by its device tree" verdict info cpu.vm "$(tr '\0' ' ' </proc/device-tree/compatible | cut -d' ' -f1)"
	t "the clock" verdict ok cpu.clock "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
	t "flaws are those that the kernel names" verdict warn cpu.flaws "$(grep -l '^Vulnerable' /sys/devices/system/cpu/vulnerabilities/* | xargs -n1 basename | head -n1)"
	t "no microcode is advised" sh -c '! hostcheck --only cpu.flaws | grep -i microcode'
	t "questions for x86 are skipped" verdict skip cpu.nx
	t "kvm is part of the kernel" verdict ok kvm.module "kvm (builtin)"
	t "and answers" verdict ok kvm.api "version 12, makes guests"
	ipa=$(dmesg | sed -n 's/.*IPA Size Limit: \([0-9]*\) bits.*/\1/p')
	t "addresses of guests" sh -c "hostcheck --verbose --only kvm.limits | grep '$ipa bits'"
	t "GICv3, for GICv2 has no registers here" verdict ok kvm.gic "GICv3 with ITS"
	t "as the kernel says" sh -c 'dmesg | grep -q "disabling GICv2 emulation"'
	t "no switch for nested guests" verdict skip kvm.nested
	t "KVM for both instruction sets" sh -c 'hostcheck --only guest.accel | grep "KVM for aarch64, arm"'
	t "translation for x86" verdict info guest.accel "software translation for others"
	t "page sizes are the kernel's" is "$(find /sys/kernel/mm/hugepages -name 'hugepages-*' | wc -l)" sh -c 'hostcheck --only hugepages.sizes | grep -o "[0-9]*[KMG]\b" | wc -l'
	t "of them" verdict ok hugepages.sizes "64K, 2M (default), 32M, 1G"
	t "the SMMU is in the device tree" sh -c 'ls /proc/device-tree | grep -q smmuv3'
	t "hostcheck: so" verdict ok iommu.table "device tree"
	t "it is on, with as many groups" verdict ok iommu.active "on: Arm SMMUv3, 1 unit, $groups groups"
	t "which translate" verdict info iommu.domain "$(cat /sys/kernel/iommu_groups/0/type) ($groups)"
	t "interrupts are the ITS's matter" verdict skip iommu.remap
	t "no UEFI" verdict info security.boot "started without UEFI"
	t "nothing fails" ends 0 hostcheck
	t "vmod: one module for KVM, built in" says "KVM module of this processor: kvm," vmod status
	t "vmod cannot unload it" sh -c 'vmod unload kvm >/tmp/o 2>&1; code=$?; cat /tmp/o; [ $code = 1 ] && grep -q "part of the kernel" /tmp/o'
	t "vmod: no nested guests" sh -c 'vmod nested >/tmp/o 2>&1; cat /tmp/o; grep -qi "no\b.*nested\|nested.*no" /tmp/o'
	t "vhuge sizes for 64K pages" says "64K" vhuge size --guest 64M --page 64K
	t "vhuge reserves them" vhuge reserve 16 --page 64K
	t "and the kernel has them" live /sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages 16
	t "vhuge releases them" vhuge release --page 64K
	t "none is left" live /sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages 0

	rng=$(for d in /sys/bus/pci/devices/*; do case $(cat "$d/device") in 0x1005 | 0x1044) basename "$d" ;; esac done)
	disk=$(basename "$(readlink -f /sys/block/vda/device/..)")
	echo "$rng" >/vm/rng
	t "the disk of / stays with the host" sh -c "hostcheck --verbose --only passthrough.devices | grep '$disk.*stays with the host'"
	t "one of two devices can be given" verdict info passthrough.devices "1 of 2 devices could be passed on"
	cat >/etc/hostkit/test.ini <<X
[host]
kvm = yes
nested = yes
tun = yes
vhost_net = yes
guests = 64M
[hugepages]
reserve = yes
page = 2M
mount = /dev/hugepages
group = kvm
[iommu]
enable = yes
vfio = $rng $disk
[bridge]
allow = br0
[users]
create = yes
members = alice
[services]
boot = yes
X
	picture /vm/before
	vtune plan --profile test | sed 's/^/# /'
	t "no option for a module that has none" sh -c '! vtune plan --profile test | grep "options kvm"'
	t "which is said, as guests in guests were asked for" says "guests cannot run guests: kvm has no nested switch" vtune plan --profile test
	t "no word of x86 for the command line" sh -c '! vtune plan --profile test | grep "intel_iommu\|amd_iommu"'
	t "no module of x86" sh -c '! vtune plan --profile test --json | grep "kvm_intel\|kvm_amd"'
	t "apply" vtune apply --profile test
	t "apply again finds nothing to do" says "Nothing to do" vtune apply --profile test
	t "tun" grep -q '^tun ' /proc/modules
	t "vhost_net" grep -q '^vhost_net ' /proc/modules
	t "the pool" test "$(cat $pool)" -ge 32
	t "hostcheck: the pool" verdict ok hugepages.pool "$(($(cat $pool) * 2)) MiB"
	t "the mount" is "1770 34" stat -c '%a %g' /dev/hugepages
	t "the device has vfio-pci" bound "$rng" vfio-pci
	t "hostcheck: one is ready" verdict info passthrough.devices "1 are ready"
	t "the disk has its driver" bound "$disk" virtio-pci
	t "verify" vtune verify
	restart
	;;
2)
	rng=$(cat /vm/rng)
	t "after a restart: tun" grep -q '^tun ' /proc/modules
	t "the pool" test "$(cat $pool)" -ge 32
	t "the mount" grep -q ' /dev/hugepages hugetlbfs ' /proc/mounts
	t "the device is bound again" bound "$rng" vfio-pci
	t "hostcheck: modules at boot" verdict ok modules.persist
	t "verify" vtune verify
	t "revert" vtune revert
	t "the host has its device back" bound "$rng" virtio-pci
	picture /vm/after
	t "all files are as before" same /vm/before /vm/after
	restart
	;;
3)
	t "after revert and restart tun is gone" not grep -q '^tun ' /proc/modules
	t "no pages are reserved" live $pool 0
	done_testing
	;;
esac
