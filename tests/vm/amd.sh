#!/bin/sh
# in-check
# machine: -machine q35 -cpu EPYC,+svm -device amd-iommu,intremap=on
# memory: 1280
# limit: 400
# test-timeout: 420
# The whole life of a host with AMD-V: plan, apply, apply again, restart, verify, revert, restart.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

# picture FILE: names, modes, owners and contents of what vtune may touch.
picture() {
	find /etc /lib/modules /home /usr/lib/qemu -xdev ! -name '*-' ! -name .pwd.lock ! -name mtab 2>/dev/null | sort | while read -r f; do
		if [ -L "$f" ]; then
			echo "$f -> $(readlink "$f")"
		elif [ -f "$f" ]; then
			echo "$(stat -c '%a %u:%g' "$f") $(md5sum <"$f") $f"
		else
			echo "$(stat -c '%a %u:%g' "$f") $f"
		fi
	done >"$1"
}

same() { diff "$1" "$2"; }

case $BOOT in
1)
	cat >/etc/hostkit/test.ini <<'X'
[host]
kvm = yes
nested = yes
tun = yes
vhost_net = yes
guests = 2 x 64M

[hugepages]
reserve = yes
page = 2M
mount = /dev/hugepages
group = kvm

[bridge]
allow = br0

[users]
create = yes
members = alice

[memory]
ksm = yes
thp = madvise
swappiness = 10

[services]
boot = yes
X
	# What a host has that was set up by hand, wrongly: others' lines that must stay.
	mkdir -p /etc/qemu
	printf '# ours\nallow br7' >/etc/qemu/bridge.conf
	chmod 644 /etc/qemu/bridge.conf
	printf '# tun is good\nloop' >/etc/modules
	printf '# hugetlbfs belongs here\n' >>/etc/fstab
	printf 'options vhost max_mem_regions=509\n' >/etc/modprobe.d/local.conf
	picture /vm/before

	t "plan shows changes and makes none" sh -c 'vtune plan --profile test'
	picture /tmp/now
	t "the plan touched nothing" same /vm/before /tmp/now
	t "plan for programs" sh -c 'vtune plan --profile test --json | grep -q "\"vtune-plan/1\""'
	t "verify says 3 while something is to do" ends 3 vtune verify --profile test
	t "apply" vtune apply --profile test
	t "apply again finds nothing to do" says "Nothing to do" vtune apply --profile test
	t "tun is there" test -c /dev/net/tun
	t "vhost_net is loaded" grep -q '^vhost_net ' /proc/modules
	t "kvm_amd is loaded, not kvm_intel" sh -c 'grep -q "^kvm_amd " /proc/modules && ! grep -q "^kvm_intel " /proc/modules'
	t "nested is on" live /sys/module/kvm_amd/parameters/nested 1
	t "pages are in the pool" test "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" -ge 64
	t "hugetlbfs is mounted with its group and mode" is "1770 34" stat -c '%a %g' /dev/hugepages
	t "the group got its member" grep -q '^kvm:.*alice' /etc/group
	t "another's bridge is still allowed" grep -qx 'allow br7' /etc/qemu/bridge.conf
	t "ours is allowed" grep -qx 'allow br0' /etc/qemu/bridge.conf
	t "another's module is still listed" grep -qx loop /etc/modules
	t "the limit of vhost was not lowered" live /sys/module/vhost/parameters/max_mem_regions 509
	t "status" vtune status --profile test
	t "verify says clean" vtune verify --profile test
	t "a module in use stays" sh -c '! vmod unload vhost'
	restart
	;;
2)
	t "after a restart tun is loaded" grep -q '^tun ' /proc/modules
	t "vhost_net as well" grep -q '^vhost_net ' /proc/modules
	t "the pool was reserved before the mount" test "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" -ge 64
	t "hugetlbfs is mounted" grep -q ' /dev/hugepages hugetlbfs ' /proc/mounts
	t "swappiness is kept" live /proc/sys/vm/swappiness 10
	t "both services ran" sh -c 'rc-service hostkit-tune status && rc-service hostkit-hugepages status'
	t "verify after the restart" vtune verify --profile test
	t "a change by another hand is shown" sh -c 'echo 33 >/proc/sys/vm/swappiness; vtune verify --profile test; [ $? = 3 ]'
	t "and not trampled by revert" sh -c '! vtune revert --only kernel.sysctl'
	echo 10 >/proc/sys/vm/swappiness
	t "revert" vtune revert
	picture /vm/after
	t "all files are as before" same /vm/before /vm/after
	restart
	;;
3)
	t "after revert and restart tun is gone" not grep -q '^tun ' /proc/modules
	t "no pages are reserved" live /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages 0
	t "nothing is mounted there" not grep -q ' hugetlbfs ' /proc/mounts
	done_testing
	;;
esac
