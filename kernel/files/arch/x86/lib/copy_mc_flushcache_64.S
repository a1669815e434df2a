/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies past the caches, from memory that may be poisoned.
 */
#include <linux/linkage.h>
#include <asm/asm.h>

/* Each load may meet poison: what is not copied then is in %rax. */
.macro LOAD offset, reg
.Lload_\@:
	movq \offset(%rsi), \reg
	_ASM_EXTABLE_TYPE(.Lload_\@, .Lend, EX_TYPE_DEFAULT_MCE_SAFE)
.endm

/*
 * copy_mc_flushcache - copy to memory without leaving it in a cache
 *
 * %rdi: destination, %rsi: source, %rdx: bytes; all multiples of 64, at least 64.
 * The stores are not ordered: a wmb() has to follow.
 *
 * Returns 0, or how many bytes were not copied because the source is poisoned.
 */
SYM_FUNC_START(copy_mc_flushcache)
	movq %rdx, %rax
.Lline:
	LOAD  0, %rcx
	LOAD  8, %rdx
	LOAD 16, %r8
	LOAD 24, %r9
	movnti %rcx,  0(%rdi)
	movnti %rdx,  8(%rdi)
	movnti %r8,  16(%rdi)
	movnti %r9,  24(%rdi)
	LOAD 32, %rcx
	LOAD 40, %rdx
	LOAD 48, %r8
	LOAD 56, %r9
	movnti %rcx, 32(%rdi)
	movnti %rdx, 40(%rdi)
	movnti %r8,  48(%rdi)
	movnti %r9,  56(%rdi)
	addq $64, %rsi
	addq $64, %rdi
	subq $64, %rax
	jnz .Lline
.Lend:
	RET
SYM_FUNC_END(copy_mc_flushcache)
