#!/bin/sh
# in-check
# machine: -machine q35 -cpu qemu64,-svm
# memory: 512
# limit: 240
# test-timeout: 260
# A machine without virtualization and without an IOMMU: guests in software translation, with all
# that they need besides KVM.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

case $BOOT in
1)
	t "the processor has neither" not grep -qwE 'vmx|svm' /proc/cpuinfo
	t "there is no table of an IOMMU" sh -c 'cd /sys/firmware/acpi/tables && ! ls | grep -E "DMAR|IVRS|VIOT|IORT"'
	t "hostcheck ends with 3" ends 3 hostcheck
	t "one failure in all" says " 1 failure," hostcheck
	t "no virtualization" verdict fail cpu.virt "neither CPUID nor the kernel shows vmx or svm"
	t "no IOMMU is a fact, no fault" verdict info iommu.table none
	t "what builds on it is skipped" verdict skip passthrough.devices
	t "no node of KVM, and none is missed" verdict skip kvm.device
	t "a guest of this kind has to be emulated" sh -c 'hostcheck --guest x86_64 --only guest.accel | grep "software translation"'
	t "vtune for KVM says what is in the way" says "neither CPUID nor the kernel shows vmx or svm" vtune plan --profile kvm-host
	t "no pages of 1G here" not test -e /sys/kernel/mm/hugepages/hugepages-1048576kB
	t "vhuge says so" sh -c 'vhuge size --guest 1G --page 1G >/tmp/o 2>&1; [ $? != 0 ] && cat /tmp/o && grep -q "pdpe1gb\|1G" /tmp/o'
	t "vtune for a host without KVM" vtune apply --profile emulation-only
	t "tap devices are there" test -c /dev/net/tun
	t "a tap can be made" sh -c 'ip tuntap add dev tap0 mode tap && ip link del tap0 || { test -c /dev/net/tun && ! ip tuntap 2>&1 | grep -q File; }'
	t "vhost serves emulated guests too" test -c /dev/vhost-net
	t "no kvm was loaded" not grep -q '^kvm' /proc/modules
	t "no kvm will be" not grep -q kvm /etc/modules
	t "verify says clean" vtune verify
	t "hostcheck finds both" verdict ok net.vhost
	t "and that they stay" verdict ok modules.persist
	restart
	;;
2)
	t "after a restart tun and vhost_net are there" sh -c 'test -c /dev/net/tun && test -c /dev/vhost-net'
	t "verify" vtune verify
	t "revert" vtune revert
	t "verify says what would be to do again" ends 3 vtune verify --profile emulation-only
	done_testing
	;;
esac
