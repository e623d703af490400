#!/bin/sh
# machine: -machine q35,kernel-irqchip=split -cpu Skylake-Server,-pcid -device intel-iommu,intremap=on,aw-bits=48
# append: intel_iommu=off
# memory: 512
# limit: 200
# test-timeout: 220
# Intel's IOMMU is there, and the kernel's command line keeps it off.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

t "firmware tells of an IOMMU" test -s /sys/firmware/acpi/tables/DMAR
t "the kernel uses none" is "0" sh -c "find /sys/class/iommu /sys/kernel/iommu_groups -mindepth 1 | wc -l"
# The recipe's dmesg | grep says yes here.
t "the kernel's log has its name all the same" sh -c 'dmesg | grep -e DMAR -e IOMMU'
t "hostcheck: the table is there" verdict ok iommu.table "DMAR: 1 unit"
t "and the IOMMU off, by which word" verdict warn iommu.active "off: intel_iommu=off"
t "to be taken off the command line" advises iommu.active "intel_iommu=off on the kernel's command line keeps it off"
t "which takes a reboot" advises iommu.active "reboot"
t "so no device can be passed on" verdict skip passthrough.devices

printf '[iommu]\nenable = yes\nidentity = yes\n' >/etc/hostkit/test.ini
t "without a boot loader's file vtune leaves it to people" says "intel_iommu=on" vtune plan --profile test
t "and changes nothing" says "Nothing to do" vtune apply --profile test
t "which counts as left to do" sh -c 'vtune status --profile test | grep "kernel.cmdline *blocked"'
mkdir -p /etc/default
printf 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=off"\n# iommu=on helps\nGRUB_CMDLINE_LINUX=""\n' >/etc/default/grub
printf '#!/bin/sh\necho "$@" >>/tmp/mkconfig\n' >/usr/sbin/grub-mkconfig
chmod 755 /usr/sbin/grub-mkconfig
t "with one the word is turned" vtune apply --profile test
t "in place, and nothing else of the file" is 'GRUB_DEFAULT=0
GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on iommu=pt"
# iommu=on helps
GRUB_CMDLINE_LINUX=""' cat /etc/default/grub
t "grub's own file was made anew" is "-o /boot/grub/grub.cfg" cat /tmp/mkconfig
t "status waits for a reboot" sh -c 'vtune status | grep "kernel.cmdline *reboot"'
t "the running kernel is told as another" verdict warn boot.cmdline "intel_iommu=on"
t "revert" vtune revert
t "the word is back" grep -q '"quiet intel_iommu=off"' /etc/default/grub
done_testing
