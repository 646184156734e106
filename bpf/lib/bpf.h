/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of the BPF side starts from: UAPI headers and libbpf's helpers only, no vmlinux.h. */
#ifndef SPLICER_LIB_BPF_H
#define SPLICER_LIB_BPF_H

#include <linux/types.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/*
 * Functions that the verifier is to take by themselves are __weak __noinline: weak, as a compiler may then not count on
 * what they return. clang 18 left out bounds that it could prove, of what the verifier takes for any number.
 */

#define NS_PER_SECOND 1000000000ull

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#endif
