# Guests of a few instructions, as kernel images made here: "load ../lib/flat" after common.
# shellcheck shell=bash
# shellcheck disable=SC2034

VEMU=${BIN:-$TOP/build/release/bin}/vemu

# bytes HEX...: as they are.
bytes() {
	local b
	for b; do printf '%b' "\\x$b"; done
}

# put OFFSET HEX...: into the file kernel.
put() {
	local at=$1
	shift
	bytes "$@" | dd of=kernel bs=1 seek="$((at))" conv=notrunc status=none
}

# kernel HEX...: a bzImage whose 64-bit entry is this code.
kernel() {
	rm -f kernel
	truncate -s 8192 kernel
	put 0x1f1 03
	put 0x1fe 55 aa
	put 0x201 66 48 64 72 53 0f 02
	put 0x211 01
	put 0x22c ff ff ff 7f
	put 0x230 00 00 20 00 01
	put 0x236 01
	put 0x238 ff 07 00 00
	put 0x258 00 00 00 01
	put 0x260 00 00 10 00
	put $((2048 + 0x200)) "$@"
}

# Code: mov dx, PORT; mov al/ax, VALUE; out dx.
say() {
	local text=$1 i
	echo 66 ba f8 03
	for ((i = 0; i < ${#text}; i++)); do
		printf 'b0 %02x ee\n' "'${text:i:1}"
	done
}
off='66 ba 04 06 66 b8 00 34 66 ef'   # S5
halt='fa f4 eb fc'                    # cli; hlt; again
spin='eb fe'
reset='66 ba f9 0c b0 06 ee'          # cf9
