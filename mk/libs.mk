# Other people's libraries.  probe-cc.sh has said in cc.mk which of them this compiler
# can link (probe.NAME, cflags.NAME, libs.NAME).
#var WITH_LIBDEFLATE=no    do without (auto: use it where it is)

WITH_LIBDEFLATE ?= auto

want.libdeflate := $(WITH_LIBDEFLATE)
$(foreach l,$(likes.img),$(if $(filter yes,$(want.$(l))),$(if $(probe.$(l)),,$(error WITH_$(l)=yes, but '$(CC)' cannot link it))))

closure  = $(sort $(1) $(foreach r,$(uses.$(1)),$(call closure,$(r))))
# Rooms are left out when the compiler cannot link what they need: with musl-gcc on a glibc
# system base still builds.
lacks    = $(sort $(foreach r,$(call closure,$(1)),$(foreach l,$(needs.$(r)),$(if $(probe.$(l)),,$(l)))))
rooms    := $(foreach r,$(ROOMS),$(if $(call lacks,$(r)),,$(r)))
left-out := $(foreach r,$(filter-out $(rooms),$(ROOMS)),$(if $(wildcard src/$(r)/*.c),$(r)))
progs    := $(foreach p,$(PROGS),$(if $(filter $(rooms),$(room.$(p))),$(if $(wildcard src/$(room.$(p))/main.c),$(p))))

sources  := $(wildcard src/*/*.c src/*/*/*.c src/*/*/*/*.c)
linked   := $(foreach l,$(sort $(foreach r,$(ROOMS) $(sources),$(needs.$(r)) $(likes.$(r)))),$(if $(probe.$(l)),$(l)))
# Of these, what is left after WITH_...=no.
likes    := $(foreach r,$(rooms),$(foreach l,$(likes.$(r)),$(if $(filter-out no,$(want.$(l))),$(if $(probe.$(l)),$(l)))))
pkgs     := $(filter $(linked),$(sort $(foreach r,$(rooms) $(sources),$(needs.$(r))))) $(likes)

# Headers alone: nothing is linked to.
opens    := $(foreach l,$(sort $(foreach r,$(rooms),$(opens.$(r)))),$(if $(header.$(l)),$(l)))

# What libhostkit itself needs, for hostkit.pc.
lib.pkgs := $(filter $(linked),$(sort $(foreach r,$(filter $(LIBROOMS),$(rooms)),$(needs.$(r))) jansson)) $(likes)

have.libdeflate := -DHAVE_LIBDEFLATE
lib.cppflags := $(sort $(foreach l,$(pkgs) $(opens),$(cflags.$(l)) $(have.$(l))))
lib.libs     := $(foreach l,$(pkgs),$(libs.$(l)))
