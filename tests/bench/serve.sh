#!/bin/sh
# Measures vimg serve against nbdkit and qemu-nbd, in turn, and prints a Markdown table: medians of
# wall seconds, and of CPU seconds (user and system) of the server alone.
# Usage: serve.sh [PATTERN]   only rows whose name contains PATTERN
# Environment: VIMG, TOOLS (folder of gen_image), BENCH_DIR (2 GiB free; default a temporary
# folder), RUNS (default 5).
#
# All serve the same raw file, in the page cache, at a local socket.
set -eu
pattern=${1:-${T:-}}
runs=${RUNS:-5}
vimg=${VIMG:?the vimg to measure}
tools=${TOOLS:?the folder of gen_image}
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/serve-bench.XXXXXX")
	own=$BENCH_DIR
fi
servers=
finish() {
	for p in $servers; do kill "$p" 2>/dev/null || :; done
	[ -z "$own" ] || rm -rf "$own"
}
trap finish EXIT
cd "$BENCH_DIR"

for p in nbdcopy nbdkit qemu-nbd fio; do
	command -v "$p" >/dev/null || { echo "serve.sh: $p is not installed, left out" >&2; exit 0; }
done
[ -e src.raw ] || "$tools/gen_image" src.raw 512 1 >/dev/null
[ -e full.raw ] || head -c 512M /dev/urandom >full.raw

# start SERVER FILE: at ./SERVER.sock; its process in ./SERVER.pid
start() {
	rm -f "$1.sock" "$1.pid"
	case $1 in
	vimg) "$vimg" serve -q -w --fork --pid-file vimg.pid -k vimg.sock -f raw "$2" ;;
	nbdkit) nbdkit -P "$PWD/nbdkit.pid" -U "$PWD/nbdkit.sock" file "$PWD/$2" ;;
	qemu-nbd) qemu-nbd -t -e 16 --fork --pid-file "$PWD/qemu-nbd.pid" -k "$PWD/qemu-nbd.sock" -f raw "$2" ;;
	esac
	while [ ! -s "$1.pid" ]; do sleep 0.05; done
	servers=$(cat "$1.pid")
}

stop() {
	for p in $servers; do
		kill "$p"
		while kill -0 "$p" 2>/dev/null; do sleep 0.02; done
	done
	servers=
}

# ticks PID: of all its threads, in hundredths of a second
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
now() { date +%s%N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# row NAME FILE COMMAND: COMMAND has URI where the server's goes.
row() {
	case $1 in *"$pattern"*) ;; *) return 0 ;; esac
	for s in vimg nbdkit qemu-nbd; do : >"$s.wall" && : >"$s.cpu"; done
	i=0
	while [ "$i" -lt "$runs" ]; do
		for s in vimg nbdkit qemu-nbd; do
			start "$s" "$2"
			cat "$2" >/dev/null
			c=$(ticks "$servers") t=$(now)
			sh -c "$(echo "$3" | sed "s|URI|'nbd+unix:///?socket=$PWD/$s.sock'|")" >/dev/null
			echo $((($(now) - t) / 1000000)) >>"$s.wall"
			echo $((($(ticks "$servers") - c) * 10)) >>"$s.cpu"
			stop
		done
		i=$((i + 1))
	done
	line="| $1 |"
	for s in vimg nbdkit qemu-nbd; do
		line="$line $(median <"$s.wall" | awk '{ printf "%.2f", $1 / 1000 }') |"
		line="$line $(median <"$s.cpu" | awk '{ printf "%.2f", $1 / 1000 }') |"
	done
	echo "$line"
}

fio="fio --name=t --ioengine=nbd --uri=URI --size=512M --randseed=7 --output-format=terse"
echo "| job | vimg serve s | CPU | nbdkit s | CPU | qemu-nbd s | CPU |"
echo "|---|---|---|---|---|---|---|"
row "nbdcopy, read 512 MiB" full.raw "nbdcopy --no-extents URI null:"
row "nbdcopy, read, one connection" full.raw "nbdcopy --connections=1 URI null:"
row "nbdcopy, read a sparse disk" src.raw "nbdcopy URI null:"
row "nbdcopy, write 512 MiB" full.raw "nbdcopy --no-extents full.raw URI"
row "fio, 60,000 reads of 4 KiB, one at a time" full.raw "$fio --rw=randread --bs=4k --iodepth=1 --number_ios=60000"
row "fio, 130,000 reads of 4 KiB, 32 at a time" full.raw "$fio --rw=randread --bs=4k --iodepth=32"
row "fio, reads of 64 KiB, 16 at a time" full.raw "$fio --rw=randread --bs=64k --iodepth=16 --loops=2"
row "fio, 130,000 writes of 4 KiB, 32 at a time" full.raw "$fio --rw=randwrite --bs=4k --iodepth=32"
row "fio, writes of 64 KiB, 16 at a time" full.raw "$fio --rw=randwrite --bs=64k --iodepth=16 --loops=2"
