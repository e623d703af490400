#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 1280
# with: vemu
# limit: 500
# test-timeout: 560
# vemu on KVM that runs whole kernels: a stock kernel on both machines, with one processor and two, with a disk.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

# boot WORD...: a guest from /inner; its console, without carriage returns, in /tmp/inner.
boot() {
	timeout 150 vemu -accel kvm -m 256 -kernel /inner/vmlinuz -initrd /inner/initrd -nographic -no-reboot \
		-append "console=ttyS0 quiet panic=-1" "$@" </dev/null >/tmp/inner.raw 2>&1
	ended=$?
	tr -d '\r' </tmp/inner.raw >/tmp/inner
	cat /tmp/inner
	return $ended
}
said() { grep -F -- "$1" /tmp/inner; }

t "modprobe kvm_amd" modprobe kvm_amd
t "a stock kernel on pc boots and switches off" boot
t "its programs ran" said "inner: 30 programs ran"
t "its clock is KVM's or the TSC" grep -E 'inner: 1 processors, clock (kvm-clock|tsc)' /tmp/inner
t "a disk is made" vimg create -q -f qcow2 /tmp/disk.q 64M
t "a stock kernel on q35 with two processors and a disk" boot -machine q35 -smp 2 -drive file=/tmp/disk.q,if=virtio
t "both processors are there" said "inner: 2 processors"
t "the guest reads what it wrote" said "inner: the disk holds what was written"
t "the image is sound" vimg check /tmp/disk.q
t "its contents come out" vimg convert -f qcow2 -O raw /tmp/disk.q /tmp/disk.raw
t "and are what the guest wrote" is inner head -n 1 /tmp/disk.raw
t "without being asked, KVM is what is taken" sh -c 'printf "info kvm\nquit\n" | timeout 60 vemu -S -m 256 -kernel /inner/vmlinuz -display none -serial none -monitor stdio | grep "accelerator: kvm"'
done_testing
