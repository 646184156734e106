/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock in a map: odd while it is held, and 2 more after each change, so that a reader in user space can tell whether
 * what it copied is of one piece. bpf_spin_lock cannot be had in inner maps before Linux 6.2, nor be read around.
 *
 * Programs of tc are not interrupted by each other on a CPU: who waits, waits for another CPU, for some 50 ns. Only if
 * a hypervisor took that CPU away it is longer, and the wait ends after some ms.
 */
#ifndef SPLICER_LIB_LOCK_H
#define SPLICER_LIB_LOCK_H

#include "lib/bpf.h"

#define LOCK_LOOKS 1024 /* in a row */
#define LOCK_ROUNDS 2048

static __always_inline int lock_try(__u32 *lock)
{
	__u32 seen = *(volatile __u32 *)lock;

	return !(seen & 1) && __sync_val_compare_and_swap(lock, seen, seen + 1) == seen;
}

/* Global functions, so that the verifier follows each loop once. */
__weak __noinline int lock_look(__u32 *lock)
{
	if (!lock)
		return 0;
	for (int i = 0; i < LOCK_LOOKS; i++)
		if (lock_try(lock))
			return 1;
	return 0;
}

__weak __noinline int lock_wait(__u32 *lock)
{
	if (!lock)
		return 0;
	for (int i = 0; i < LOCK_ROUNDS; i++)
		if (lock_look(lock))
			return 1;
	return 0;
}

/* Whether it could be had. */
static __always_inline int lock_take(__u32 *lock)
{
	return lock_try(lock) || lock_wait(lock);
}

/* With the result asked for it is a full barrier on every machine: what was written is seen before the lock is free. */
static __always_inline void lock_give(__u32 *lock)
{
	__u32 held = __sync_fetch_and_add(lock, 1);

	asm volatile("" : : "r"(held));
}

#endif
