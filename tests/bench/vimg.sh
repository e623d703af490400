#!/bin/sh
# Measures vimg against the installed qemu-img, in turn, and prints a Markdown table.
# Usage: vimg.sh [PATTERN]   only rows whose name contains PATTERN
# Environment: VIMG, TOOLS (folder of gen_image and pair), BENCH_DIR (8 GiB free; default a
# temporary folder), RUNS (default 5).
#
# Ratios are qemu-img's time over vimg's: above 1, vimg is faster.  Wall time moves with what
# else the machine does; CPU seconds (user and system) move less.
set -eu
pattern=${1:-${T:-}}
runs=${RUNS:-5}
vimg=${VIMG:?the vimg to measure}
tools=${TOOLS:?the folder of gen_image and pair}
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vimg-bench.XXXXXX")
	own=$BENCH_DIR
fi
trap '[ -z "$own" ] || rm -rf "$own"' EXIT
cd "$BENCH_DIR"

# need FILE COMMAND...: makes an input once.
need() {
	file=$1; shift
	[ -e "$file" ] || sh -c "$*" >/dev/null
}

# Before each run: nothing is waiting for the disk, and the inputs are in the page cache.
ready="sync; cat src.raw plain.q zlib.q zstd.q over.q other.q >/dev/null"

# row NAME PREPARE OPERATION: the same arguments for both programs.
row() {
	case $1 in *"$pattern"*) ;; *) return 0 ;; esac
	"$tools/pair" "$1" "$runs" "$2; $ready" "$vimg $3" "qemu-img $3"
}

# beside NAME PREPARE OPERATION OTHER: vimg against another command.
beside() {
	case $1 in *"$pattern"*) ;; *) return 0 ;; esac
	"$tools/pair" "$1" "$runs" "$2; $ready" "$vimg $3" "$4"
}

cat <<'END'
| job                                          | vimg wall | vimg CPU | peer wall | peer CPU | ratio wall | ratio CPU | MiB |
|---|---|---|---|---|---|---|---|
END

need src.raw "$tools/gen_image src.raw 2048 1"
need plain.q qemu-img convert -O qcow2 src.raw plain.q
need zlib.q qemu-img convert -c -O qcow2 src.raw zlib.q
need zstd.q qemu-img convert -c -O qcow2 -o compression_type=zstd src.raw zstd.q
need sparse.vmdk qemu-img convert -O vmdk src.raw sparse.vmdk
need stream.vmdk qemu-img convert -O vmdk -o subformat=streamOptimized src.raw stream.vmdk
secret="--object secret,id=s,data=bench"
luks=driver=luks,key-secret=s,file.filename=disk.luks
# shellcheck disable=SC2086
need disk.luks "$vimg" create -q $secret -f luks -o key-secret=s,iter-time=10 disk.luks 2G
need tera.q qemu-img create -q -f qcow2 -o preallocation=metadata tera.q 1T
need big.q qemu-img create -q -f qcow2 -o preallocation=metadata big.q 100G
if [ ! -e over.q ]; then
	qemu-img create -q -f qcow2 -b plain.q -F qcow2 over.q
	for i in 0 1 2 3 4 5 6 7; do
		qemu-io -f qcow2 -c "write -P $((i + 65)) $((i * 256))M 64M" over.q >/dev/null
	done
	cp --sparse=always plain.q other.q
	qemu-io -f qcow2 -c "write -P 90 1G 128M" other.q >/dev/null
fi

fresh="rm -f o.img o2.img"
row "convert raw to qcow2" "$fresh" "convert -O qcow2 src.raw o.img"
beside "convert raw to qcow2, beside cp --sparse" "$fresh" "convert -O qcow2 src.raw o.img" \
	"cp --sparse=always src.raw o.img"
row "convert qcow2 to raw" "$fresh" "convert -O raw plain.q o.img"
row "convert qcow2 to qcow2" "$fresh" "convert -O qcow2 plain.q o.img"
row "convert -c zlib" "$fresh" "convert -c -O qcow2 src.raw o.img"
beside "convert -c zlib, smallest" "$fresh" \
	"convert -c -O qcow2 -o compression_level=small src.raw o.img" \
	"qemu-img convert -c -O qcow2 src.raw o.img"
row "convert -c zstd" "$fresh" "convert -c -O qcow2 -o compression_type=zstd src.raw o.img"
row "zlib to raw" "$fresh" "convert -O raw zlib.q o.img"
row "zstd to raw" "$fresh" "convert -O raw zstd.q o.img"
row "convert to vmdk streamOptimized" "$fresh" "convert -O vmdk -o subformat=streamOptimized src.raw o.img"
row "vmdk streamOptimized to raw" "$fresh" "convert -O raw stream.vmdk o.img"
row "convert to vmdk monolithicSparse" "$fresh" "convert -O vmdk src.raw o.img"
row "vmdk monolithicSparse to raw" "$fresh" "convert -O raw sparse.vmdk o.img"
row "write luks" ":" "convert -n $secret --target-image-opts src.raw $luks"
row "read luks" ":" "compare $secret --image-opts driver=raw,file.filename=src.raw $luks"
row "compare, same content" ":" "compare -q src.raw plain.q"
beside "checksum, beside sha256sum" ":" "checksum src.raw" "sha256sum src.raw"
row "create 1T preallocation=metadata" "$fresh" \
	"create -q -f qcow2 -o preallocation=metadata o.img 1T"
row "check 1T" ":" "check -q tera.q"
copy="$fresh; cp --sparse=always big.q o.img"
row "snapshot -c 100G" "$copy" "snapshot -c a o.img"
row "snapshot -d 100G" "$copy; qemu-img snapshot -c a o.img" "snapshot -d a o.img"
row "rebase 512M overlay" "$fresh; cp --sparse=always over.q o.img" \
	"rebase -b other.q -F qcow2 o.img"
row "commit 512M overlay" "$fresh; cp --sparse=always plain.q o2.img; cp --sparse=always over.q o.img; qemu-img rebase -u -b o2.img -F qcow2 o.img" \
	"commit -q o.img"
row "--version" ":" "--version"
row "info" ":" "info plain.q"

case "file sizes" in *"$pattern"*)
	printf '\n| compressed size, bytes | vimg | qemu-img | ratio |\n|---|---|---|---|\n'
	size() {
		"$vimg" convert -c -O qcow2 -o "$2" src.raw o.img
		a=$(stat -c %s o.img) b=$(stat -c %s "$3")
		printf '| %s | %s | %s | %s |\n' "$1" "$a" "$b" \
			"$(awk "BEGIN { printf \"%.4f\", $a / $b }")"
	}
	size "zlib" compression_type=zlib zlib.q
	size "zlib, smallest" compression_type=zlib,compression_level=small zlib.q
	size "zstd" compression_type=zstd zstd.q
	"$vimg" convert -O vmdk -o subformat=streamOptimized src.raw o.img
	a=$(stat -c %s o.img) b=$(stat -c %s stream.vmdk)
	printf '| vmdk streamOptimized | %s | %s | %s |\n' "$a" "$b" \
		"$(awk "BEGIN { printf \"%.4f\", $a / $b }")"
	rm -f o.img ;;
esac
