#!/bin/sh
# Usage: tap-run.sh SOURCE OUT CMD...
# Runs one test file in a directory of its own, keeps its TAP in OUT and adds what
# tap-sum.sh needs: "# exit N".  The file may take $TEST_TIMEOUT seconds, or what a line
# "test-timeout: N" in SOURCE says, times $TEST_SCALE.  Never fails itself.
source=$1 out=$2
shift 2
case $out in
/*) ;;
*) out=$PWD/$out ;;
esac

limit=$(sed -n 's/.*test-timeout: *\([0-9][0-9]*\).*/\1/p' "$source" | head -n 1)
[ -n "$limit" ] && [ "$limit" -gt "${TEST_TIMEOUT:-120}" ] || limit=${TEST_TIMEOUT:-120}
limit=$((limit * ${TEST_SCALE:-1}))

work=$(mktemp -d "${TMPDIR:-/tmp}/hostkit-test.XXXXXX") || exit 1
trap 'chmod -R u+rwX "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
start=$(date +%s)
(cd "$work" && TMPDIR=$work exec timeout -k 10 "$limit" "$@") >"$out.tmp" 2>&1 </dev/null
code=$?
took=$(($(date +%s) - start))
# A line cut off by a crash must not swallow the next.
[ -z "$(tail -c 1 "$out.tmp")" ] || echo >>"$out.tmp"
case $code in
124 | 137) echo "# stopped after $limit seconds" >>"$out.tmp" ;;
esac
echo "# exit $code" >>"$out.tmp"
mv "$out.tmp" "$out"
printf '  %-5s %s (%d ok, %d not ok, %d s)\n' TEST "$source" \
	"$(grep -c '^[[:space:]]*ok ' "$out")" \
	"$(grep '^[[:space:]]*not ok ' "$out" | grep -cv '# SKIP')" "$took"
