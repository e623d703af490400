# What no compiler checks.  Each line stops at its first finding.
#help lint           rooms, symbols, style, shell scripts, C format, cppcheck

CLANG_FORMAT ?= clang-format
SHELLCHECK   ?= shellcheck
CPPCHECK     ?= cppcheck

c-files  = $(shell find src tests -name '*.[ch]')
sh-files = $(shell find scripts mk tests .ci -type f ! -path 'tests/fuzz/corpus/*' -exec sh -c 'head -n 1 "$$1" | grep -qE "^\#!.*[ /](ba)?sh|^\#!/usr/bin/env bats"' - {} \; -print) \
           $(wildcard tests/*/*.bash)

lint: lint-rooms lint-symbols lint-style lint-shell lint-format lint-cppcheck

lint-rooms:
	sh scripts/check-layers.sh $(foreach r,$(ROOMS),$(r)=$(subst $() ,:,$(strip $(call closure,$(r)))))
lint-symbols: $(hostkit.objs)
	@sh scripts/check-symbols.sh $(foreach r,$(filter-out base,$(rooms)),$(call obj,$(lib.$(r))))
lint-style:
	@sh scripts/check-style.sh $(c-files)
lint-shell:
	@$(SHELLCHECK) -x $(sh-files)
	@# OpenRC reads the variables, and conf.d sets them
	@$(SHELLCHECK) -s sh -e SC1008,SC2034,SC2154,SC3043 scripts/openrc/*.initd tests/vm/guest/init.d/*
lint-format:
	@$(CLANG_FORMAT) --dry-run -Werror $(c-files)
# The suppressed: unusedStructMember and the like are style; a missing system
# header is no fault of ours.
lint-cppcheck:
	@$(CPPCHECK) -q -j$$(nproc) --std=c11 --language=c --error-exitcode=1 --inline-suppr \
		--enable=warning,portability,performance --suppress=missingIncludeSystem \
		-Isrc -DVERSION='"x"' -DHAVE_LIBDEFLATE -DHAVE_GNUTLS -DHAVE_LIBCURL -DHAVE_LIBNBD -DHAVE_LIBLZMA -DHAVE_BZIP2 src

.PHONY: lint lint-rooms lint-symbols lint-style lint-shell lint-format lint-cppcheck
