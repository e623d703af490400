#!/bin/sh
# with: flat
# machine: -machine q35 -cpu EPYC,+svm
# memory: 768
# limit: 300
# test-timeout: 320
# A host for vemu's guests, run by a plain user: what she cannot before vtune has been there, and can
# afterwards: KVM, memory from huge pages, a bridge.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

alice() { su alice -s /bin/sh -c "cd /tmp; $*"; }
run='timeout 60 vemu -m 64 -kernel /vm/flat -display none -serial stdio -monitor none -nic none'
thp=/sys/kernel/mm/transparent_hugepage
free() { cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages; }

# while_waits OPTIONS -- COMMAND...: a guest of hers that has not begun is there while the command runs.
while_waits() {
	opts=$1
	shift
	rm -f /tmp/pid
	alice "exec vemu -S -m 64 -kernel /vm/flat -display none -serial none -monitor none -pidfile /tmp/pid $opts" >/tmp/v.out 2>&1 &
	i=0
	while [ ! -s /tmp/pid ] && [ $i -lt 300 ]; do
		i=$((i + 1))
		sleep 0.1
	done
	cat /tmp/v.out
	ret=0
	"$@" || ret=$?
	kill "$(cat /tmp/pid)"
	wait $!
	return $ret
}
took() { is $(($(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages) - $1)) free; }
in_bridge() { test -n "$(ls /sys/class/net/br0/brif)"; }
huge_anonymous() { test "$(awk '/^AnonHugePages/ { print $2 }' /proc/meminfo)" -ge 32768; }
huge_shared() { test "$(awk '/^ShmemHugePages/ { print $2 }' /proc/meminfo)" -ge 32768; }

ip link add br0 type bridge
ip link set br0 up
t "without KVM she has vemu's own engine" says flat alice "$run"
modprobe kvm_amd
t "KVM is there, and not for her" sh -c '! su alice -s /bin/sh -c "cd /tmp; timeout 60 vemu -accel kvm -m 16 -kernel /vm/flat -nographic" >/tmp/o 2>&1; cat /tmp/o; grep -q "ermission denied" /tmp/o'
t "hostcheck --user says so" sh -c 'hostcheck --user alice --only kvm.access | grep "fail *kvm.access"'
t "and that her guests have software translation until then" sh -c 'hostcheck --user alice --guest x86_64 --only guest.accel >/tmp/o; cat /tmp/o; tr "\n" " " </tmp/o | tr -s " " | grep "vemu takes it by itself"'
t "a memfd has no huge pages here" live $thp/shmem_enabled "always within_size advise [never] deny force"

cat >/etc/hostkit/test.ini <<'X'
[host]
kvm = yes
tun = yes
guests = 2 x 64M
[hugepages]
reserve = yes
page = 2M
mount = /dev/hugepages
group = kvm
[bridge]
allow = br0
helper_suid = yes
[users]
create = yes
members = alice
[memory]
thp = madvise
thp_shared = advise
X
t "vtune makes the host for it" vtune apply --profile test
t "a second time there is nothing to do" says "Nothing to do" vtune apply
# what a device manager does for the nodes
chown root:kvm /dev/kvm
chmod 660 /dev/kvm
chmod 666 /dev/net/tun
t "hostcheck --user: KVM" sh -c 'hostcheck --user alice --only kvm.access | grep "ok *kvm.access"'
t "she runs a guest under KVM" says flat alice "$run -accel kvm"
t "which vemu takes without being told" sh -c 'su alice -s /bin/sh -c "vemu -accel help" | tee /tmp/o; grep "kvm *works" /tmp/o'
t "hostcheck agrees" sh -c 'hostcheck --user alice --guest x86_64 --only guest.accel | tee /tmp/o; grep "ok.*KVM, by .*vemu" /tmp/o'
t "a guest from huge pages" says flat alice "$run -mem-path /dev/hugepages -mem-prealloc"
t "takes them while it is there" while_waits "-mem-path /dev/hugepages -mem-prealloc" took 32
t "and gives them back" took 0
t "one that is larger than the pool is told so" says "/dev/hugepages" alice "$run -m 512 -mem-path /dev/hugepages -mem-prealloc"
t "a memfd comes in huge pages now" while_waits \
	"-object memory-backend-memfd,id=m,size=64M,prealloc=on -machine memory-backend=m" huge_shared
t "memory without a file too" while_waits "-mem-prealloc" huge_anonymous
t "hostcheck: they are for who asks" verdict ok memory.thp madvise
t "her guest is in the bridge" while_waits "-nic bridge,br=br0" in_bridge
t "and gone with her guest" not in_bridge
t "revert" vtune revert
t "the bridge is no longer hers" sh -c '! su alice -s /bin/sh -c "cd /tmp; timeout 20 vemu -S -m 16 -kernel /vm/flat -display none -serial none -monitor none -nic bridge,br=br0" >/tmp/o 2>&1; cat /tmp/o; grep -qi "bridge" /tmp/o'
done_testing
