#!/usr/bin/env bats
# vmod on images and recorded hosts; loading is tried in guests.
bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	common_setup
	VMOD=${BIN:-$TOP/build/release/bin}/vmod
}

KVER=6.1.0-9-test

# record: a tree that hostcheck could have recorded, with an AMD processor.
record() {
	mkdir -p root/proc/sys/kernel root/sys/module root/etc/modprobe.d
	printf 'arch = x86_64\neuid = 0\n' >root/.hostkit-record
	echo "$KVER" >root/proc/sys/kernel/osrelease
	printf 'processor\t: 0\nvendor_id\t: HygonGenuine\nflags\t\t: fpu svm npt\n' >root/proc/cpuinfo
	echo quiet >root/proc/cmdline
	echo ID=alpine >root/etc/os-release
}

# loaded MODULE REFCNT HOLDER...
loaded() {
	local m=root/sys/module/$1 h
	mkdir -p "$m/holders" "$m/parameters"
	echo live >"$m/initstate"
	echo "$2" >"$m/refcnt"
	shift 2
	for h; do mkdir "$m/holders/$h"; done
}

# module PATH C STRING...: an object file with these in .modinfo, as a module has.
module() {
	local f=root/lib/modules/$KVER/kernel/$1 i=0 s
	mkdir -p "$(dirname "$f")"
	echo "$2" >m.c
	shift 2
	for s; do
		i=$((i + 1))
		printf '__attribute__((section(".modinfo"), used)) static const char s%d[] = "%s";\n' "$i" "$s"
	done >>m.c
	cc -c -o "$f" m.c
}

# modules: some modules and their lists, by depmod itself.
modules() {
	requires cc depmod xz
	# depmod goes by symbols
	module virt/kvm.ko 'int kvm_x; __attribute__((section("__ksymtab_strings"), used)) static const char x[] = "kvm_x";' \
		name=kvm license=GPL
	module arch/kvm-amd.ko 'extern int kvm_x; int *y = &kvm_x;' name=kvm_amd license=GPL \
		parmtype=nested:int parmtype=avic:bool
	module net/tun.ko 'int nothing;' name=tun license=GPL
	module vhost/vhost.ko 'int nothing;' name=vhost license=GPL \
		parmtype=max_mem_regions:ushort 'parm=max_mem_regions:Maximum number of regions'
	module vhost/vhost_net.ko 'int nothing;' name=vhost_net license=GPL
	xz --check=crc32 "root/lib/modules/$KVER/kernel/vhost/vhost.ko"
	: >"root/lib/modules/$KVER/modules.order"
	echo kernel/lib/msr.ko >"root/lib/modules/$KVER/modules.builtin"
	: >"root/lib/modules/$KVER/modules.builtin.modinfo"
	depmod -b root "$KVER"
}

# state MODULE: as --json has it.
state() { jq -r --arg m "$1" '.modules[] | select(.name == $m) | .state' <out; }

@test "status shows the modules that matter, and what is in their way" {
	requires jq
	record
	modules
	loaded kvm 1 kvm_amd
	loaded kvm_amd 0
	echo 1 >root/sys/module/kvm_amd/parameters/nested
	printf 'tun\n' >root/etc/modules
	printf 'blacklist vhost_net\n' >root/etc/modprobe.d/no.conf
	run "$VMOD" status --root root
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Kernel $KVER" ]
	[ "${lines[1]}" = "KVM module of this processor: kvm_amd (svm), nested virtualization on" ]
	grep -qx 'kvm  *live  *1  kvm_amd' <<<"$output"
	grep -qx 'tun  *absent  */etc/modules' <<<"$output"
	grep -q 'vhost_net .*blacklisted: /etc/modprobe.d/no.conf, line 1' <<<"$output"
	# the module of other processors is no news
	[[ "$output" != *kvm_intel* ]]
	"$VMOD" status --root root --json >out
	[ "$(jq -r '.schema + " " + .kernel + " " + .kvm.nested' <out)" = "vmod-status/1 $KVER on" ]
	[ "$(state kvm)" = live ]
	[ "$(state tun)" = absent ]
	[ "$(state iommufd)" = unknown ]
}

@test "status of named modules ends with 3 unless all run" {
	record
	modules
	loaded tun 0
	"$VMOD" status --root root tun msr >out
	grep -q '^msr  *builtin' out
	run "$VMOD" status --root root tun vhost-net
	[ "$status" -eq 3 ]
	run "$VMOD" status --root root nonesuch
	[ "$status" -eq 3 ]
	run "$VMOD" status --root root ../tun
	[ "$status" -eq 1 ]
	run "$VMOD" status --root /nonexistent
	[ "$status" -eq 1 ]
}

@test "status -v shows what the module itself says of its parameters" {
	requires jq
	record
	modules
	loaded vhost 0
	echo 64 >root/sys/module/vhost/parameters/max_mem_regions
	"$VMOD" status --root root -v vhost >out
	grep -qx '  max_mem_regions  ushort  64   Maximum number of regions' out
	"$VMOD" status --root root -v --json kvm-amd >out || [ $? = 3 ]
	[ "$(jq -c '[.modules[0].parameters[] | .name, .type, .value]' <out)" = '["avic","bool",null,"nested","int",null]' ]
	[ "$(jq -c '.modules[0].needs' <out)" = '["kvm"]' ]
}

@test "an image has modules, and none that runs" {
	requires jq
	modules
	"$VMOD" status --root root --json >out
	[ "$(state tun)" = absent ]
	[ "$(state kvm_intel)" = unknown ]
	[ "$(jq -c .kvm <out)" = null ]
	run "$VMOD" status --root root tun
	[ "$status" -eq 0 ]
}

@test "hostile trees: nothing hangs, nothing leads out, nothing writes to the terminal" {
	record
	mkdir -p "root/lib/modules/$KVER" root/sys/module/evil/parameters
	mkfifo "root/lib/modules/$KVER/modules.dep"
	timeout 10 "$VMOD" status --root root >out
	rm "root/lib/modules/$KVER/modules.dep"
	printf '/../../../etc/passwd.ko:\nkernel/tun.ko: \033[31m\n../../../../x.ko:\n' >"root/lib/modules/$KVER/modules.dep"
	ln -s /etc/passwd "root/lib/modules/$KVER/x.ko"
	printf 'a\033[2Jb\nc' >root/sys/module/evil/parameters/p
	printf 'x' >"root/sys/module/evil/parameters/$(printf 'q\033[1m')"
	timeout 10 "$VMOD" status --root root -v evil tun x passwd >out || [ $? = 3 ]
	[ -s out ]
	run ! grep -q "$(printf '\033')" out
	grep -q 'a?\[2Jb' out
	# an index that libkmod would map and follow
	head -c 4096 /dev/urandom >"root/lib/modules/$KVER/modules.dep.bin"
	timeout 10 "$VMOD" status --root root >out
}

@test "persist writes the list of the distribution, and only once" {
	record
	modules
	printf '# mine\nloop' >root/etc/modules
	chmod 640 root/etc/modules
	"$VMOD" persist --root root -n tun vhost-net >out
	grep -q '^would write:' out
	grep -qx '    + vhost_net' out
	[ "$(cat root/etc/modules)" = "$(printf '# mine\nloop')" ]
	"$VMOD" persist --root root tun vhost-net >out
	printf '# mine\nloop\ntun\nvhost_net\n' >want
	same want root/etc/modules
	[ "$(stat -c %a root/etc/modules)" = 640 ]
	"$VMOD" persist --root root tun vhost_net >out
	grep -qx 'nothing to do' out
	same want root/etc/modules
	run "$VMOD" persist --root root nonesuch
	[ "$status" -eq 1 ]
	[[ "$output" == *"no module 'nonesuch'"* ]]
	"$VMOD" persist --root root msr >out
	grep -q 'part of the kernel' out
	same want root/etc/modules
}

@test "persist on Gentoo and elsewhere" {
	modules
	mkdir -p root/etc/conf.d
	echo ID=gentoo >root/etc/os-release
	printf 'modules="loop"\n' >root/etc/conf.d/modules
	"$VMOD" persist --root root tun
	[ "$(cat root/etc/conf.d/modules)" = 'modules="loop tun"' ]
	echo ID=fedora >root/etc/os-release
	rm root/etc/conf.d/modules
	"$VMOD" persist --root root tun
	[ "$(cat root/etc/modules-load.d/hostkit.conf)" = tun ]
}

@test "options are checked against what the module declares" {
	requires jq
	record
	modules
	run "$VMOD" persist --root root kvm-amd --option nested=Y
	[ "$status" -eq 1 ]
	[[ "$output" == *"nested=Y"*"int"* ]]
	[ ! -e root/etc/modules ]
	run "$VMOD" persist --root root vhost -o max_mem_region=509
	[ "$status" -eq 1 ]
	[[ "$output" == *"it has max_mem_regions"* ]]
	run "$VMOD" persist --root root vhost -o max_mem_regions=65536
	[ "$status" -eq 1 ]
	"$VMOD" persist --root root vhost -o max-mem-regions=509
	"$VMOD" persist --root root vhost -o max_mem_regions=509 | grep -qx 'nothing to do'
	grep -qx 'options vhost max_mem_regions=509' root/etc/modprobe.d/hostkit-vhost.conf
	"$VMOD" persist --root root --json kvm-amd -o nested=1 -o avic=0 >out
	[ "$(jq -r '.edits[0].path' <out)" = /etc/modprobe.d/hostkit-kvm_amd.conf ]
	grep -qx 'options kvm_amd nested=1 avic=0' root/etc/modprobe.d/hostkit-kvm_amd.conf
	# what another file says is its owner's
	echo 'options kvm_amd nested=0' >root/etc/modprobe.d/zz.conf
	run "$VMOD" persist --root root kvm_amd -o nested=1
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/modprobe.d/zz.conf, line 1"* ]]
	run "$VMOD" persist --root root tun vhost -o a=1
	[ "$status" -eq 2 ]
	run "$VMOD" persist --root root tun -o a
	[ "$status" -eq 2 ]
}

@test "a link in the image is followed inside of it" {
	modules
	mkdir -p root/etc outside
	echo ID=alpine >root/etc/os-release
	ln -s "$PWD/outside/modules" root/etc/modules
	run "$VMOD" persist --root root tun
	[ ! -e outside/modules ]
}

@test "load, unload and nested are for the running host" {
	run "$VMOD" load --root x tun
	[ "$status" -eq 2 ]
	run "$VMOD" nested maybe
	[ "$status" -eq 2 ]
	run "$VMOD" load
	[ "$status" -eq 2 ]
	run "$VMOD" load -n no/such
	[ "$status" -eq 1 ]
	run "$VMOD" unload -n nonesuch_module
	[ "$status" -eq 0 ]
	[ "$output" = "nonesuch_module is not loaded" ]
}

@test "failures in JSON name their code" {
	requires jq
	run --separate-stderr "$VMOD" load --json -n nonesuch_module
	[ "$status" -eq 1 ]
	[ "$(jq -r '.modules[0].error.code' <<<"$output")" = ENOENT ]
	run --separate-stderr "$VMOD" status --json --root /nonexistent
	[ "$status" -eq 1 ]
	[ "$(jq -r .error.code <<<"$output")" = ENOENT ]
}
