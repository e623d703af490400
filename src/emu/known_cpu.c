/* SPDX-License-Identifier: MIT */
/*
 * Models and features of processors.  A feature that is not there may be taken away: "-NAME" and
 * "NAME=off" say what is so.
 */
#include "emu/known.h"

#include <stddef.h>

#define M        "-cpu model="
#define C        "-cpu"
#define NESTED   "guests cannot run guests"
#define STATE512 "registers of 512 bits are not there"
#define TILES    "tiles are not there"
#define SPEC     "what it tells of speculation is the host's business"
#define TSX      "there are no transactions"
#define SGX      "there is no SGX"
#define PADLOCK  "they are VIA's and Zhaoxin's"
#define TOO_OLD  "no kernel asks for it any more"
#define POWER    "power and temperature are the host's business"
#define DEBUG    "branches and addresses are not recorded"
#define KVMPV    "of KVM's ways to help a guest there is the clock"
#define HYPERV   "guests do not see Hyper-V"
#define NUMBERS  "the model says it"
#define NEARBY   "take the nearest of those there are, and +FEATURE"
#define AVX512   "take Haswell or max: " STATE512

const struct known_row known_cpu[] = {
	{ M, "base", NULL, "a processor without features does not run" },
	{ M,
	  "486* athlon* core2duo* coreduo* kvm32* kvm64* pentium pentium-v1 pentium2* pentium3* "
	  "phenom* Opteron_G1* Opteron_G2* Opteron_G3* Opteron_G4* Opteron_G5* Penryn* "
	  "Westmere* SandyBridge* IvyBridge* Broadwell* Skylake-Client* Denverton* Snowridge* "
	  "Dhyana* EPYC-*",
	  NULL, NEARBY },
	{ M, "Conroe-* Nehalem-* Haswell-* n270-* qemu32-* qemu64-*", NULL,
	  "a model has one version; its name ends before the '-'" },
	{ M,
	  "Skylake-Server* Cascadelake-Server* Cooperlake* Icelake-Server* KnightsMill* "
	  "SapphireRapids* GraniteRapids*",
	  NULL, AVX512 },

	{ C, "vmx vmx-* svm svm-lock npt lbrv nrip-save tsc-scale vmcb-clean flushbyasid",
	  "off", NESTED },
	{ C, "decodeassists pause-filter pfthreshold avic v-vmsave-vmload vgif svme-addr-chk",
	  "off", NESTED },
	{ C, "skinit smx", "off", "there is no measured start" },
	{ C, "avx512*", "off", STATE512 },
	{ C, "amx-* xfd", "off", TILES },
	{ C, "avx-vnni xsaves xsaveerptr", "off", "the engine does not run it yet" },
	{ C, "spec-ctrl stibp ssbd ibrs ibpb ibrs-all amd-ssbd amd-stibp virt-ssbd amd-no-ssb",
	  "off", SPEC },
	{ C, "arch-capabilities core-capability rdctl-no rsba skip-l1dfl-vmentry ssb-no mds-no",
	  "off", SPEC },
	{ C, "pschange-mc-no taa-no md-clear split-lock-detect bus-lock-detect", "off", SPEC },
	{ C, "hle rtm tsx-ctrl tsx-ldtrk", "off", TSX },
	{ C, "sgx sgx-* sgx1 sgx2 sgxlc", "off", SGX },
	{ C, "ace2 ace2-en phe phe-en pmm pmm-en xcrypt xcrypt-en xstore xstore-en", "off",
	  PADLOCK },
	{ C, "3dnow 3dnowext mmxext fma4 xop tbm lwp", "off",
	  "processors that had it are no longer made" },
	{ C, "ffxsr fxsr-opt", "off", "FXSAVE saves all" },
	{ C, "cid pn ia64 i64 mpx dca pbe", "off", TOO_OLD },
	{ C, "acpi arat est tm tm2 wdt ibs perfctr-core perfctr-nb nodeid-msr", "off", POWER },
	{ C, "intel-pt intel-pt-lip ds ds-cpl dtes64 arch-lbr lbr-fmt pdcm pmu", "off", DEBUG },
	{ C, "la57", "off", "addresses have 48 bits" },
	{ C, "pku pks", "off", "pages have no keys" },
	{ C, "monitor waitpkg", "off", "a processor that waits halts" },
	{ C, "movdiri movdir64b serialize cldemote wbnoinvd pcommit full-width-write", "off",
	  "the engine does not run it yet" },
	{ C, "cmp-legacy topoext", NULL, "-smp says it" },
	{ C, "extapic osvw tce xtpr lmce", "off", "guests do well without" },
	{ C, "invtsc", "on", "the counter always goes at one rate" },
	{ C, "kvm-*", "off", KVMPV },
	{ C, "kvmclock kvmclock-stable-bit", "on", "the clock is there unless -hypervisor" },
	{ C, "kvm", "on", "guests see it unless -hypervisor" },
	{ C, "hv-* hv-passthrough", "off", HYPERV },
	{ C, "x-hv-max-vps x-hv-synic-kvm-only", NULL, HYPERV },
	{ C, "check", "on", "what is asked for and not there is always told" },
	{ C, "migratable", "on", "processors have what every host has" },
	{ C, "cpuid-0xb", "on", "guests see which vCPUs are near each other" },
	{ C, "full-cpuid-auto-level x-intel-pt-auto-level", NULL, NUMBERS },
	{ C, "min-level min-xlevel min-xlevel2 xlevel2 level-func7", NULL, NUMBERS },
	{ C, "phys-bits", "40", "physical addresses have 40 bits" },
	{ C, "host-phys-bits", "off", "physical addresses have 40 bits" },
	{ C, "host-phys-bits-limit", "0", "physical addresses have 40 bits" },
	{ C, "fill-mtrr-mask", NULL, NUMBERS },
	{ C, "l3-cache host-cache-info", "off", "guests see small caches of two levels" },
	{ C, "legacy-cache", "on", "guests see small caches of two levels" },
	{ C, "tsc-frequency", NULL, "the counter is the host's" },
	{ C, "tcg-cpuid vmware-cpuid-freq", NULL, "guests see KVM's leaves" },
	{ C, "ucode-rev", NULL, "microcode is the host's business" },
	{ C, "apic-id core-id die-id socket-id thread-id node-id", NULL, "-smp says it" },
	{ C, "start-powered-off", "off", "processors start as on a PC" },
	{ C, "memory legacy-memory hotpluggable hotplugged parent_bus realized", NULL,
	  "it is QEMU's own part of a processor" },
	{ C, "crash-information feature-words filtered-features unavailable-features", NULL,
	  "it is QEMU's own part of a processor" },
	{ C, "x-force-features x-migrate-smi-count x-vendor-cpuid-only", NULL,
	  "it is for older versions of QEMU's machines" },
	{ NULL, NULL, NULL, NULL },
};
