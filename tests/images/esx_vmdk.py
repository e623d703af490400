# Writes c.vmdk (vmfsSparse) and s.vmdk (seSparse) with their extents: qemu-img makes neither.
import struct, sys
def cowd(path, sectors=8192*4, grain=1, data={5: b'A', 4099: b'B', 30000: b'C'}):
    # vmfsSparse: 4096 entries of one grain each in a table
    gts = -(-sectors // (4096 * grain))
    gd_off = 4
    gd_n = gts
    head = struct.pack('<4sIIIIIII', b'COWD', 1, 3, sectors, grain, gd_off, gd_n, 0).ljust(2048, b'\0')
    gd_sec = -(-gd_n * 4 // 512)
    at = gd_off + gd_sec
    gd, tables, grains = [0] * gd_n, {}, b''
    for t in sorted({g // 4096 for g in data}):
        gd[t] = at; at += 32
    for t in range(gd_n):
        if gd[t]: tables[t] = [0] * 4096
    for g in sorted(data):
        tables[g // 4096][g % 4096] = at
        grains += data[g] * (512 * grain); at += grain
    out = head + struct.pack('<%dI' % gd_n, *gd).ljust(gd_sec * 512, b'\0')
    for t in sorted(tables): out += struct.pack('<4096I', *tables[t])
    open(path, 'wb').write(out + grains)
def se(path, sectors=8 * 4096 * 3, data={1: b'A', 4097: b'B', 9000: b'C'}, zero=[7, 4100]):
    gts = -(-sectors // (8 * 4096))
    vol, gd_off, gts_off = 1, 16, 32
    alloc = sorted({g // 4096 for g in list(data) + zero})
    grains_off = gts_off + 64 * len(alloc)
    h = [0xcafebabe, 0x200000001, sectors, 8, 64, 0, 0, 0, 0, 0, vol, 1, 2, 1, 3, 1, gd_off, 1, gts_off, 64 * len(alloc),
         0, 0, 0, 0, grains_off, 8 * len(data)]
    f = bytearray((grains_off + 8 * len(data)) * 512)
    f[:512] = struct.pack('<26Q', *h).ljust(512, b'\0')
    f[vol * 512:vol * 512 + 32] = struct.pack('<4Q', 0xcafecafe, 0, 0, 0)
    for i, t in enumerate(alloc):
        struct.pack_into('<Q', f, gd_off * 512 + t * 8, 0x1000000000000000 | i)
    for i, g in enumerate(sorted(data)):
        struct.pack_into('<Q', f, gts_off * 512 + alloc.index(g // 4096) * 32768 + g % 4096 * 8,
                         0x3000000000000000 | (i & 0xfff) << 48 | i >> 12)
        f[(grains_off + 8 * i) * 512:(grains_off + 8 * i + 8) * 512] = data[g] * 4096
    for k, g in enumerate(zero):
        struct.pack_into('<Q', f, gts_off * 512 + alloc.index(g // 4096) * 32768 + g % 4096 * 8,
                         (0x1000000000000000, 0x2000000000000000)[k % 2])
    open(path, 'wb').write(f)
    return sectors
if __name__ == '__main__':
    cowd('c-delta.vmdk'); n = se('s-sesparse.vmdk')
    d = '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="%s"\n\n# Extent description\nRW %d %s "%s"\n'
    open('c.vmdk', 'w').write(d % ('vmfsSparse', 8192 * 4, 'VMFSSPARSE', 'c-delta.vmdk'))
    open('s.vmdk', 'w').write(d % ('seSparse', n, 'SESPARSE', 's-sesparse.vmdk'))
