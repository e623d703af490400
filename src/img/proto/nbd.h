/* SPDX-License-Identifier: MIT */
/* Images that an NBD server has, by libnbd, which is loaded at first use. */
#ifndef IMG_PROTO_NBD_H
#define IMG_PROTO_NBD_H

#include "img/proto.h"

extern const struct img_protocol proto_nbd;

#endif
