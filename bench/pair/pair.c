// SPDX-License-Identifier: GPL-2.0-only
/*
 * pair: instructions of an order-0 allocation and its free.
 *
 * For a machine whose clock counts instructions (harness/vm --icount), where
 * the time stamp counter advances by one with each.  A batch is short against
 * the timer tick, so that most batches see no interrupt, and the median none.
 * Results go to the log: "pair: PAIRS INSTRUCTIONS" for each batch.
 */
#define pr_fmt(fmt) "pair: " fmt

#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/timex.h>

#define BATCHES	101
#define PAIRS	1000

static u64 spent[BATCHES];

/* The page comes from, and goes back to, this processor's list. */
static int __init pair_batch(u64 *instructions)
{
	u64 start = rdtsc_ordered();
	struct page *page;
	int i;

	for (i = 0; i < PAIRS; i++) {
		page = alloc_pages(GFP_KERNEL, 0);
		if (!page)
			return -ENOMEM;
		__free_pages(page, 0);
	}
	*instructions = rdtsc_ordered() - start;
	return 0;
}

static int __init pair_init(void)
{
	int i, err;
	u64 warm;

	err = pair_batch(&warm);
	for (i = 0; i < BATCHES && !err; i++)
		err = pair_batch(&spent[i]);
	if (err)
		return err;
	for (i = 0; i < BATCHES; i++)
		pr_info("%d %llu\n", PAIRS, spent[i]);
	return 0;
}

static void __exit pair_exit(void)
{
}

module_init(pair_init);
module_exit(pair_exit);
MODULE_DESCRIPTION("Instructions of an order-0 allocation and its free");
MODULE_LICENSE("GPL");
