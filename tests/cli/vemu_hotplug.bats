#!/usr/bin/env bats
# test-timeout: 300
# What comes to a machine that runs and goes from it: the stock kernel's acpiphp on the other side.
load ../lib/common
load ../lib/vemu

setup() {
	common_setup
	PATH=$PATH:/sbin:/usr/sbin
	REBOOT=-no-reboot
}

# start OPTION...: a guest from KERNEL and initrd, QMP on its standard input and output, its
# console in the file serial.
start() {
	vemu_again
	# shellcheck disable=SC2086 # none, or one
	vemu_start -display none -m 256 -kernel "$KERNEL" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1" $REBOOT -qmp stdio -serial file:serial "$@"
	vemu_send '{"execute": "qmp_capabilities"}'
	vemu_wait 10 '"return":\{\}'
}

qmp() {
	vemu_send "{\"execute\": \"$1\", \"arguments\": {$2}}"
	vemu_wait 60 "$3"
}

# gone ID: QMP has told that the device is.
gone() {
	local end=$((SECONDS + 60 * ${TEST_SCALE:-1}))
	until grep -q "\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"$1\",\"path\":\"/machine/peripheral/$1\"" console; do
		if [ $SECONDS -gt $end ] || ! kill -0 "$VEMU_PID"; then
			cat console serial
			return 1
		fi
		sleep 0.2
	done
}

hmp() { qmp human-monitor-command "\"command-line\": \"$1\"" "\"return\":\"${2-\"}"; }

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

guest() {
	cat >script <<'end'
until_there() { until [ -e "$1" ]; do sleep 0.1; done; }
until_gone() { while [ -e "$1" ]; do sleep 0.1; done; }
echo "rea""dy"
until_there /dev/vdb
echo "written in the guest" | dd of=/dev/vdb bs=512 conv=sync,fsync 2>/dev/null
echo "disk ""came"
until_gone /dev/vdb
echo "disk ""went"
until_there /dev/vdb
dd if=/dev/vdb bs=512 count=1 2>/dev/null | grep -a guest
until_there /sys/class/net/eth0
ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
ping -c 1 -W 5 10.0.2.2 >/dev/null && echo "card ""came"
until_gone /sys/class/net/eth0
echo "card ""went"
until_gone /dev/vda
echo "first ""went"
end
	vemu_initrd initrd script virtio_pci virtio_blk virtio_net
}

session() {
	start "$@" -drive if=none,id=d0,file=a.raw,format=raw -device virtio-blk-pci,drive=d0,id=first
	serial 60 ready
	qmp blockdev-add '"driver": "file", "node-name": "f1", "filename": "b.qcow2"' '"return":\{\}'
	qmp blockdev-add '"driver": "qcow2", "node-name": "n1", "file": "f1"' '"return":\{\}'
	qmp blockdev-add '"driver": "qcow2", "node-name": "n1", "file": {"driver": "file", "filename": "c"}' 'Duplicate node'
	qmp device_add '"driver": "virtio-blk-pci", "id": "x", "drive": "n1", "num-queues": 1' '"return":\{\}'
	serial 60 "disk came"
	qmp device_add '"driver": "virtio-rng-pci", "id": "x"' "Duplicate device ID 'x'"
	qmp device_add '"driver": "virtio-blk-pci", "drive": "n1"' 'no -drive or -blockdev has that id'
	qmp device_add '"driver": "ide-hd", "drive": "n1"' "Device 'ide-hd' does not support hotplugging"
	qmp blockdev-del '"node-name": "n1"' 'in use'
	qmp blockdev-del '"node-name": "f1"' 'in use'
	qmp device_del '"id": "x"' '"return":\{\}'
	gone x
	serial 60 "disk went"
	qmp device_del '"id": "x"' "Device 'x' not found"
	qmp blockdev-del '"node-name": "n1"' '"return":\{\}'
	qmp blockdev-del '"node-name": "f1"' '"return":\{\}'
	# the same image once more, in a person's words
	hmp 'drive_add 0 if=none,id=d1,file=b.qcow2'
	hmp 'device_add virtio-blk-pci,drive=d1,id=x2'
	serial 60 "written in the guest"
	hmp 'netdev_add user,id=u1'
	hmp 'device_add virtio-net-pci,netdev=u1,id=nic,mac=52:54:00:aa:bb:cc'
	serial 60 "card came"
	hmp 'netdev_del u1' 'Error: .*in use'
	hmp 'device_del nic'
	gone nic
	serial 60 "card went"
	hmp 'netdev_del u1'
	# one that was there from the start
	hmp 'device_del first'
	gone first
	vemu_ends 60
}

@test "pc: a disk and a card come, are used, and go; names and refusals" {
	vemu_parts
	guest
	truncate -s 1M a.raw
	"$VIMG" create -q -f qcow2 b.qcow2 4M
	session -machine pc
	sound b.qcow2
	"$VIMG" convert -O raw b.qcow2 b.raw
	[ "$(head -c 20 b.raw)" = "written in the guest" ]
}

@test "q35: the same, with two processors" {
	vemu_parts
	guest
	truncate -s 1M a.raw
	"$VIMG" create -q -f qcow2 b.qcow2 4M
	session -machine q35 -smp 2
	sound b.qcow2
}

@test "without a guest that listens: asked again after a while, gone at a reset; without ACPI nothing comes" {
	vemu_parts
	cat >script <<'end'
:
end
	vemu_initrd initrd script
	truncate -s 1M a.raw
	REBOOT=
	start -S -object rng-random,id=r0,filename=/dev/zero
	hmp 'drive_add 0 if=none,file=a.raw,format=raw' 'Error: .*id='
	hmp 'drive_add 0 if=none,id=d0,file=nofile' 'Error: .*nofile'
	hmp 'drive_add 0 if=none,id=d0,file=a.raw,format=raw'
	hmp 'device_add' 'of what'
	hmp 'device_add nothing' "Error: 'nothing' is not a valid device"
	hmp 'device_add virtio-blk-pci,drive=d0,id=b,addr=1f' 'Error: addr=1f: that slot is taken'
	hmp 'device_add virtio-blk-pci,drive=d0,id=b,colour=red' 'Error: .*colour'
	hmp 'device_add virtio-blk-pci,drive=d0,id=b,addr=9'
	hmp 'device_add virtio-rng-pci,rng=r0,id=g,addr=9' 'Error: addr=9: that slot is taken'
	qmp object-add '"qom-type": "rng-builtin", "id": "r1"' '"return":\{\}'
	qmp object-add '"qom-type": "rng-builtin", "id": "r1"' "there is an object 'r1' already"
	qmp device_add '"driver": "virtio-rng-pci", "rng": "r1", "id": "g"' '"return":\{\}'
	qmp object-del '"id": "r1"' '"return":\{\}'
	qmp object-del '"id": "r1"' "object 'r1' not found"
	hmp 'device_add virtio-balloon-pci,id=ball'
	hmp 'info balloon' 'balloon: actual=256'
	hmp 'drive_del d0' 'Error: .*in use'
	hmp 'device_del b'
	hmp 'device_del b' 'Error: Device b is already in the process of unplug'
	sleep 1
	hmp 'device_del b'
	hmp 'device_del ball'
	qmp system_reset '' 'RESET'
	gone b
	gone ball
	hmp 'info balloon' 'No balloon device'
	hmp 'drive_del d0' "Error: Device 'd0' not found"
	hmp 'info pci' '.*virtio-rng'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
	start -S -no-acpi -drive if=none,id=d0,file=a.raw,format=raw
	hmp 'device_add virtio-blk-pci,drive=d0' 'Error: Bus .pci.0. does not support hotplugging'
	vemu_send '{"execute": "quit"}'
	vemu_ends 20
}
