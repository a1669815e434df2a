/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the simulated accelerator, lib/test_npu.c, shares with its tests.
 */
#ifndef _LIB_TEST_NPU_UAPI_H
#define _LIB_TEST_NPU_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum npu_sim_op {
	NPU_SIM_COPY,		/* dst[i] = a[i], @len bytes */
	NPU_SIM_ADD,		/* dst[i] = a[i] + b[i], 32 bit, @len bytes */
	NPU_SIM_MATMUL,		/* 32 bit dst[m][n] = 8 bit a[m][k] * b[k][n] */
	NPU_SIM_HASH,		/* digest of @len bytes of a, FNV-1a by 64 bits */
	NPU_SIM_NR_OPS,
};

enum npu_sim_state {
	NPU_SIM_QUEUED,
	NPU_SIM_RUNNING,
	NPU_SIM_STOPPED,	/* at stop_at, until NPU_SIM_RESUME */
	NPU_SIM_DONE,
};

/**
 * struct npu_sim_job - a job, with addresses of the process that opened the file
 * @op: enum npu_sim_op
 * @id: result, for NPU_SIM_WAIT
 * @dst: where the result goes
 * @a: first operand
 * @b: second operand
 * @len: bytes, a multiple of 8
 * @m: rows of a and dst
 * @n: columns of b and dst, up to 1024
 * @k: columns of a, rows of b, up to 4096
 * @repeat: how often more the job is done
 * @stop_at: the job stops when this many bytes of dst are written, or of a read
 *	if it writes none; 0 for never
 */
struct npu_sim_job {
	__u32 op;
	__u32 id;
	__u64 dst;
	__u64 a;
	__u64 b;
	__u64 len;
	__u32 m;
	__u32 n;
	__u32 k;
	__u32 repeat;
	__u64 stop_at;
};

/**
 * struct npu_sim_wait - wait for a job
 * @id: of the job, which is forgotten when it is done
 * @state: result: NPU_SIM_DONE or NPU_SIM_STOPPED
 * @error: result: 0, or a negative errno
 * @pad: 0
 * @digest: result of NPU_SIM_HASH
 */
struct npu_sim_wait {
	__u32 id;
	__u32 state;
	__s32 error;
	__u32 pad;
	__u64 digest;
};

enum npu_sim_advice {
	NPU_SIM_NONE,		/* what the device uses moves there, as a guest */
	NPU_SIM_DEVICE,		/* moves there now, and when it is used */
	NPU_SIM_HOST,		/* moves to ordinary memory now, and stays */
	NPU_SIM_KEEP,		/* stays where it is */
	NPU_SIM_NR_ADVICES,
};

/**
 * struct npu_sim_advise - advice for a range of addresses
 * @start: first address
 * @len: bytes
 * @advice: enum npu_sim_advice
 * @pad: 0
 * @pages: result: pages that exist, of the range
 * @on_node: result: those on the device's node
 * @moved: result: pages that were moved
 * @refused: result: pages that may not move
 *
 * Advice ends when the range is unmapped.  The ioctl fails with the errno of
 * private_node_migrate_range(), and the result is valid all the same.
 */
struct npu_sim_advise {
	__u64 start;
	__u64 len;
	__u32 advice;
	__u32 pad;
	__u64 pages;
	__u64 on_node;
	__u64 moved;
	__u64 refused;
};

/**
 * struct npu_sim_stats - of one open file
 * @local: accesses to pages on the device's node
 * @remote: accesses to other pages
 * @faults: device page faults
 * @moved: pages that faults moved to the node
 * @refused: pages that faults could not move for their policy or kind
 * @full: faults that found the node full
 * @invalidated: translations that were dropped
 * @mapped: translations that are valid now
 */
struct npu_sim_stats {
	__u64 local;
	__u64 remote;
	__u64 faults;
	__u64 moved;
	__u64 refused;
	__u64 full;
	__u64 invalidated;
	__u64 mapped;
};

#define NPU_SIM_SUBMIT	_IOWR('N', 0, struct npu_sim_job)
#define NPU_SIM_WAIT	_IOWR('N', 1, struct npu_sim_wait)
#define NPU_SIM_RESUME	_IOW('N', 2, __u32)
#define NPU_SIM_ADVISE	_IOWR('N', 3, struct npu_sim_advise)
#define NPU_SIM_STATS	_IOR('N', 4, struct npu_sim_stats)
#define NPU_SIM_RESET	_IO('N', 5)

#endif /* _LIB_TEST_NPU_UAPI_H */
