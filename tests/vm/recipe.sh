#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 768
# limit: 300
# test-timeout: 320
# The usual recipe, as it is passed around and with its mistakes: what comes of it, that hostcheck
# names each, that vtune mends each, and that all is well after a restart.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

case $BOOT in
1)
	mkdir -p /etc/qemu
	printf 'allow br1\nallow br2\n# allow br9 once\n' >/etc/qemu/bridge.conf
	printf '# the word ip_tunnel below has tun in it\nip_tunnel\n#tun\n' >>/etc/modules
	# From here on the recipe.
	echo 'options kvm_amd nested=Y' >/etc/modprobe.d/kvm_intel.conf
	grep tun /etc/modules >/dev/null || echo tun >>/etc/modules
	grep vhost_net /etc/modules >/dev/null || echo vhost_net >>/etc/modules
	echo 'options vhost max_mem_regions=16' >/etc/modprobe.d/vhost.conf
	sed -i 's|.*allow br.*|allow br0|g' /etc/qemu/bridge.conf
	chown -R root:kvm /etc/qemu
	echo 'hugetlbfs /dev/hugepages hugetlbfs mode=17770,gid=kvm,pagesize=2048 0 0' >>/etc/fstab
	restart
	;;
2)
	modprobe vhost_net
	# A guest that was started with -mem-path where nothing is mounted.
	rmdir /dev/hugepages 2>/dev/null
	dd if=/dev/zero of=/dev/hugepages bs=4k count=1 2>/dev/null

	t "kvm_amd does not load" not modprobe kvm_amd
	t "hostcheck: KVM fails" verdict fail kvm.module "kvm_amd is not loaded"
	t "hostcheck: for that line" verdict fail modules.options "/etc/modprobe.d/kvm_intel.conf"
	t "whose step is modules.nested" advises modules.options "Step of vtune: modules.nested"
	t "tun is in no list" not grep -qx tun /etc/modules
	t "hostcheck: tun is not loaded at boot" verdict warn modules.persist tun
	t "vhost has less than it had" live /sys/module/vhost/parameters/max_mem_regions 16
	t "hostcheck: lowered" verdict warn net.vhost-regions "lowers it to 16"
	t "whose step is modules.vhost" advises net.vhost-regions "Step of vtune: modules.vhost"
	t "two bridges are gone from bridge.conf" is 3 grep -c 'allow br0' /etc/qemu/bridge.conf
	t "nothing is mounted" not grep -q hugetlbfs /proc/mounts
	t "no pages are reserved" live /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages 0
	t "hostcheck: a plain file in place of a mount" verdict warn hugepages.mount "/dev/hugepages is a plain file"
	t "hostcheck: fstab's line" verdict warn hugepages.fstab "line"
	t "whose step is hugepages.mount" advises hugepages.fstab "Step of vtune: hugepages.mount"
	asks --only hugepages --verbose | sed 's/^/# /'

	cat >/etc/hostkit/test.ini <<'X'
[host]
kvm = yes
nested = yes
tun = yes
vhost_net = yes
vhost_mem_regions = 64
guests = 64M

[hugepages]
reserve = yes
page = 2M
mount = /dev/hugepages
group = kvm

[bridge]
allow = br0 br1

[users]
create = yes
members = alice

[services]
boot = yes
X
	t "vtune does not remove a file that may be a guest's memory" says "/dev/hugepages is a plain file" vtune plan --profile test
	t "apply" vtune apply --profile test
	t "it is still there" test -f /dev/hugepages
	t "status: left to you" sh -c 'vtune status --profile test | grep "hugepages.mount *blocked"'
	rm /dev/hugepages
	t "without it the mount is made" vtune apply --profile test
	t "KVM runs" grep -q '^kvm_amd ' /proc/modules
	t "nested is on" live /sys/module/kvm_amd/parameters/nested 1
	t "the line has a number, where it stood" grep -qx 'options kvm_amd nested=1' /etc/modprobe.d/kvm_intel.conf
	t "tun has a line of its own" grep -qx tun /etc/modules
	t "the others' lines stay" sh -c 'grep -qx ip_tunnel /etc/modules && grep -qx "#tun" /etc/modules'
	t "the limit of vhost is raised, where it was lowered" not grep -rqE 'max_mem_regions=16' /etc/modprobe.d
	t "br1 is allowed again" grep -qx 'allow br1' /etc/qemu/bridge.conf
	t "fstab has one line, with a number and a unit" is 1 sh -c 'grep hugetlbfs /etc/fstab | grep -c "pagesize=2M.*\|gid=34.*"'
	t "and no other for that place" is 1 grep -c /dev/hugepages /etc/fstab
	grep hugetlbfs /etc/fstab | sed 's/^/# /'
	t "mounted" is "1770 34" stat -c '%a %g' /dev/hugepages
	t "hostcheck: options are fine" verdict ok modules.options
	t "hostcheck: the mount is fine" verdict ok hugepages.mount
	t "hostcheck: fstab is fine" verdict ok hugepages.fstab
	t "verify says clean" vtune verify
	restart
	;;
3)
	t "after a restart: tun" grep -q '^tun ' /proc/modules
	t "KVM" grep -q '^kvm_amd ' /proc/modules
	t "vhost has what the kernel gives" live /sys/module/vhost/parameters/max_mem_regions 64
	t "the pool" test "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" -ge 32
	t "the mount" grep -q ' /dev/hugepages hugetlbfs .*gid=34.*pagesize=2M' /proc/mounts
	for id in kvm.module kvm.api kvm.nested modules.options modules.persist net.tun net.vhost net.vhost-regions \
		hugepages.pool hugepages.mount hugepages.fstab users.groups boot.services; do
		t "hostcheck: $id is ok" verdict ok $id
	done
	t "and nothing fails" ends 0 hostcheck
	t "verify" vtune verify
	t "revert" vtune revert
	t "the recipe is back, byte for byte" sh -c 'grep -qx "options kvm_amd nested=Y" /etc/modprobe.d/kvm_intel.conf && grep -q "pagesize=2048 " /etc/fstab && [ "$(grep -c "" /etc/qemu/bridge.conf)" = 3 ]'
	done_testing
	;;
esac
