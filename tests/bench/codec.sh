#!/bin/sh
# The codecs by themselves: on 256 MiB of the image that vimg.sh measures, and on what this
# machine's own programs and texts are made of.  Environment as for vimg.sh.
set -eu
tools=${TOOLS:?the folder of gen_image and codec_bench}
case codec in *"${1:-${T:-}}"*) ;; *) exit 0 ;; esac
dir=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/codec-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# sample NAME FOLDER...: 128 MiB of the files in some folders
sample() {
	name=$1; shift
	tar -cf - "$@" 2>/dev/null | head -c 134217728 > "$name" || :
}
"$tools/gen_image" image 256 1
sample programs /usr/bin /usr/lib
sample texts /usr/include /usr/share/doc /usr/share/perl
for f in image programs texts; do
	"$tools/codec_bench" "$f"
done
