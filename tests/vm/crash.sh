#!/bin/sh
# machine: -machine q35 -cpu EPYC,+svm
# memory: 512
# limit: 300
# test-timeout: 320
# Two vtunes at once, one that is killed at different moments, and one whose machine is.
# shellcheck source=tests/vm/guest/lib.sh
. /vm/lib.sh

picture() {
	find /etc /home -xdev ! -name '*-' ! -name .pwd.lock 2>/dev/null | sort | while read -r f; do
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

profile() {
	cat >/etc/hostkit/test.ini <<'X'
[host]
kvm = yes
tun = yes
vhost_net = yes
vhost_mem_regions = 509
guests = 32M

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
swappiness = 10

[services]
boot = yes
X
}

# slow COMMAND: an addgroup that takes its time, so that vtune is in the middle of something.
slow() {
	for p in groupadd useradd usermod gpasswd; do
		[ -e /usr/sbin/$p.real ] || mv /usr/sbin/$p /usr/sbin/$p.real
		printf '#!/bin/sh\nsleep %s\nexec /usr/sbin/%s.real "$@"\n' "$1" $p >/usr/sbin/$p
		chmod 755 /usr/sbin/$p
	done
}
fast() {
	for p in groupadd useradd usermod gpasswd; do
		[ ! -e /usr/sbin/$p.real ] || mv /usr/sbin/$p.real /usr/sbin/$p
	done
}

# nap SECONDS/100
nap() { usleep $(($1 * 10000)) 2>/dev/null || sleep "0.$(printf %02d "$1")"; }

case $BOOT in
1)
	profile
	picture /vm/before
	slow 3
	vtune apply --profile test >/tmp/first 2>&1 &
	first=$!
	until [ -d /var/lib/hostkit ]; do nap 5; done
	nap 30
	t "a second apply is told who is at it" sh -c "vtune apply --profile test >/tmp/o 2>&1; [ \$? = 1 ] && cat /tmp/o && grep -q 'process $first (vtune apply' /tmp/o"
	t "a revert as well" ends 1 vtune revert
	t "plan needs no lock" says "users" vtune plan --profile test
	t "one that waits goes on afterwards" vtune apply --profile test --wait
	wait $first
	t "the first one did its work" test $? = 0
	fast
	t "once: nothing is left to do" says "Nothing to do" vtune apply --profile test
	t "and nothing was done twice" is 1 grep -cx tun /etc/modules
	t "verify" vtune verify
	t "revert" vtune revert
	picture /vm/now
	t "all is as before" same /vm/before /vm/now

	# Killed early, later, and in the middle of a program that it runs.
	for at in 3 8 15 25 40 70; do
		vtune apply --profile test >/tmp/out 2>&1 &
		pid=$!
		nap $at
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		echo "# killed after $((at * 10)) ms with $(grep -c . /var/lib/hostkit/journal 2>/dev/null || echo 0) records in the journal"
		t "killed after $((at * 10)) ms: status can tell" vtune status --profile test
		t "revert" vtune revert
		picture /vm/now
		t "all is as before" same /vm/before /vm/now
	done
	slow 1
	vtune apply --profile test >/tmp/out 2>&1 &
	pid=$!
	until pgrep -f groupadd >/dev/null || ! kill -0 $pid 2>/dev/null; do nap 3; done
	kill -9 $pid
	wait $pid 2>/dev/null
	sleep 2
	fast
	t "killed while accounts are made: apply goes on from there" vtune apply --profile test
	t "verify says clean" vtune verify
	t "revert" vtune revert
	picture /vm/now
	t "all is as before" same /vm/before /vm/now

	# The machine goes down in the middle; what was not written is lost.
	vtune apply --profile test >/tmp/out 2>&1 &
	nap 30
	echo "=== guest restarts"
	reboot -f
	sleep 60
	;;
2)
	t "after the machine went down: status can tell" vtune status --profile test
	t "apply goes on" vtune apply --profile test
	t "verify says clean" vtune verify --profile test
	t "revert" vtune revert
	picture /vm/now
	t "all is as before" same /vm/before /vm/now
	done_testing
	;;
esac
