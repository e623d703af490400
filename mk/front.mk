# Goals that must work on a machine with nothing but make and a compiler: they
# first run scripts/setup with the groups of packages they need, and only then read the
# rest of the makefiles (which probe compiler and libraries) in a second make.
# SETUP=no leaves the machine alone.
#
# Without -j they use every processor: a new user should not have to know.
#var SETUP=no       do not install what is missing (check, demo, lint, ...)

groups.check      := build test
groups.check-long := build test vm
groups.check-vm   := build test vm
groups.coverage   := build test
groups.bench      := build test
groups.demo       := build demo
groups.fuzz       := build test lint
groups.lint       := build test lint
groups.man        := build

SETUP ?= yes
groups := $(sort $(foreach g,$(MAKECMDGOALS),$(groups.$(g))))
front  := $(if $(filter yes,$(SETUP)),$(groups))
# help, setup and a plain distclean look at nothing.
ifneq ($(MAKECMDGOALS),)
ifeq ($(filter-out help setup,$(MAKECMDGOALS)),)
front := none
endif
endif

ifneq ($(filter-out none,$(front)),)
$(MAKECMDGOALS): .front ;
.front:
	@sh scripts/setup --quiet $(groups)
	@+$(MAKE) --no-print-directory SETUP=no $(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc)) $(MAKECMDGOALS)
.PHONY: .front $(MAKECMDGOALS)
endif

#help setup          install everything that building and testing needs
setup:
	@sh scripts/setup build test demo
.PHONY: setup
