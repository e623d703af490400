#!/bin/sh
# bochs: corei7_haswell_4770
# memory: 512
# limit: 900
# test-timeout: 920
# Real VT-x, with EPT.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh
x() { echo "# == $*"; "$@" 2>&1 | sed 's/^/# /'; }
x grep -m1 'model name' /proc/cpuinfo
x sh -c 'grep -m1 ^flags /proc/cpuinfo'
x sh -c 'grep -m1 "^vmx flags" /proc/cpuinfo'
x hostcheck --verbose
x ls /dev/cpu /sys/module/kvm_intel
printf '[host]\nkvm = yes\nnested = yes\ntun = yes\n' >/etc/hostkit/test.ini
x vtune plan --profile test
x vtune apply --profile test
x sh -c 'grep -H . /sys/module/kvm_intel/parameters/* /sys/module/kvm/parameters/*'
x hostcheck --verbose
x sh -c 'modprobe msr; dd if=/dev/cpu/0/msr bs=8 count=1 iflag=skip_bytes skip=58 2>/dev/null | hexdump -C'
x sh -c 'dmesg | grep -iE "kvm|vmx|x86/cpu"'
t "ran" true
done_testing
