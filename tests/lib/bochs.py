# SPDX-License-Identifier: MIT
"""Makes a growing image of Bochs from a raw one.

bochs.py RAW IMAGE VERSION EXTENT [shuffle]: sectors that are zero are left out; "shuffle" lets the
extents lie in the file backwards.
"""
import struct
import sys

raw, image, version, extent = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
data = open(raw, "rb").read()
per = extent // 512
extents = -(-len(data) // extent)
bitmap = -(-per // 8)
room = -(-bitmap // 512) * 512
catalog, parts = [0xFFFFFFFF] * extents, []
order = range(extents)
if len(sys.argv) > 5:
    order = reversed(order)
for n in order:
    part = data[n * extent : (n + 1) * extent].ljust(extent, b"\0")
    bits = bytearray(room)
    for i in range(per):
        if any(part[i * 512 : i * 512 + 512]):
            bits[i // 8] |= 1 << i % 8
    if any(bits):
        catalog[n] = len(parts)
        parts.append(bytes(bits) + part)
head = struct.pack("<32s16s16sIIIII", b"Bochs Virtual HD Image", b"Redolog", b"Growing",
                   version << 16, 512, extents, bitmap, extent)
head += struct.pack("<Q" if version == 1 else "<IQ", *([len(data)] if version == 1 else [0, len(data)]))
with open(image, "wb") as f:
    f.write(head.ljust(512, b"\0") + struct.pack("<%dI" % extents, *catalog) + b"".join(parts))
