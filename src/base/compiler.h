/* SPDX-License-Identifier: MIT */
/* Names for the compiler attributes the project uses. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK        __attribute__((warn_unused_result))
#define CLEANUP(fn)       __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))

#endif
