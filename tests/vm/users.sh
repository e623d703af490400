#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm -device amd-iommu,intremap=on
# memory: 512
# limit: 240
# test-timeout: 260
# A plain user asks: what cannot be seen is unknown, with the right that is missing, and what may
# not be opened is told by its group.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

as() { su alice -s /bin/sh -c "$1"; }

case $BOOT in
1)
	modprobe kvm_amd
	modprobe vhost_net
	mkdir -p /etc/qemu
	echo 'allow br0' >/etc/qemu/bridge.conf
	chmod 600 /etc/qemu/bridge.conf
	chown 0:34 /dev/kvm /dev/vhost-net
	chmod 660 /dev/kvm /dev/vhost-net
	t "alice may not open /dev/kvm" as '! true <>/dev/kvm'
	WHO=alice
	t "hostcheck: nor does it say otherwise" verdict fail kvm.access "/dev/kvm is root:kvm 0660, and alice is not in the group kvm"
	t "to be mended by membership" advises kvm.access "Step of vtune: users.members"
	t "whether KVM works is unknown to her, not wrong" verdict unknown kvm.api
	t "and who can ask is told" advises kvm.api "root"
	t "bridge.conf is unknown" verdict unknown bridge.conf
	t "for root may read it" advises bridge.conf "root"
	t "the table is seen, its content not" verdict ok iommu.table IVRS
	t "the IOMMU is on, which all can see" verdict ok iommu.active "on: AMD-Vi"
	t "unknown does not decide the status" sh -c 'su alice -s /bin/sh -c "hostcheck --only kvm.api"; [ $? = 0 ]'
	t "but with --strict" sh -c 'su alice -s /bin/sh -c "hostcheck --strict --only kvm.api"; [ $? = 3 ]'
	t "the kernel's values are hers to see" verdict ok kvm.nested "on (nested=1)"
	t "her membership" verdict info users.member "alice is not in kvm"
	t "tap devices are root's here" verdict warn net.tun "alice"
	WHO=
	t "as root the same is ok" verdict ok kvm.access
	t "root about her: the same answer as hers" sh -c 'hostcheck --user alice --only kvm.access | grep "fail.*alice is not in the group kvm"'
	t "a user who is not there" sh -c 'hostcheck --user nosuch >/tmp/o 2>&1; code=$?; cat /tmp/o; [ $code != 0 ] && grep -q nosuch /tmp/o'
	t "she may look at the plan" as 'vtune plan >/tmp/alice.plan 2>&1; cat /tmp/alice.plan; grep -q "root" /tmp/alice.plan'
	t "but not change the host" as 'vtune apply >/tmp/alice.apply 2>&1; [ $? = 1 ] && cat /tmp/alice.apply && grep -q root /tmp/alice.apply'
	t "nor load a module" as 'vmod load tap2 || ! vmod unload kvm_amd'
	t "KVM still runs" grep -q '^kvm_amd ' /proc/modules
	t "nor reserve pages" as 'vhuge reserve 2 >/tmp/alice.huge 2>&1; [ $? = 1 ] && cat /tmp/alice.huge && grep -qi "permission\|root" /tmp/alice.huge'
	t "vmod status is for all" as 'vmod status kvm_amd'
	t "vhuge status is for all" as 'vhuge status'

	printf '[host]\nkvm = yes\nvhost_net = yes\n[users]\ncreate = yes\nmembers = alice\n[bridge]\nallow = br0\n' >/etc/hostkit/test.ini
	t "vtune makes her a member" vtune apply --profile test
	t "which takes a login" sh -c 'vtune status | grep "users.members *relogin"'
	t "then she may" as 'true <>/dev/kvm'
	WHO=alice
	t "and hostcheck says so" verdict ok kvm.access
	t "KVM answers her" verdict ok kvm.api "version 12, runs guests"
	t "bridge.conf is readable for members" sh -c 'id alice; su alice -s /bin/sh -c "cat /etc/qemu/bridge.conf"'
	t "and hostcheck reads it as she does" not verdict unknown bridge.conf
	WHO=
	# A shell from before has the old groups.
	t "revert" vtune revert
	t "she may not any more" as '! true <>/dev/kvm'
	done_testing
	;;
esac
