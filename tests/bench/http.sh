#!/bin/sh
# Measures images over http beside qemu-img and beside a plain parallel download, from a server on
# this machine that waits 20 ms before each answer, and prints a Markdown table.
# Usage: http.sh [PATTERN]   only if "http" contains it, or the other way round
# Environment: VIMG, TOOLS (folder of pair), HTTPD, BENCH_DIR (3 GiB free; default a folder
# below /dev/shm), RUNS (default 5).  qemu-img (with qemu-block-extra) does not always come to its end:
# 60 seconds are then what is counted.
set -eu
case http in *"${1:-${T:-}}"*) ;; *) exit 0 ;; esac
runs=${RUNS:-5}
vimg=${VIMG:?the vimg to measure}
tools=${TOOLS:?the folder of pair}
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d /dev/shm/vimg-http.XXXXXX)
	own=$BENCH_DIR
fi
cd "$BENCH_DIR"
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
[ -e disk.raw ] || head -c 1G /dev/urandom >disk.raw
mkfifo hold
"${HTTPD:?the web server of the tests}" . <hold >port &
server=$!
exec 9>hold
trap 'kill $server; rm -f hold port; [ -z "$own" ] || rm -rf "$own"' EXIT
trap 'exit 1' INT TERM
until [ -s port ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat port)/delay=20/disk.raw

# Eight connections, each with its eighth.
cat >download.sh <<END
for i in 0 1 2 3 4 5 6 7; do
	curl -s -r \$((i * 134217728))-\$(((i + 1) * 134217728 - 1)) -o part.\$i $url &
done
wait
END

cat <<'END'
| job                                          | vimg wall | vimg CPU | peer wall | peer CPU | ratio wall | ratio CPU | MiB |
|---|---|---|---|---|---|---|---|
END
"$tools/pair" "http source, beside 8 downloads by curl" "$runs" "rm -f out part.*" \
	"$vimg convert -f raw -O raw $url out" "sh download.sh"
"$tools/pair" "http source" "$runs" "rm -f out part.*" \
	"$vimg convert -f raw -O raw $url out" "timeout 60 qemu-img convert -f raw -O raw $url out || :"
