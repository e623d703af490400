/* SPDX-License-Identifier: MIT */
/* The questions of the group kvm; see struct check. */
#ifndef HOSTCHECK_CHECKS_KVM_H
#define HOSTCHECK_CHECKS_KVM_H

#include "hostcheck/checks/checks.h"

int kvm_module(struct facts *f, struct finding *out, struct err *e);
int kvm_device(struct facts *f, struct finding *out, struct err *e);
int kvm_api(struct facts *f, struct finding *out, struct err *e);
int kvm_access(struct facts *f, struct finding *out, struct err *e);
int kvm_nested(struct facts *f, struct finding *out, struct err *e);
int kvm_params(struct facts *f, struct finding *out, struct err *e);
int kvm_limits(struct facts *f, struct finding *out, struct err *e);
int kvm_gic(struct facts *f, struct finding *out, struct err *e);
int kvm_hugepage_guard(struct facts *f, struct finding *out, struct err *e);

#endif
