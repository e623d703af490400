#!/bin/sh
# Usage: coverage.sh BUILD-DIR
# Prints for each source file how many of its lines the tests ran.
cd "$1" || exit 1
find src -name '*.gcda' | sort | while read -r f; do
	"${GCOV:-gcov}" -n "$f" 2>/dev/null
done | awk -F"'" '
/^File / { file = $2; sub(/.*\/src\//, "src/", file); next }
/^Lines executed:/ && file ~ /^src\/.*\.c$/ {
	split(substr($0, 16), v, /% of /)
	run[file] += v[1] / 100 * v[2]
	all[file] += v[2]
	file = ""
}
END {
	for (f in all) {
		printf "%6.1f %% of %5d  %s\n", 100 * run[f] / all[f], all[f], f | "sort -k5"
		r += run[f]
		a += all[f]
	}
	close("sort -k5")
	if (a)
		printf "%6.1f %% of %5d  all\n", 100 * r / a, a
}'
