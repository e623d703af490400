#!/bin/sh
# bochs: corei7_haswell_4770
# memory: 512
# limit: 1200
# test-timeout: 1260
# Intel's VT-x with EPT, which QEMU's translator has not: kvm_intel, and guests in guests.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

value() { live "/sys/module/kvm_intel/parameters/$1" "$2"; }

t "the kernel shows VT-x with EPT" sh -c 'grep -m1 ^flags /proc/cpuinfo | grep -w vmx && grep -m1 "^vmx flags" /proc/cpuinfo | grep -w ept'
t "hostcheck: VT-x" verdict ok cpu.virt VT-x
t "not locked" verdict ok cpu.firmware "flag vmx"
t "EPT" verdict ok cpu.slat EPT
t "interrupts without exits" verdict ok cpu.apicv APICv
t "a simulated machine, by who made its BIOS" verdict info cpu.vm "Bochs (DMI $(cat /sys/class/dmi/id/bios_vendor))"
t "no IOMMU" verdict skip iommu.active "there is none"
t "the module is not loaded, and that fails" verdict fail kvm.module "kvm_intel is not loaded"
t "whose step is modules.load" advises kvm.module "Step of vtune: modules.load"
hostcheck --verbose | sed 's/^/# /'

printf '[host]\nkvm = yes\nnested = no\ntun = no\nvhost_net = no\n[bridge]\nallow =\n[users]\ncreate = no\n[services]\nboot = no\n' >/etc/hostkit/test.ini
t "vtune applies: no guests in guests" vtune apply --profile test
t "kvm_intel runs" grep -q '^kvm_intel ' /proc/modules
t "nested is off" value nested N
t "the option is a number" grep -rqx 'options kvm_intel nested=0' /etc/modprobe.d
t "KVM answers, and a test guest runs" verdict ok kvm.api "version 12, runs guests"
t "hostcheck: off" verdict info kvm.nested off
t "the lock of firmware is seen in its register" sh -c 'modprobe msr && hostcheck --only cpu.firmware | grep "ok *cpu.firmware"'
t "vmod nested on" vmod nested on
t "it is on" value nested Y
t "hostcheck: on" verdict ok kvm.nested "on (nested=Y)"
t "verify tells of it" ends 3 vtune verify --profile test
t "vmod unloads it" vmod unload kvm_intel
t "it is gone" not grep -q '^kvm_intel ' /proc/modules
t "kvm_amd does not load" sh -c 'vmod load kvm_amd >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o'
t "vmod loads it" vmod load kvm_intel
hostcheck --verbose --only kvm | sed 's/^/# /'
t "as the kernel says" sh -c '! dmesg | grep -i "kvm.*disabled by bios"'
done_testing
