#!/usr/bin/env bats
# hostcheck: recorded hosts give the reports that were read and kept, and what changes in a host
# changes its report.
load ../lib/common

HOSTCHECK=${BIN:-$TOP/build/release/bin}/hostcheck

# nowhere GREP-ARGUMENTS...: grep finds nothing ("! grep" would not fail a test).
nowhere() {
	if grep "$@"; then
		return 1
	fi
}

# report ROOT [OPTION...]: the JSON; 0 and 3 are answers.
report() {
	local rc=0 root=$1
	shift
	"$HOSTCHECK" --json --root "$root" "$@" || rc=$?
	[ "$rc" = 0 ] || [ "$rc" = 3 ]
}

# verdict ROOT ID [OPTION...]: "fail: what was seen".
verdict() {
	local root=$1 id=$2
	shift 2
	report "$root" --only "$id" "$@" | awk -v id="\"$id\"," '
		/^      "id": / { mine = ($2 == id) }
		mine && /^      "verdict": / { gsub(/[",]/, "", $2); v = $2 }
		mine && /^      "value": / { sub(/^      "value": "/, ""); sub(/",$/, ""); print v ": " $0 }'
}

# expect VERDICT-AND-VALUE ROOT ID [OPTION...]
expect() {
	local want=$1 got
	shift
	got=$(verdict "$@")
	# shellcheck disable=SC2053 # a pattern
	[[ "$got" == $want ]] || { echo "$2: got '$got', not '$want'"; return 1; }
}

# copy NAME: the recorded host as ./host, to be changed.
copy() {
	rm -rf host
	cp -a "$TOP/tests/roots/$1" host
}

@test "every recorded host gives the report that is kept" {
	cd "$TOP/tests/roots"
	n=0
	for root in */; do
		root=${root%/}
		timeout 20 "$HOSTCHECK" --json --root "$root" >"$WORK/out.json" 2>"$WORK/err" || rc=$?
		[ "${rc:-0}" = 0 ] || [ "$rc" = 3 ]
		[ ! -s "$WORK/err" ] || { cat "$WORK/err"; return 1; }
		diff -u "$root.json" "$WORK/out.json" || return 1
		rc=0
		n=$((n + 1))
	done
	[ "$n" -ge 15 ]
	kept=(*.json)
	[ "$n" = "${#kept[@]}" ]
}

@test "text and metrics of every recorded host are printable and well formed" {
	for root in "$TOP"/tests/roots/*/; do
		for format in text prometheus; do
			timeout 20 "$HOSTCHECK" --format $format -v --root "$root" >out || [ $? = 3 ]
			nowhere -n '[^ -~]' out
		done
		nowhere -vE '^(# (HELP|TYPE) [a-z_]+ .+|hostcheck_[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)+\} [0-9]+)$' out
		# one sample a name and label set, one HELP and TYPE each
		[ -z "$(grep -v '^#' out | sort | uniq -d)" ]
		[ "$(grep -c '^# TYPE' out)" = 4 ]
	done
}

@test "firmware that locks VT-x, by flag, by CPUID and by register" {
	copy intel-desktop
	expect "ok: VT-x" host cpu.virt
	expect "ok: *" host cpu.firmware
	# Linux hides the flag, CPUID still has it
	sed -i 's/ vmx / /' host/proc/cpuinfo
	expect "fail: *the kernel does not use it*" host cpu.firmware
	expect "skip: *" host kvm.module
	# root reads the lock itself
	sed -i 's/^access .dev.cpu.*/msr 0 0x3a = 0x1/' host/.hostkit-record
	expect "fail: firmware locked VT-x off*" host cpu.firmware
	# neither: the processor has none
	sed -i 's/^cpuid 0x1 0x0 = .*/cpuid 0x1 0x0 = 0x906ea 0x100800 0x7ffafbdf 0xbfebfbff/' host/.hostkit-record
	rm -r host/sys/class/misc/kvm
	sed -i '/^kvm /d; s/^arch/kvm api = ENOENT\narch/' host/.hostkit-record
	expect "fail: neither*" host cpu.virt
	expect "skip: *" host cpu.firmware
	# a longer word is not the flag
	sed -i 's/ smx / vmxx xvmx /' host/proc/cpuinfo
	expect "fail: neither*" host cpu.virt
}

@test "AMD-V switched off by firmware" {
	copy amd-server
	expect "ok: *" host cpu.firmware
	sed -i 's/^msr 0 0xc0010114 = .*/msr 0 0xc0010114 = 0x18/' host/.hostkit-record
	expect "fail: firmware switched AMD-V off*" host cpu.firmware
}

@test "one processor without the flag is enough to fail" {
	copy amd-server
	expect "ok: 4 processors, all alike" host cpu.alike
	awk '/^flags/ && ++n == 3 { sub(/ svm /, " ") } { print }' host/proc/cpuinfo >cpuinfo
	cp cpuinfo host/proc/cpuinfo
	expect "fail: *" host cpu.alike
}

@test "the vendor's name plays no part" {
	copy amd-server
	sed -i 's/AuthenticAMD/HygonGenuine/; s/^model name.*/model name\t: Hygon C86 7185/' host/proc/cpuinfo
	expect "ok: AMD-V" host cpu.virt
	expect "ok: kvm_amd*" host kvm.module
}

@test "KVM is proven by what it answers, not by the node" {
	copy intel-desktop
	expect "ok: version 12, runs guests" host kvm.api
	sed -i 's/^kvm create_vm = .*/kvm create_vm = EBUSY/' host/.hostkit-record
	expect "fail: making a guest fails*" host kvm.api
	sed -i 's/^kvm api = .*/kvm api = ENODEV/' host/.hostkit-record
	expect "fail: no driver stands behind*" host kvm.api
	sed -i 's/^kvm api = .*/kvm api = EACCES/' host/.hostkit-record
	expect "unknown: *" host kvm.api
	sed -i 's,^node /dev/kvm = .*,node /dev/kvm = f 0 0 0644 0 0,' host/.hostkit-record
	expect "fail: */dev/kvm is not the KVM device*" host kvm.device
}

@test "the wrong vendor module, and none" {
	copy intel-desktop
	mv host/sys/module/kvm_intel host/sys/module/kvm_amd
	expect "fail: kvm_amd is loaded*" host kvm.module
	rm -r host/sys/module/kvm_amd
	sed -i 's/^kvm api = .*/kvm api = ENODEV/' host/.hostkit-record
	expect "fail: kvm_intel is not loaded" host kvm.module
	# of several that follow from one cause only the cause fails
	[ "$(report host --only kvm | grep -c '"verdict": "fail"')" = 1 ]
}

@test "some other kvm module without VT-x or AMD-V: only guests made for it" {
	copy intel-desktop
	sed -i 's/ vmx / /; /^vmx flags/d' host/proc/cpuinfo
	sed -i 's/^cpuid 0x1 0x0 = .*/cpuid 0x1 0x0 = 0x906ea 0x100800 0x7ffafbdf 0xbfebfbff/' host/.hostkit-record
	mv host/sys/module/kvm_intel host/sys/module/kvm_pvm
	sed -i 's/^kvm runs = .*/kvm runs = ENOTSUP/' host/.hostkit-record
	expect "warn: *the KVM that is here is paravirtual" host cpu.virt
	expect "ok: kvm_pvm*" host kvm.module
	# for who may not open the node it is not known, and no failure of the processor
	sed -i '/^kvm /d; s/^arch/kvm api = EACCES\narch/; s,^node /dev/kvm = .*,node /dev/kvm = c 10 232 0600 0 0,' host/.hostkit-record
	expect "unknown: *some driver offers KVM" host cpu.virt
	expect "ok: kvm_pvm*" host kvm.module
	expect "unknown: *" host kvm.api
	expect "fail: */dev/kvm is root:root 0600*" host kvm.access
}

@test "KVM that opens and runs no kernel is told from one that runs guests" {
	copy intel-desktop
	expect "ok: version 12, runs guests" host kvm.api
	expect "ok: x86_64: KVM*" host guest.accel --guest x86_64
	# what was not tried is not claimed
	sed -i '/^kvm runs/d' host/.hostkit-record
	expect "ok: version 12, makes guests" host kvm.api
	echo 'kvm runs = ENOTSUP' >>host/.hostkit-record
	expect "warn: makes guests, but runs no kernel: *" host kvm.api
	expect "warn: x86_64: software translation, KVM opens here*" host guest.accel --guest x86_64
	expect "warn: i386: software translation*" host guest.accel --guest i386
	expect "info: software translation for all*" host guest.accel
	report host --only guest.accel --guest x86_64 | grep -q 'accel tcg,thread=multi'
	# vemu needs no word for it
	: >host/usr/bin/vemu
	echo 'node /usr/bin/vemu = f 0 0 0755 0 0' >>host/.hostkit-record
	report host --only guest.accel --guest x86_64 | grep -q 'vemu takes it by itself, QEMU with'
	# but not on every processor
	report host --only software.emulators >out
	nowhere -q 'with KVM only' out
	sed -i 's/ bmi2 / /' host/proc/cpuinfo
	report host --only guest.accel --guest x86_64 >out
	nowhere -q vemu\ takes out
	report host --only software.emulators >out
	grep -q 'with KVM only: its own engine needs XSAVE and BMI2' out
	# guests that run are a better answer than the flags of a processor
	sed -i 's/ vmx / /; /^vmx flags/d' host/proc/cpuinfo
	sed -i 's/^cpuid 0x1 0x0 = .*/cpuid 0x1 0x0 = 0x906ea 0x100800 0x7ffafbdf 0xbfebfbff/; /^kvm runs/d' host/.hostkit-record
	echo 'kvm runs = 0' >>host/.hostkit-record
	expect "ok: neither vmx nor svm is shown, but guests run" host cpu.virt
}

@test "access: for who asks, for a user by name, and after a change of groups" {
	expect "ok: alice may" "$TOP/tests/roots/intel-desktop" kvm.access
	expect "ok: alice may" "$TOP/tests/roots/intel-desktop" kvm.access --user alice
	expect "fail: *bob*" "$TOP/tests/roots/intel-desktop" kvm.access --user bob
	expect "fail: there is no user 'carol'*" "$TOP/tests/roots/intel-desktop" kvm.access --user carol
	expect "ok: root may*" "$TOP/tests/roots/intel-desktop" kvm.access --user root
	copy intel-desktop
	# in the files, not in the process: a new login
	sed -i 's/^Groups:.*/Groups:\t24 25 1000 /' host/proc/self/status
	expect "fail: *" host kvm.access
	report host --only kvm.access | grep -q '"remedy": "relogin"'
	expect "ok: alice may" host kvm.access --user alice
	# a folder above that lets nobody in
	sed -i 's,^node /dev = .*,node /dev = d 0 0 0700 0 0,' host/.hostkit-record
	expect "fail: *" host kvm.access --user alice
}

@test "nested: both spellings, and what the next load brings" {
	copy intel-desktop
	expect "ok: on*" host kvm.nested
	echo N >host/sys/module/kvm_intel/parameters/nested
	expect "info: off*" host kvm.nested
	mkdir -p host/etc/modprobe.d
	echo 'options kvm-intel nested=1' >host/etc/modprobe.d/x.conf
	expect "warn: off now*" host kvm.nested
	mv host/etc/modprobe.d/x.conf host/etc/modprobe.d/x
	expect "info: off*" host kvm.nested
	expect "ok: on (nested=1)" "$TOP/tests/roots/amd-server" kvm.nested
}

@test "module options: types, unknown names, two values" {
	copy alpine-mdev
	expect "fail: *nested=Y*" host modules.options
	sed -i s/nested=Y/nested=1/ host/etc/modprobe.d/kvm_intel.conf
	expect "warn: *max_mem_region*" host modules.options
	sed -i /max_mem_region=32/d host/etc/modprobe.d/vhost.conf
	expect "ok: *" host modules.options
	echo 'options vhost max_mem_regions=64' >host/etc/modprobe.d/z.conf
	expect "warn: *" host modules.options
}

@test "modules at boot: whole words, no comments" {
	copy alpine-mdev
	expect "warn: not loaded at boot: tun" host modules.persist
	# ip_tunnel and #tun are not tun
	printf '\ntun # for guests\n' >>host/etc/modules
	expect "ok: *" host modules.persist
	# a list that nothing reads
	rm host/etc/runlevels/boot/modules
	expect "warn: not loaded at boot: tun*" host modules.persist
}

@test "the processor's module at boot: by what really asks for it" {
	copy alpine-mdev
	printf '\ntun\n' >>host/etc/modules
	report host --only modules.persist >out
	grep -q "hwdrivers loads it by the processor's features" out
	# mdev is there as before, and does no such thing
	rm host/etc/runlevels/sysinit/hwdrivers
	expect "warn: not loaded at boot: kvm_amd" host modules.persist
	ln -s /etc/init.d/udev-trigger host/etc/runlevels/sysinit/udev-trigger
	expect "ok: *" host modules.persist
	# nor does it help where the kernel does not tell of the feature, or modprobe is told not to
	sed -i 's/00C2,//' host/sys/devices/system/cpu/modalias
	expect "warn: not loaded at boot: kvm_amd" host modules.persist
	sed -i 's/00C0,/00C0,00C2,/' host/sys/devices/system/cpu/modalias
	expect "ok: *" host modules.persist
	echo 'blacklist kvm_amd' >host/etc/modprobe.d/x.conf
	expect "warn: not loaded at boot: kvm_amd" host modules.persist
	rm host/etc/modprobe.d/x.conf
	# it should have come, and did not
	rm -r host/sys/module/kvm_amd
	report host --only modules.persist >out
	grep -q 'not loaded, though udev asks for it at boot' out
	# systemd makes nodes ahead, by the list of the kernel
	copy intel-desktop
	report host --only modules.persist >out
	grep -q 'loads when /dev/vhost-net is first opened' out
	sed -i '/^vhost_net /d' host/lib/modules/*/modules.devname
	expect "warn: not loaded at boot: vhost_net" host modules.persist
}

@test "a node without a driver is no tun" {
	copy nested-vm
	expect "warn: *netdev*" host net.tun
	sed -i 's,^node /dev/net/tun = .*,node /dev/net/tun = c 10 200 0666 0 0,' host/.hostkit-record
	expect "ok: *" host net.tun
	sed -i 's,^node /dev/net/tun = .*,node /dev/net/tun = c 10 199 0666 0 0,' host/.hostkit-record
	expect "warn: */dev/net/tun is not that device (10, 200)" host net.tun
	sed -i 's,^node /dev/net/tun = .*,node /dev/net/tun = c 10 200 0666 0 0,' host/.hostkit-record
	rm -r host/sys/class/misc/tun host/sys/module/tun host/lib/modules
	expect "warn: *no driver behind it" host net.tun
}

@test "max_mem_regions is not to be lowered" {
	copy amd-server
	expect "ok: 509" host net.vhost-regions
	rm host/etc/modprobe.d/vhost.conf
	echo 64 >host/sys/module/vhost/parameters/max_mem_regions
	expect "ok: 64" host net.vhost-regions
	echo 16 >host/sys/module/vhost/parameters/max_mem_regions
	expect "warn: 16*" host net.vhost-regions
}

@test "bridge.conf is read as the helper reads it" {
	copy amd-server
	expect "ok: 2 rules" host bridge.conf
	printf 'allow br0\nallow br1\nallow\tbr2 \n' >host/etc/qemu/bridge.conf
	expect "warn: *everybody is refused" host bridge.conf
	printf 'allow br0\nallow br9\n' >host/etc/qemu/bridge.conf
	expect "warn: br9: *no such bridge" host bridge.conf
	printf 'allow br0\n' >host/etc/qemu/bridge.conf
	sed -i 's,^node /etc/qemu/bridge.conf = .*,node /etc/qemu/bridge.conf = f 0 0 0666 0 36,' host/.hostkit-record
	expect "warn: *changed by others*" host bridge.conf
	sed -i 's,^node /usr/lib/qemu/qemu-bridge-helper = .*,node /usr/lib/qemu/qemu-bridge-helper = f 0 0 0755 0 0,' host/.hostkit-record
	expect "warn: *no set-user-ID bit*" host bridge.helper
}

@test "hugetlbfs is believed by statfs alone" {
	copy amd-server
	expect "ok: *" host hugepages.mount
	sed -i 's,^statfs /dev/hugepages = .*,statfs /dev/hugepages = 0x1021994 0x1000,' host/.hostkit-record
	expect "warn: /dev/hugepages*" host hugepages.mount
	expect "warn: /dev/hugepages is a plain file" "$TOP/tests/roots/alpine-mdev" hugepages.mount
}

@test "pools: what was asked for and not given, and nodes left out" {
	copy amd-server
	expect "ok: 10 GiB*" host hugepages.pool
	sed -i 's/1024/2048/' host/etc/sysctl.d/10-huge.conf
	expect "warn: 2M pages: 1024, of 2048*" host hugepages.pool
	echo 0 >host/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
	expect "warn: *leaves one of them out" host hugepages.nodes
}

@test "fstab against what is mounted" {
	copy amd-server
	expect "ok: *" host hugepages.fstab
	sed -i s/mode=1770,gid=36/mode=0777,gid=36/ host/etc/fstab
	expect "warn: *other options*" host hugepages.fstab
	sed -i /hugepages1G/d host/etc/fstab
	sed -i s/mode=0777/mode=1770/ host/etc/fstab
	expect "warn: /dev/hugepages1G: mounted, and not in fstab" host hugepages.fstab
}

@test "IOMMU: told of, on, remapping, groups" {
	copy intel-desktop
	expect "ok: on: *" host iommu.active
	expect "ok: on" host iommu.remap
	rm -r host/sys/kernel/iommu_groups host/sys/class/iommu
	expect "warn: off" host iommu.active
	report host --only iommu.active | grep -q 'intel_iommu=on'
	sed -i 's/intel_iommu=on/intel_iommu=off/' host/proc/cmdline
	expect "warn: off: intel_iommu=off" host iommu.active
	rm host/sys/firmware/acpi/tables/DMAR
	sed -i '/DMAR/d' host/.hostkit-record
	expect "skip: there is none" host iommu.active
	copy intel-desktop
	echo Y >host/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
	expect "warn: *allow_unsafe_interrupts*" host iommu.remap
}

@test "a device of whose group the host keeps a part" {
	copy intel-desktop
	expect "info: *" host passthrough.devices
	ln -sfn ../../../../bus/pci/drivers/snd_hda_intel host/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1/driver
	expect "warn: 1 bound to vfio-pci cannot be passed on" host passthrough.devices
	expect "warn: 1 device meant for vfio-pci*" host passthrough.vfio
}

@test "devices that the host lives on are not counted as free" {
	copy intel-desktop
	expect "info: 2 of 6 devices could be passed on, 2 are ready" host passthrough.devices
	report host --only passthrough.devices | grep -q 'NVMe controller, nvme: stays with the host: / is on it"'
	report host --only passthrough.devices | grep -q 'stays with the host: the default route goes through it, by br0"'
	report host --only passthrough.devices | grep -q 'stays with the host: the console tty0 is on it'
	: >host/proc/net/route
	report host --only passthrough.devices | grep -q "enp0s31f6 on it is the host's only way to a network"
	echo ttyS0 >host/sys/class/tty/console/active
	expect "info: 3 of 6 devices could be passed on, 2 are ready" host passthrough.devices
}

@test "regions of one IOMMU group that nobody understands leave the others known" {
	copy intel-desktop
	dir=$(dirname "$(find host/sys/kernel/iommu_groups -name 0000:01:00.0)")
	echo 'no such thing' >"$dir/../reserved_regions"
	expect "ok: on: *" host iommu.active
	expect "ok: on" host iommu.remap
	expect "warn: 2 bound to vfio-pci cannot be passed on" host passthrough.devices
	report host --only passthrough.devices | grep -q 'NVMe controller, nvme: stays with the host: / is on it"'
	report host --only iommu.reserved | grep -q 'reserved_regions: line 1 is no range of addresses'
	expect "info: 1 group with memory that firmware keeps, others unknown" host iommu.reserved
}

@test "the command line of the next start" {
	expect "warn: after a reboot: iommu=pt" "$TOP/tests/roots/amd-server" boot.cmdline
	copy amd-server
	sed -i 's/psi=1/psi=1 iommu=pt/' host/proc/cmdline
	expect "ok: *" host boot.cmdline
	expect "ok: *" host boot.words
	sed -i 's/iommu=pt/iommu=on/' host/proc/cmdline
	expect "warn: iommu=on: *" host boot.words
}

@test "--guest: the host's own kind, others, and none" {
	roots=$TOP/tests/roots
	expect "ok: x86_64: KVM*" "$roots/intel-desktop" guest.accel --guest x86_64
	expect "ok: i386: KVM*" "$roots/intel-desktop" guest.accel --guest i386
	expect "warn: aarch64 on x86_64: software*" "$roots/intel-desktop" guest.accel --guest aarch64
	expect "warn: arm on x86_64: software*" "$roots/intel-desktop" guest.accel --guest arm
	expect "fail: x86_64 could run under KVM, but*" "$roots/intel-locked" guest.accel --guest x86_64
	expect "warn: x86_64 on i686: software*32-bit*" "$roots/no-virt" guest.accel --guest x86_64
	expect "ok: aarch64: KVM*" "$roots/arm64-acpi" guest.accel --guest aarch64
	# this processor has no 32-bit EL1, the Raspberry Pi's has
	expect "warn: arm on aarch64: software*" "$roots/arm64-acpi" guest.accel --guest arm
	expect "ok: arm: KVM*" "$roots/arm64-dt" guest.accel --guest arm
	expect "warn: x86_64 on aarch64: software*" "$roots/arm64-dt" guest.accel --guest x86_64
	expect "fail: *the user may not open*" "$roots/intel-desktop" guest.accel --guest x86_64 --user bob
}

@test "vemu is an emulator of x86 guests, on 64-bit x86" {
	copy intel-desktop
	rm -f host/usr/bin/qemu-system-*
	: >host/usr/bin/vemu
	echo 'node /usr/bin/vemu = f 0 0 0755 0 0' >>host/.hostkit-record
	expect "ok: vemu" host software.emulators
	expect "ok: x86_64: KVM, by /usr/bin/vemu" host guest.accel --guest x86_64
	: >host/usr/bin/qemu-system-x86_64
	echo 'node /usr/bin/qemu-system-x86_64 = f 0 0 0755 0 0' >>host/.hostkit-record
	expect "ok: x86_64: KVM, by /usr/bin/qemu-system-x86_64 or /usr/bin/vemu" host guest.accel --guest x86_64
	rm host/usr/bin/qemu-system-x86_64
	expect "ok: i386: KVM, by /usr/bin/vemu" host guest.accel --guest i386
	report host --only guest.accel --guest aarch64 | grep -q 'no emulator is installed'
	copy no-virt
	: >host/usr/bin/vemu
	echo 'node /usr/bin/vemu = f 0 0 0755 0 0' >>host/.hostkit-record
	report host --only software.emulators >out
	nowhere -q vemu out
}

@test "exit codes: 0 with warnings, 3 with failures, --strict" {
	root=$TOP/tests/roots/intel-desktop
	"$HOSTCHECK" --root "$root" >out
	grep -q warn out
	run "$HOSTCHECK" --root "$root" --strict
	[ "$status" -eq 3 ]
	"$HOSTCHECK" --root "$root" --strict --only cpu.virt >out
	# an unknown: nothing without --strict
	copy intel-desktop
	sed -i 's/^kvm api = .*/kvm api = EACCES/' host/.hostkit-record
	"$HOSTCHECK" --root host --only kvm.api >out
	run "$HOSTCHECK" --root host --only kvm.api --strict
	[ "$status" -eq 3 ]
	run "$HOSTCHECK" --root "$TOP/tests/roots/no-virt"
	[ "$status" -eq 3 ]
	run "$HOSTCHECK" --root "$TOP/no-such-folder"
	[ "$status" -eq 1 ]
	echo 'no record' >host/.hostkit-record
	run "$HOSTCHECK" --root host --json
	[ "$status" -eq 1 ]
	[[ "$output" == *'"code": "EINVAL"'* ]]
}

@test "--quiet shows what is not fine, and nothing when all is" {
	root=$TOP/tests/roots/intel-desktop
	"$HOSTCHECK" -q --root "$root" --only cpu.virt,kvm.api >out
	[ ! -s out ]
	"$HOSTCHECK" -q --root "$root" >out
	nowhere -E '^  (ok|info|skip) ' out
	grep -qE '^  warn ' out
}

@test "--save and --against: drift check by check, exit 3" {
	copy amd-server
	"$HOSTCHECK" --root host --save was.json >out
	"$HOSTCHECK" --root host --json >is.json
	same was.json is.json
	run "$HOSTCHECK" --root host --against was.json
	[ "$status" -eq 0 ]
	[ "$output" = "Nothing has changed." ]
	# memory moves by itself
	sed -i 's/^MemAvailable:.*/MemAvailable:   77000000 kB/' host/proc/meminfo
	"$HOSTCHECK" --root host --against was.json -q >out
	[ ! -s out ]
	echo 0 >host/sys/module/kvm_amd/parameters/nested
	echo madvise >host/sys/devices/system/cpu/smt/control
	rm host/etc/modprobe.d/vhost.conf
	run "$HOSTCHECK" --root host --against was.json
	[ "$status" -eq 3 ]
	[[ "$output" == *kvm.nested*"was ok"*"is  info"* ]]
	[[ "$output" != *memory.size* ]]
	rc=0
	"$HOSTCHECK" --root host --against was.json --json >drift.json || rc=$?
	[ "$rc" = 3 ]
	grep -q '"schema": "hostcheck-drift/1"' drift.json
	grep -q '"id": "kvm.nested"' drift.json
	# other checks are not missed
	"$HOSTCHECK" --root host --against was.json --only cpu.virt >out
	# the same file may be both
	rc=0
	"$HOSTCHECK" --root host --against was.json --save was.json >out || rc=$?
	[ "$rc" = 3 ]
	"$HOSTCHECK" --root host --against was.json >out
	for bad in /dev/null missing.json; do
		run "$HOSTCHECK" --root host --against "$bad"
		[ "$status" -eq 1 ]
	done
	no_debris
}

@test "--record and --root: a record says what the live host says" {
	rc=0
	"$HOSTCHECK" --json >live.json || rc=$?
	[ "$rc" = 0 ] || [ "$rc" = 3 ]
	"$HOSTCHECK" --record there
	report there >record.json
	# what moves by itself, and which kind of host it is
	for f in live record; do
		sed -E '/"kind":|"root":/d; s/[0-9.]+ [KMGT]iB available//' "$f.json" >"$f.txt"
	done
	same live.txt record.txt
	run "$HOSTCHECK" --record there
	[ "$status" -eq 1 ]
}

@test "as root and as nobody: no wrong answer, within a moment" {
	rc=0
	"$HOSTCHECK" >out || rc=$?
	[ "$rc" = 0 ] || [ "$rc" = 3 ]
	[ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
	requires setpriv


	rc=0
	LD_LIBRARY_PATH=$(dirname "$HOSTCHECK")/../lib setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$HOSTCHECK" --json >nobody.json 2>err || rc=$?
	[ "$rc" = 126 ] || [ "$rc" = 127 ] && skip "the build folder is closed for others"
	[ "$rc" = 0 ] || [ "$rc" = 3 ]
	[ ! -s err ]
}
