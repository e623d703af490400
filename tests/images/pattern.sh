#!/bin/sh
# Makes a small raw image of log-like text with runs of zeroes in it.
# Usage: pattern.sh FILE MIB
set -eu
awk -v mib="$2" 'BEGIN {
	srand(1)
	for (m = 0; m < mib; m++) {
		for (i = 0; i < 4096; i++)
			printf "%s", (i % 64 ? sprintf("line %07d of a log that repeats: %-31s\n", i, i * i) : sprintf("%063d\n", rand() * 1e9))
	}
}' >"$1"
# Holes and zeroes: the second half of each MiB but the first.
m=1
while [ "$m" -lt "$2" ]; do
	dd if=/dev/zero of="$1" bs=65536 seek=$((m * 16 + 8)) count=$((m % 2 ? 8 : 4)) conv=notrunc 2>/dev/null
	m=$((m + 1))
done
truncate -s "$2M" "$1"
