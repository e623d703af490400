# The rooms of src/, lowest first, and what each may use.  scripts/check-layers.sh
# enforces this table, docs/architecture.md shows it.

ROOMS := base host hugepages modules img emu hostcheck tune

uses.base      :=
uses.host      := base
uses.hugepages := base host
uses.modules   := base host
uses.img       := base
uses.emu       := base host img
uses.hostcheck := base host modules hugepages
uses.tune      := base host modules hugepages

# These make up libhostkit; the others belong to one program each.
LIBROOMS := base host hugepages modules img

# Libraries a room cannot do without, and those it uses where they are.  The names
# are pkg-config's.
needs.img := zlib libzstd blkid jansson nettle
needs.hugepages := mount jansson
needs.modules := libkmod jansson
needs.hostcheck := jansson
needs.tune := inih jansson
needs.emu := zydis jansson zlib
likes.img := libdeflate

# Libraries that are loaded when they are first needed (base/lib.h); the build needs their
# headers, and says HAVE_LIBCURL and so on where they are.
opens.img := bzip2 gnutls libcurl libnbd liblzma
$(foreach f,$(wildcard src/img/proto/curl_*.c src/img/proto/http.c src/img/proto/s3.c),$(eval opens.$(f) := libcurl))
opens.src/img/fetch.c := libcurl
opens.src/img/cmd_fetch.c := libcurl
opens.src/img/unpack_bz2.c := bzip2
opens.src/img/unpack_xz.c := liblzma

# A file that needs more than the rest of its room; without the library the room is
# built without the file.
needs.src/base/json.c := jansson
needs.src/base/out.c := jansson
needs.src/emu/net/user.c := slirp
needs.src/emu/net/user_config.c := slirp
needs.src/emu/sandbox.c := libseccomp
needs.src/emu/display/terminal.c := ncursesw

# program := room that holds its main.c and cmd_*.c
PROGS     := vimg hostcheck vtune vmod vhuge vemu
room.vimg      := img
room.hostcheck := hostcheck
room.vtune     := tune
room.vmod      := modules
room.vhuge     := hugepages
room.vemu      := emu

# Scripts start vimg by the hundred, and loading libraries that only the host's rooms need
# would take longer than its work.  vemu uses as little of libhostkit.
link.vimg := static
link.vemu := static

# The guest's vector registers are in the processor's while this runs.
cflags.src/emu/accel/soft/refill.c := -mgeneral-regs-only -fno-sanitize=all
