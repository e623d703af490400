# Which keys of the second file (qemu-keys.py) the first ("vemu -list-states") does not have.
BEGIN { FS = "\t" }
NR == FNR {
	n = split($2, w, " ")
	for (i = 1; i <= n; i++) {
		if (w[i] ~ /\*$/)
			begin[$1, ++begins[$1]] = substr(w[i], 1, length(w[i]) - 1)
		gsub("[_.]", "-", w[i])
		state[$1, w[i]] = $3
	}
	next
}
function has(of, name, i) {
	if ((of, name) in state)
		return 1
	for (i = 1; i <= begins[of]; i++)
		if (index(name, begin[of, i]) == 1 || index(plain, begin[of, i]) == 1)
			return 1
	return 0
}
# A form that is refused needs no keys, and those of vimg's are vimg's.
function form_refused(of, w, first) {
	split(of, w, " ")
	first = w[1] == "-blockdev" ? "driver" : w[1] == "-object" ? "qom-type" : "type"
	gsub("_", "-", w[2])
	return state[w[1] " " first "=", w[2]] ~ /^(no|vimg)$/
}
function has_device(name, key) {
	return has("-device PCI", key) || (name ~ /^virtio/ && has("-device virtio", key)) ||
		(name ~ /-hd$|-cd$|-blk-pci$|^nvme$/ && has("-device disk", key))
}
{
	of = $1
	key = plain = $2
	gsub("[_.]", "-", key)
	if (has(of, key) || has(of, $2) || form_refused(of))
		next
	if (of ~ /^-device [^=]*$/ && (has_device(substr(of, 9), $2) || has_device(substr(of, 9), key)))
		next
	if (of ~ /^-object / && (has("-object memory-*", $2) && of ~ / memory/ || has("-object rng-*", $2) && of ~ / rng/))
		next
	if (of == "-blockdev host_device" && has("-blockdev file", key))
		next
	# QEMU lists the keys of all forms as one
	if (of == "-chardev")
		for (f in state)
			if (index(f, "-chardev ") == 1 && substr(f, index(f, SUBSEP) + 1) == key)
				next
	print of, $2
}
