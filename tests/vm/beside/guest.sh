#!/bin/sh
# Runs in a guest of run.sh: asks each program the same questions, in several states of the guest,
# and the kernel itself, by opening what is asked about.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

as() {
	if [ "$who" = root ]; then
		sh -c "$1"
	else
		su "$who" -s /bin/sh -c "$1"
	fi
}

opens() { as "[ -c $1 ] && true <>$1" 2>/dev/null && echo yes || echo no; }

# vhv TEXT: PASS, WARN or FAIL of that line of virt-host-validate, or nothing.
vhv() { grep "$1" /tmp/vhv | sed 's/.*: \([A-Z]*\)\( (.*\)\{0,1\}$/\1/'; }

vhv_kvm() {
	case "$(vhv 'hardware virtualization') $(vhv 'kvm exists') $(vhv 'kvm is accessible')" in
	'PASS PASS PASS') echo yes ;;
	*) echo no ;;
	esac
}

vhv_iommu() {
	case "$(vhv 'enabled by kernel')" in
	PASS) echo yes ;;
	'') grep -q 'Unknown if this platform has IOMMU' /tmp/vhv && echo unknown || echo no ;;
	*) echo no ;;
	esac
}

yes_no() { [ "$1" = PASS ] && echo yes || echo no; }

kvm_ok() {
	as kvm-ok >/tmp/kvmok 2>&1
	if grep -q 'can be used' /tmp/kvmok; then
		echo yes
	elif grep -qE 'can NOT|not support' /tmp/kvmok; then
		echo no
	else
		echo unknown
	fi
}

# hc ID...: yes if all these are ok.
hc() {
	answer=yes
	for id; do
		v=$(awk -v id="$id" '$2 == id { print $1; exit }' /tmp/hc)
		case $v in ok) ;; unknown) [ $answer = no ] || answer=unknown ;; *) answer=no ;; esac
	done
	echo $answer
}

# ask WHO STATE: a row a question: what is so, and what each says.
ask() {
	who=$1
	as 'virt-host-validate qemu' >/tmp/vhv 2>&1
	as hostcheck >/tmp/hc 2>&1
	groups=$(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l)
	so=yes
	[ "$groups" -gt 0 ] || so=no
	echo "# row|$2|KVM can be used|$(opens /dev/kvm)|$(vhv_kvm)|$(kvm_ok)|$(hc kvm.module kvm.api kvm.access)"
	echo "# row|$2|the IOMMU is in use|$so|$(vhv_iommu)|-|$(hc iommu.active)"
	echo "# row|$2|tap devices can be made|$(opens /dev/net/tun)|$(yes_no "$(vhv 'net/tun exists')")|-|$(hc net.tun)"
	echo "# row|$2|vhost-net can be used|$(opens /dev/vhost-net)|$(yes_no "$(vhv 'vhost-net exists')")|-|$(hc net.vhost)"
	for f in vhv kvmok hc; do sed "s/^/# $2: $f: /" /tmp/$f; done
}

ask root "after boot, no module loaded"
mknod /dev/kvm c 10 232
mkdir -p /dev/net
mknod /dev/net/tun c 10 200
ask root "nodes are there, as udev makes them ahead of drivers"
rm -f /dev/kvm
chmod 600 /dev/net/tun
vtune apply --profile kvm-host >/tmp/apply 2>&1
ask root "after vtune apply"
ask alice "the same, asked by a plain user"
if modprobe -r kvm_amd && grep -qw svm /proc/cpuinfo; then
	echo 'options kvm_amd nested=Y' >/etc/modprobe.d/kvm.conf
	modprobe kvm_amd
	ask root "with an option for which its module does not load"
fi
t "all were asked" true
done_testing
