#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 512
# limit: 240
# test-timeout: 260
# Device nodes as Alpine's mdev makes them: it has a rule for kvm and tun, and none for vhost-net.
# shellcheck disable=SC2016 # for the shell that runs them
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

mdev_conf() {
	cat >/etc/mdev.conf <<'X'
# as Alpine has it
null		root:root 0666
kvm		root:kvm 0660
net/tun[0-9]*	root:netdev 0660
tun		root:netdev 0660 >net/tun
vd[a-z].*	root:disk 0660
X
	cat >/etc/init.d/mdev <<'X'
#!/sbin/openrc-run
description="Devices as they come"
depend() { need sysfs; before modules; }
start() { mdev -d && mdev -s; }
X
	chmod 755 /etc/init.d/mdev
	ln -sf /etc/init.d/mdev /etc/runlevels/sysinit/mdev
}

# node FILE "MODE GROUP": at last, for who makes nodes is another process.
node() {
	i=0
	while [ $i -lt 50 ]; do
		[ "$(stat -c '%a %g' "$1" 2>/dev/null)" = "$2" ] && return 0
		i=$((i + 1))
		sleep 0.1
	done
	ls -ln "$1"
	return 1
}

case $BOOT in
1)
	echo 'disk:x:6:' >>/etc/group
	mdev_conf
	printf '[host]\nkvm = yes\ntun = yes\nvhost_net = yes\n[users]\ncreate = yes\nmembers = alice\n[services]\nboot = yes\n' >/etc/hostkit/test.ini
	restart
	;;
2)
	modprobe vhost_net
	t "mdev leaves vhost-net to root" node /dev/vhost-net "660 0"
	t "hostcheck: alice may not" sh -c 'hostcheck --user alice --only net.vhost | grep warn'
	t "whose step is nodes.vhost" sh -c 'hostcheck --user alice --only net.vhost | grep "nodes.vhost"'
	modprobe -r vhost_net
	cp /etc/mdev.conf /vm/mdev.conf
	t "apply" vtune apply --profile test
	t "the node is the group's" node /dev/vhost-net "660 34"
	t "kvm's as well, by mdev's own rule" node /dev/kvm "660 34"
	t "there is a rule" grep -q '^vhost-net[[:space:]]*root:kvm' /etc/mdev.conf
	t "alice may open it" su alice -s /bin/sh -c 'true <>/dev/vhost-net'
	t "hostcheck: she may" sh -c 'hostcheck --user alice --only net.vhost | grep "ok *net.vhost"'
	t "nothing to do again" says "Nothing to do" vtune apply
	# A running mdev keeps the rules that it began with.
	t "status: the rule waits for a reboot" sh -c 'vtune status | grep "nodes.vhost *reboot"'
	t "mdev started anew" sh -c 'killall mdev; mdev -d'
	t "the module loaded anew" sh -c 'modprobe -r vhost_net && modprobe vhost_net'
	t "the rule gives its node the group" node /dev/vhost-net "660 34"
	restart
	;;
3)
	t "again after a restart" node /dev/vhost-net "660 34"
	t "kvm too" node /dev/kvm "660 34"
	t "tun is netdev's" sh -c '[ "$(stat -c %g /dev/net/tun)" = 28 ]'
	t "verify" vtune verify
	t "revert" vtune revert
	t "the rules are as before" cmp /etc/mdev.conf /vm/mdev.conf
	restart
	;;
4)
	modprobe vhost_net
	t "after revert and restart it is root's again" node /dev/vhost-net "660 0"
	done_testing
	;;
esac
