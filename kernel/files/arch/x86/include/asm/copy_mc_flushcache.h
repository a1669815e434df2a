/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_X86_COPY_MC_FLUSHCACHE_H
#define _ASM_X86_COPY_MC_FLUSHCACHE_H

unsigned long __must_check copy_mc_flushcache(void *dst, const void *src,
					      unsigned long len);

#endif /* _ASM_X86_COPY_MC_FLUSHCACHE_H */
