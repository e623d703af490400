#!/usr/bin/env bats
# test-timeout: 300
# Devices as the stock kernel's own drivers use them, and what programs hear of them over QMP.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	PATH=$PATH:/sbin:/usr/sbin
}

# start APPEND OPTION...: a guest from KERNEL and initrd, QMP on its standard input and output,
# its console in the file serial.
start() {
	local append=$1
	shift
	vemu_again
	vemu_start -display none -m 256 -kernel "$KERNEL" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1 $append" -no-reboot -qmp stdio -serial file:serial "$@"
	vemu_send '{"execute": "qmp_capabilities"}'
}

# heard PATTERN...: QMP told of each of these.
heard() {
	local p
	for p; do
		grep -qE -- "$p" console && continue
		echo "QMP did not say '$p':"
		cat console serial vemu.err
		return 1
	done
}

# serial SECONDS TEXT: waits until the guest says it.
serial() {
	local end=$((SECONDS + $1 * ${TEST_SCALE:-1}))
	until grep -qF -- "$2" serial; do
		if ! kill -0 "$VEMU_PID" 2>/dev/null || [ $SECONDS -gt $end ]; then
			echo "the guest did not say '$2':"
			tail -n 40 serial
			cat console vemu.err
			return 1
		fi
		sleep 0.2
	done
}

@test "a disk whose format was found out stays raw; zeroes are found; QMP hears of errors" {
	vemu_parts
	truncate -s 4M a.raw
	"$VIMG" create -q -f qcow2 b.qcow2 16M
	cat >script <<'end'
printf 'QFI\373\0\0\0\3' | dd of=/dev/vda conv=fsync && echo "wro""te a header" || echo "refu""sed"
dd if=/dev/vdb bs=1M count=16 of=/dev/null
tr '\0' x </dev/zero | dd of=/dev/vdb bs=1M count=16 iflag=fullblock oflag=direct
dd if=/dev/zero of=/dev/vdb bs=1M count=15 oflag=direct && echo "zer""oed"
dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=fsync && echo "clear""ed"
end
	vemu_initrd initrd script virtio_pci virtio_blk
	start "" -drive file=a.raw,if=virtio,id=first \
		-drive file=b.qcow2,if=virtio,discard=unmap,detect-zeroes=unmap
	vemu_ends 60
	grep -q 'a.raw.*format=raw' vemu.err
	grep -q refused serial
	grep -q zeroed serial
	grep -q cleared serial
	heard '"event":"BLOCK_IO_ERROR","data":\{"device":"first".*"operation":"write","action":"report","nospace":false'
	[ "$("$VIMG" info --output json a.raw | grep -c '"format": "raw"')" = 1 ]
	sound b.qcow2
	# one megabyte is left, and its tables
	[ "$(du -k b.qcow2 | cut -f 1)" -lt 2048 ]
	"$VIMG" convert -O raw b.qcow2 b.raw
	[ "$(head -c 15M b.raw | tr -d '\0' | wc -c)" = 0 ]
	[ "$(tail -c 1M b.raw | tr -d x | wc -c)" = 0 ]
}

# The guest's part of talking over its first card, both ways; its driver must be $1.
net_script() {
	cat >script <<'end'
word() { tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"; }
echo "driver $(basename $(readlink /sys/class/net/eth0/device/driver))"
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
wget -q -O - http://10.0.2.2:$(word port)/numbers | md5sum
echo "listen""ing"
seq 1 200000 | nc -l -p 80
cat /proc/interrupts
end
}

# talk DRIVER OPTION...: runs such a guest; OPTIONS has the network n.
talk() {
	local driver=$1 port fwd
	shift
	mkdir -p www
	seq 1 300000 >www/numbers
	port=$((20000 + RANDOM % 20000))
	fwd=$((40000 + RANDOM % 20000))
	"$VEMU_PARTS/busybox" httpd -f -p "127.0.0.1:$port" -h www 3>&- 7>&- &
	HTTP=$!
	start "port=$port" -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$fwd-:80" "$@"
	serial 60 listening
	sleep 0.5
	cat <"/dev/tcp/127.0.0.1/$fwd" >back
	vemu_ends 60
	kill "$HTTP"
	grep -q "driver $driver" serial
	grep -q "$(md5sum <www/numbers)" serial
	seq 1 200000 | cmp - back
}

@test "drivers of before virtio 1.0: a disk and a network card" {
	vemu_parts
	truncate -s 4M a.raw
	net_script
	cat >>script <<'end'
cat /sys/class/block/vda/device/features
echo "class $(cat /sys/class/block/vda/device/../revision)"
tr '\0' y </dev/zero | dd of=/dev/vda bs=64k count=64 iflag=fullblock conv=fsync && echo "wro""te"
end
	vemu_initrd initrd script virtio_pci virtio_blk virtio_net
	local machine
	for machine in pc q35; do
		rm -f serial
		talk virtio_net -machine $machine -drive file=a.raw,format=raw,if=none,id=d \
			-device virtio-blk-pci,drive=d,disable-modern=on \
			-device virtio-net-pci,netdev=n,disable-modern=on,addr=9
		grep -q wrote serial
		# bit 32, VERSION_1, was not agreed on
		grep -E '^[01]{64}' serial | cut -c 33 | grep -qx 0
		[ "$(tr -d y <a.raw | wc -c)" = 0 ]
		truncate -s 0 a.raw
		truncate -s 4M a.raw
		long_run || break
	done
}

@test "a guest that panics says so: pvpanic on ISA and on PCI, -action panic" {
	vemu_parts
	cat >script <<'end'
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
end
	vemu_initrd initrd script pvpanic-mmio pvpanic-pci
	start "" -device pvpanic -action panic=exit-failure
	local rc=0
	vemu_ends 60 || rc=$?
	[ "$rc" = 1 ]
	heard '"event":"GUEST_PANICKED","data":\{"action":"poweroff"\}' '"event":"SHUTDOWN".*guest-panic'
	start "" -machine q35 -device pvpanic-pci,addr=7 -action panic=pause
	vemu_wait 60 '"event":"STOP"'
	vemu_send '{"execute": "query-status"}'
	vemu_wait 20 '"status":"guest-panicked"'
	heard '"event":"GUEST_PANICKED","data":\{"action":"pause"\}'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
}

@test "the watchdog bites a guest that hangs; -watchdog-action says what that does" {
	vemu_parts
	cat >script <<'end'
watchdog -F -T 2 -t 60 /dev/watchdog &
sleep 100
end
	vemu_initrd initrd script i6300esb
	start "" -device i6300esb,id=dog -watchdog-action pause
	vemu_wait 60 '"event":"STOP"'
	vemu_send '{"execute": "query-status"}'
	vemu_wait 20 '"status":"watchdog"'
	heard '"event":"WATCHDOG","data":\{"action":"pause"\}'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
	# as a reset, which ends the machine here
	start "" -watchdog i6300esb
	vemu_ends 60
	heard '"event":"WATCHDOG","data":\{"action":"reset"\}' '"event":"SHUTDOWN".*guest-reset'
}

@test "virtio-serial: a console, and a port with a name, both ways" {
	requires socat
	vemu_parts
	cat >script <<'end'
i=0 # the name comes after the port
while [ $i -lt 100 ] && ! cat /sys/class/virtio-ports/*/name 2>/dev/null | grep -q agent; do
	sleep 0.1
	i=$((i + 1))
done
for p in /sys/class/virtio-ports/*; do echo "port ${p##*/} $(cat $p/name 2>/dev/null)"; done
echo "conso""le says hello" >/dev/hvc0
port=$(ls -d /dev/vport*p1 | head -n 1)
exec 3<>$port
seq 1 20000 >&3
head -n 5000 <&3 | md5sum
echo done >&3
exec 3>&-
end
	vemu_initrd initrd script virtio_pci virtio_console
	start "" -device virtio-serial -chardev file,id=con,path=hvc -device virtconsole,chardev=con \
		-chardev socket,id=agent,path=agent,server=on,wait=off \
		-device virtserialport,chardev=agent,name=org.example.agent.0,id=port1
	until [ -S agent ]; do sleep 0.1; done
	mkfifo to from
	socat - UNIX-CONNECT:agent <to >from 3>&- 7>&- &
	local pid=$!
	exec 8>to 9<from
	# the guest says no more until it has heard
	timeout 90 head -n 20000 <&9 | cmp - <(seq 1 20000)
	seq 1 5000 >&8
	[ "$(timeout 60 head -n 1 <&9)" = "done" ]
	exec 8>&- 9<&-
	kill "$pid" 2>/dev/null || true
	vemu_ends 30
	grep -q "$(seq 1 5000 | md5sum)" serial
	grep -q 'console says hello' hvc
	heard '"event":"VSERPORT_CHANGE","data":\{"id":"port1","open":true\}' \
		'"event":"VSERPORT_CHANGE","data":\{"id":"port1","open":false\}'
	grep -q 'port vport.p1 org.example.agent.0' serial
}

@test "virtio-balloon takes memory and gives it back; what the guest frees goes back by itself" {
	vemu_parts
	cat >script <<'end'
dd if=/dev/zero of=/tmp/big bs=1M count=100 2>/dev/null
echo "fu""ll"
sleep 3
rm /tmp/big
sleep 1000
end
	vemu_initrd initrd script virtio_pci virtio_balloon
	start "" -device virtio-balloon-pci,free-page-reporting=on
	rss() { awk '/^Rss:/ { print $2 }' "/proc/$VEMU_PID/smaps_rollup"; }
	serial 60 full
	local tries=0 full
	full=$(rss)
	# the pages of the file are free in the guest then: after a while they are so here
	until [ "$(rss)" -lt $((full - 60000)) ]; do
		sleep 0.5
		[ $((tries += 1)) -lt 60 ]
	done
	vemu_send '{"execute": "balloon", "arguments": {"value": 100663296}}'
	vemu_wait 60 '"event":"BALLOON_CHANGE","data":\{"actual":1006'
	vemu_send '{"execute": "query-balloon"}'
	vemu_wait 20 '"actual":1006'
	vemu_send '{"execute": "human-monitor-command", "arguments": {"command-line": "balloon 200"}}'
	tries=0
	until grep -q 'actual=200' console; do
		vemu_send '{"execute": "human-monitor-command", "arguments": {"command-line": "info balloon"}}'
		sleep 0.5
		[ $((tries += 1)) -lt 60 ]
	done
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
}

@test "e1000: a guest without virtio talks both ways" {
	vemu_parts
	net_script
	vemu_initrd initrd script e1000
	talk e1000 -device e1000,netdev=n,mac=52:54:00:12:34:99,addr=4
	grep -q 'IO-APIC.*eth0' serial
}
