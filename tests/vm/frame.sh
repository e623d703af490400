#!/bin/sh
# in-check
# The guest itself: kernel, OpenRC, modules, restart.  Others lean on this.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

if on_boot 1; then
	t "OpenRC ran the boot level" rc-service modules status
	t "tun can be loaded" modprobe tun
	t "/dev/net/tun is there" test -c /dev/net/tun
	t "a marked line is kept over a restart" sh -c 'echo tun >>/etc/modules'
	restart
fi
t "tun was loaded by the modules service" grep -q '^tun ' /proc/modules
done_testing
