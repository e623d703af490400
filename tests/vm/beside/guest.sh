#!/bin/sh
# Runs in a guest of run.sh: what each program says, and what there is.
# shellcheck disable=SC2012 # names of devices
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

# say NAME COMMAND...: the command's output, each line with the name in front.
say() {
	name=$1
	shift
	code=0
	"$@" >/tmp/said 2>&1 || code=$?
	sed "s/^/# $WHEN $name: /" /tmp/said
	echo "# $WHEN $name ended with $code"
}

facts() {
	grep -m 1 ^flags /proc/cpuinfo | tr ' ' '\n' | grep -E '^(vmx|svm|npt|ept|hypervisor)$' | tr '\n' ' '
	echo
	echo "modules: $(awk '{ print $1 }' /proc/modules | tr '\n' ' ')"
	ls -l /dev/kvm /dev/net/tun /dev/vhost-net 2>&1
	echo "tables: $(ls /sys/firmware/acpi/tables | tr '\n' ' ')"
	echo "class/iommu: $(ls /sys/class/iommu | tr '\n' ' ')"
	echo "groups: $(ls /sys/kernel/iommu_groups | tr '\n' ' ')"
	cat /proc/cmdline
}

round() {
	WHEN=$1
	say fact facts
	say kvm-ok kvm-ok
	say virt-host-validate virt-host-validate qemu
	say hostcheck hostcheck
}

round cold
vtune apply --profile "${PROFILE:-kvm-host}" >/tmp/apply 2>&1
round applied
sed 's/^/# apply: /' /tmp/apply
round_user() {
	WHEN=alice
	say kvm-ok su alice -s /bin/sh -c kvm-ok
	say virt-host-validate su alice -s /bin/sh -c 'virt-host-validate qemu'
	say hostcheck su alice -s /bin/sh -c hostcheck
}
round_user
t "all were asked" true
done_testing
