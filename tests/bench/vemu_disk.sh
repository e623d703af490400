#!/bin/sh
# What vemu's virtio-blk takes on the host's side, against `vimg bench` on the same qcow2 image,
# in turn: the best of RUNS (default 5) each, in seconds.  No guest runs.
# Environment: VIMG, TOOLS (folder of vemu_blk and gen_image), BENCH_DIR (2 GiB free; default a
# temporary folder), RUNS, T (rows whose name contains it).
set -eu
case "vemu disk" in *"${T:-}"*) ;; *) exit 0 ;; esac
vimg=${VIMG:?the vimg to measure}
tools=${TOOLS:?the folder of vemu_blk}
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vemu-bench.XXXXXX")
	own=$BENCH_DIR
fi
trap '[ -z "$own" ] || rm -rf "$own"' EXIT
cd "$BENCH_DIR"
if [ ! -e plain.q ]; then
	"$tools/gen_image" vemu.raw 512 1 >/dev/null
	"$vimg" convert -f raw -O qcow2 vemu.raw plain.q
	rm vemu.raw
fi
cat plain.q >/dev/null

echo "| vemu disk: reads from qcow2, 32 under way, 4 threads | virtio-blk s | vimg bench s | ratio | virtio-blk CPU s | vimg bench CPU s | ratio |"
echo "|---|---|---|---|---|---|---|"
while read -r count size; do
	i=0
	while [ $i -lt "${RUNS:-5}" ]; do
		i=$((i + 1))
		echo "v $("$tools/vemu_blk" plain.q "$count" "$size" 32 4)"
		# "0m0.010s 0m0.020s" is user and system time of what the shell has run
		(
			"$vimg" bench -c "$count" -s "$size" -d 32 -f qcow2 -U plain.q | sed -n 's/.*completed in \([0-9.]*\) .*/\1/p'
			times
		) | tr 'ms\n' '   ' | awk '{ print "b", $1, $6 * 60 + $7 + $8 * 60 + $9 }'
	done | awk -v name="$count x $size bytes" '
		!($1 in best) || $2 < best[$1] { best[$1] = $2 }
		!($1 in cpu) || $3 < cpu[$1] { cpu[$1] = $3 }
		END { printf "| %s | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f |\n", name, best["v"], best["b"],
			best["v"] / best["b"], cpu["v"], cpu["b"], cpu["v"] / cpu["b"] }'
done <<end
100000 4096
20000 65536
end
