#!/usr/bin/env bats
# kvm-unit-tests (https://gitlab.com/kvm-unit-tests/kvm-unit-tests) in the software engine, in
# long runs.  KVM_UNIT_TESTS names a clone or a tree of their sources; without it they are
# fetched.  They are built in the test's own directory, for 64 and for 32 bits.
#
# Left out: pmu*, pks, pku, cet, svm, vmx, hyperv, la57 and lam beyond what they find missing,
# asyncpf, vmware_backdoors, intel-iommu (not offered); s3 (no suspend).  Taken out of their
# sources: test_apicbase (the local APIC's registers stay where they are), test_pv_ipi (no
# hypercall is offered), test_sti_inhibit (waits for a tick that a BIOS would have set up).
# test-timeout: 1800
load ../lib/common

VEMU=${BIN:-$TOP/build/release/bin}/vemu
COMMIT=1da1819e49fc4938985edca67df669099b4c87a7
FROM=https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git

get() {
	local from=${KVM_UNIT_TESTS:-$FROM}

	if [ -n "${KVM_UNIT_TESTS:-}" ] && [ -e "$from/x86/unittests.cfg" ]; then
		cp -r "$from" "$1"
		return
	fi
	command -v git >/dev/null || return 1
	GIT_TERMINAL_PROMPT=0 timeout 120 git clone -q "$from" "$1" 2>/dev/null || return 1
	git -C "$1" checkout -q "$COMMIT" 2>/dev/null || true
}

# build DIR ARCH
build() {
	(
		cd "$1" || return
		sed -i '/^\t*test_apicbase\(();\|,\)$/d;/^\t*test_pv_ipi\(();\|,\)$/d' x86/apic.c
		sed -i '/^\ttest_sti_inhibit();$/d' x86/realmode.c
		# This may run inside a make, which tells its children of its own variables.
		unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
		make distclean >/dev/null 2>&1 || true
		./configure --arch="$2" --cflags=-Wno-unused-function >/dev/null
		make -j2 >make.log 2>&1
	)
}

setup_file() {
	local dir=$BATS_FILE_TMPDIR

	long_run || [ -n "${KVM_UNIT_TESTS:-}" ] || return 0
	if ! get "$dir/x86_64"; then
		echo "# kvm-unit-tests cannot be had: set KVM_UNIT_TESTS" >&3
		return 0
	fi
	cp -r "$dir/x86_64" "$dir/i386"
	build "$dir/x86_64" x86_64
	echo 'int x;' >"$dir/t.c"
	if cc -m32 -c "$dir/t.c" -o "$dir/t.o" 2>/dev/null; then
		build "$dir/i386" i386 || rm -rf "$dir/i386"
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	if ! long_run && [ -z "${KVM_UNIT_TESTS:-}" ]; then
		skip "in long runs, or with KVM_UNIT_TESTS=DIR"
	fi
	[ -e "$BATS_FILE_TMPDIR/x86_64/x86/dummy.flat" ] || skip "no kvm-unit-tests"
}

# suite ARCH TEST CPU [ARGUMENT...]: one of them; QEMU's exit status of success is 1.
suite() {
	local file=$BATS_FILE_TMPDIR/$1/x86/$2.flat cpu=$3 n=${CPUS:-1}

	[ -e "$file" ] || skip "no $1 build of $2"
	shift 3
	printf 'NR_CPUS=%s\nMEMSIZE=128\nMEMLIMIT=0\nTEST_DEVICE=1\nQEMU_ACCEL=tcg\n' "$n" >environ
	run timeout "${LIMIT:-120}" "$VEMU" -accel soft -no-reboot -m 128 -smp "$n" \
		-device pc-testdev -device isa-debug-exit,iobase=0xf4,iosize=4 -display none \
		-serial stdio -monitor none -cpu "$cpu" -kernel "$file" -initrd environ -append "$*" \
		</dev/null
	if [ "$status" != 1 ]; then
		printf '%s\n' "$output" | grep -a '^FAIL' || printf '%s\n' "$output" | tail -n 20
		return 1
	fi
}

# again N COMMAND...: until it does not fail, at most N times.
again() {
	local n=$1
	shift
	until "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
	done
}

@test "kvm-unit-tests, 64 bits: pages, rights, PCID" {
	suite x86_64 access_test max
	suite x86_64 smap max
	suite x86_64 pcid max
	suite x86_64 pcid max,-pcid,-invpcid
	suite x86_64 pcid max,-pcid,+invpcid
	suite x86_64 rmap_chain max
	suite x86_64 umip max
	suite x86_64 la57 max
	suite x86_64 lam max
}

@test "kvm-unit-tests, 64 bits: instructions" {
	suite x86_64 emulator max
	suite x86_64 memory max
	suite x86_64 xsave max
	suite x86_64 syscall max
	suite x86_64 setjmp max
	suite x86_64 sieve max
	suite x86_64 hypercall max
	suite x86_64 rdpru max
	suite x86_64 realmode max
}

@test "kvm-unit-tests, 64 bits: events and debugging" {
	suite x86_64 eventinj max
	suite x86_64 idt_test max
	suite x86_64 debug max
}

@test "kvm-unit-tests, 64 bits: MSRs and time" {
	suite x86_64 msr max
	suite x86_64 msr qemu64
	suite x86_64 tsc max
	suite x86_64 tsc_adjust max
	suite x86_64 kvmclock_test max 10000 "$(date +%s)"
	suite x86_64 hpet_read_test max
	suite x86_64 vmexit max cpuid
}

@test "kvm-unit-tests, 64 bits: interrupt controllers" {
	# It looks at counters while they run: on a busy machine they are round again before.
	again 5 suite x86_64 apic max,+x2apic,+tsc-deadline
	again 5 suite x86_64 apic max,-x2apic,+tsc-deadline
	suite x86_64 ioapic max
}

@test "kvm-unit-tests, 32 bits" {
	suite i386 taskswitch max
	suite i386 taskswitch2 max
	suite i386 cmpxchg8b max
	suite i386 smap max
	suite i386 emulator max
	suite i386 eventinj max
	suite i386 msr max
	suite i386 realmode max
	suite i386 sieve max
	suite i386 tsc max
	suite i386 umip max
	suite i386 hpet_read_test max
	suite i386 setjmp max
}

@test "kvm-unit-tests, 64 bits, several processors" {
	CPUS=2 suite x86_64 smptest max
	CPUS=3 suite x86_64 smptest max
	CPUS=4 suite x86_64 ioapic max
	CPUS=2 again 5 suite x86_64 apic max,+x2apic,+tsc-deadline
	CPUS=2 again 5 suite x86_64 apic max,-x2apic,+tsc-deadline
	CPUS=2 suite x86_64 vmexit max ipi
	CPUS=2 suite x86_64 vmexit max ipi_halt
	CPUS=2 suite x86_64 vmexit max toggle_cr0_wp
	CPUS=2 suite x86_64 vmexit max toggle_cr4_pge
	CPUS=2 suite x86_64 kvmclock_test max 10000 "$(date +%s)"
	CPUS=2 suite x86_64 tsc_adjust max
	CPUS=2 suite i386 smptest max
}
