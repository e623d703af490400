/* SPDX-License-Identifier: MIT */
/* Questions of the group cpu that are about its state, not its abilities. */
#ifndef HOSTCHECK_CHECKS_CPU_H
#define HOSTCHECK_CHECKS_CPU_H

#include "hostcheck/checks/checks.h"

int cpu_governor(struct facts *f, struct finding *out, struct err *e);
int cpu_clock(struct facts *f, struct finding *out, struct err *e);
int cpu_isolated(struct facts *f, struct finding *out, struct err *e);
int cpu_smt(struct facts *f, struct finding *out, struct err *e);
int cpu_flaws(struct facts *f, struct finding *out, struct err *e);

/* KVM works without VT-x or AMD-V: it runs only guests that were made for it. */
bool cpu_paravirtual_kvm(struct facts *f);

#endif
