#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 640
# limit: 240
# test-timeout: 260
# Nested virtualization on and off, with the module in use and not; and the other vendor's
# module, of which modprobe says that it loads.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

par=/sys/module/kvm_amd/parameters/nested
conf=/etc/modprobe.d/hostkit-kvm_amd.conf

hold() {
	# shellcheck disable=SC2217 # only to have it open
	sleep 1000 </dev/kvm &
	holder=$!
	until [ "$(readlink /proc/$holder/fd/0)" = /dev/kvm ]; do sleep 0.1; done
}
drop() {
	kill "$holder"
	wait "$holder" 2>/dev/null
}
# since WHEN: the module was not loaded anew since: sysfs made its folder once.
born() { stat -c %i /sys/module/kvm_amd; }

t "nested status before kvm is loaded: no" ends 3 vmod nested status
t "modprobe kvm_amd" vmod load kvm_amd
t "the kernel's default is on" live $par 1
t "vmod: on" vmod nested status
t "hostcheck: on" verdict ok kvm.nested "on (nested=1)"
t "hostcheck: a test guest runs" verdict ok kvm.api "version 12, runs guests"
t "so guests take KVM" verdict info guest.accel "KVM for x86_64, i386"
t "nothing here loads it at boot, though mdev is installed" verdict warn modules.persist kvm_amd

t "modprobe calls the other vendor's module a success" modprobe kvm_intel
t "but it does not run" not grep -q '^kvm_intel ' /proc/modules
t "vmod does not believe it" sh -c 'vmod load kvm_intel >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q kvm_amd /tmp/o'
t "vmod status of it: no" ends 3 vmod status kvm_intel
t "hostcheck names the one that runs" verdict ok kvm.module "kvm_amd (live)"

hold
was=$(born)
t "off while /dev/kvm is open: not yet" ends 3 vmod nested off
t "the module was not touched" is "$was" born
t "what runs is still on" live $par 1
t "the setting is written" grep -qx 'options kvm_amd nested=0' $conf
t "who holds it is named" says "sleep" vmod nested off
t "status: still on, and what is configured" sh -c 'vmod nested >/tmp/o; [ $? = 0 ] && cat /tmp/o && grep -q "nested=0" /tmp/o'
t "hostcheck: on now, off at the next load" verdict warn kvm.nested "on now; at the next load nested=0"
t "nor does unload take it away" ends 1 vmod unload kvm_amd
t "whose holder is named as well" says sleep vmod unload kvm_amd
drop
t "off when nobody uses it" vmod nested off
t "it was loaded anew" not is "$was" born
t "and is off" live $par 0
t "status: no" ends 3 vmod nested
t "hostcheck: off" verdict info kvm.nested "off"
t "on again" vmod nested on
t "and is on" live $par 1
t "hostcheck: on again" verdict ok kvm.nested "on"
t "a dry run changes nothing" sh -c 'vmod nested off --dry-run && grep -qx 1 /sys/module/kvm_amd/parameters/nested'
rm -f $conf

printf '[host]\nkvm = yes\nnested = no\n' >/etc/hostkit/off.ini
hold
was=$(born)
t "vtune writes it down while the module is in use" vtune apply --profile off
t "and does not touch the module" is "$was" born
t "status: at the next load" sh -c 'vtune status --profile off | grep "modules.nested *reload"'
t "and says who uses it" says "sleep" vtune plan --profile off
drop
t "unused, the plan is to load it anew" says "unload" vtune plan --profile off
t "apply does" vtune apply --profile off
t "the kernel has the value" live $par 0
t "a second apply has nothing to do" says "Nothing to do" vtune apply --profile off
t "verify says clean" vtune verify --profile off
t "revert" vtune revert
t "the file is gone" not test -e $conf
t "the module runs" grep -q '^kvm_amd ' /proc/modules
t "as before" live $par 1
t "hostcheck agrees" verdict ok kvm.nested "on (nested=1)"

# A letter, for a parameter that is a number.
modprobe -r kvm_amd
echo 'options kvm_amd nested=Y' >/etc/modprobe.d/kvm_intel.conf
t "with a letter the module does not load" not modprobe kvm_amd
t "hostcheck names line and value" verdict fail modules.options "kvm_intel.conf"
t "vmod as well" sh -c 'vmod load kvm_amd >/tmp/o 2>&1; [ $? = 1 ] && cat /tmp/o && grep -q "nested" /tmp/o'
printf '[host]\nkvm = yes\nnested = yes\n' >/etc/hostkit/on.ini
t "vtune mends it where it stands, and loads the module" vtune apply --profile on
t "a number now" grep -qx 'options kvm_amd nested=1' /etc/modprobe.d/kvm_intel.conf
t "it runs, and is on" live $par 1
t "hostcheck: options are fine" verdict ok modules.options
done_testing
