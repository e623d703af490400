#!/bin/sh
# What vemu's software engine takes of the processor beside `qemu-system-x86_64 -accel tcg`: the
# same kernel and initramfs, one vCPU, in turn; seconds of processor time of all threads between
# markers on the serial port, the best of RUNS (default 3).
# Environment: BIN (folder of vemu), VEMU2 (another vemu instead of QEMU), VEMU (this one), BENCH_DIR,
# RUNS, T (rows whose name contains it; kernels are fib, vm, ...).
set -eu
T=${T:-}
here=$(cd "$(dirname "$0")/../.." && pwd)
case "vemu cpu boot core sha fib vm hash chase copy nbody vmm vint ld forks" in *"${T:-}"*) ;; *) exit 0 ;; esac
vemu=${VEMU:-${BIN:?the folder of vemu}/vemu}
parts=${PARTS:-$here/build/vm-parts}
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vemu-bench.XXXXXX")
	own=$BENCH_DIR
fi
trap '[ -z "$own" ] || rm -rf "$own"' EXIT
sh "$here/tests/vm/harness/fetch.sh" "$parts"
kernel=$(echo "$parts"/kernel/boot/vmlinuz-*)

cd "$BENCH_DIR"
"${CC:-cc}" -O2 -ftree-vectorize -static -o k "$here/tests/bench/guest/kernels.c" -lm
{
	# Pauses are for who reads the lines and looks at the time.
	echo 'echo "@@BEGIN boot"; sleep 0.2'
	while read -r name n; do
		case $name in *"${T#cpu}"*) echo "echo '@@START $name'; sleep 0.2; /k $name $n; echo '@@END $name'; sleep 0.2" ;; esac
	done <<-end
		core 30000
		sha 1600
		fib 600
		vm 150000
		hash 150000000
		chase 10
		copy 1500
		nbody 5000000
		vmm 800
		vint 20000
		ld 20000000
	end
	case forks in *"${T#cpu}"*)
		# shellcheck disable=SC2016 # the guest expands it
		echo 'echo "@@START forks"; sleep 0.2; i=0; while [ $i -lt 300 ]; do /bin/busybox true; i=$((i+1)); done; echo "@@END forks"'
		;;
	esac
	echo "sleep 1"
} >script
sh "$here/tests/vm/harness/initrd.sh" "$parts" initrd script
echo k | cpio --quiet -o -H newc -R 0:0 | gzip -1 >>initrd

cr=$(printf '\r')
# account NAME PARENT: of the emulator that writes here, without a process of its own
account() {
	emulator=
	while read -r line; do
		case $line in
		*@@*) ;;
		*) continue ;;
		esac
		: "${emulator:=$(pgrep -P "$2")}"
		ns=0
		for t in /proc/"$emulator"/task/*/schedstat; do
			read -r n _ <"$t" && ns=$((ns + n))
		done
		line=${line#*@@}
		echo "$1 ${line%"$cr"} $ns"
	done
}

# run NAME COMMAND...
run() {
	name=$1
	shift
	rm -f pipe
	mkfifo pipe
	timeout 300 "$@" -m 256 -nographic -no-reboot -kernel "$kernel" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1" >pipe 2>err </dev/null &
	account "$name" $! <pipe
	wait $!
}

i=0
while [ $i -lt "${RUNS:-3}" ]; do
	i=$((i + 1))
	run a "$vemu" -accel soft
	if [ -n "${VEMU2:-}" ]; then
		run b "$VEMU2" -accel soft
	else
		run b qemu-system-x86_64 -accel tcg -machine q35
	fi
done >samples
awk '
	$2 == "BEGIN" { t = $4; row = "boot" }
	$2 == "START" { from[$1] = $4; next }
	$2 == "END" { t = $4 - from[$1]; row = $3 }
	!(row in seen) { seen[row] = 1; order[++n] = row }
	!(($1, row) in best) || t < best[$1, row] { best[$1, row] = t }
	END {
		print "| what the guest does | vemu s | the other s | times faster |"
		print "|---|---|---|---|"
		for (i = 1; i <= n; i++) {
			r = order[i]
			q = best["b", r] / best["a", r]
			printf "| %s | %.2f | %.2f | %.2f |\n", r, best["a", r] / 1e9, best["b", r] / 1e9, q
			if (r != "boot" && r != "forks") { sum += log(q); rows++ }
		}
		if (rows)
			printf "| geometric mean of %d kernels | | | %.2f |\n", rows, exp(sum / rows)
	}' samples
