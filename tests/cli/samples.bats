#!/usr/bin/env bats
# etc/samples is what the tools write, byte for byte.
load ../lib/common

BIN=${BIN:-$TOP/build/release/bin}

@test "the samples are what vmod and vtune leave in an image" {
	[ "$(id -u)" -eq 0 ] || { echo "# owners take root"; skip "needs root"; }
	cp -a "$TOP/tests/roots/alpine-image" root
	: >root/etc/mdev.conf
	printf 'kernel/arch/x86/kvm/kvm.ko.gz:\nkernel/arch/x86/kvm/kvm-amd.ko.gz: kernel/arch/x86/kvm/kvm.ko.gz\n' \
		>>root/lib/modules/6.6.58-0-lts/modules.dep
	"$BIN/vmod" persist --root root kvm_amd -o nested=1
	"$BIN/vtune" apply --root root --profile "$TOP/etc/samples/profile.ini"
	n=0
	cd "$TOP/etc/samples"
	while read -r f; do
		cmp "$f" "$WORK/root/etc/$f"
		n=$((n + 1))
	done < <(find . -type f ! -name README ! -name profile.ini)
	[ "$n" -ge 8 ]
	# each is told of
	while read -r d; do
		grep -q "^	${d%%/*}" README
	done < <(find . -type f ! -name README ! -name profile.ini -printf '%P\n')
}
