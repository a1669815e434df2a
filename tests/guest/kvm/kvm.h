/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm.h: virtual machines with one processor and one page of program, by the system calls of KVM.
 *
 * The program adds one to a word of its memory and says so on port 0x10, for ever.  It runs in real
 * mode, so it needs neither page tables nor firmware.
 */
#ifndef KVM_H
#define KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>

/* Debian's headers are older. */
#ifndef KVM_CREATE_GUEST_MEMFD
#define KVM_MEM_GUEST_MEMFD	(1UL << 2)
struct kvm_userspace_memory_region2 {
	__u32 slot, flags;
	__u64 guest_phys_addr, memory_size, userspace_addr, guest_memfd_offset;
	__u32 guest_memfd, pad1;
	__u64 pad2[14];
};
struct kvm_create_guest_memfd {
	__u64 size, flags, reserved[6];
};
#define KVM_SET_USER_MEMORY_REGION2 _IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_CREATE_GUEST_MEMFD _IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#endif
#ifndef GUEST_MEMFD_FLAG_MMAP
#define GUEST_MEMFD_FLAG_MMAP		1ULL
#define GUEST_MEMFD_FLAG_INIT_SHARED	2ULL
#endif

#define MAPPABLE (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define CODE_AT 0x1000
#define WORD_AT 0x2000
#define PORT 0x10

static int kvm = -1;

struct machine {
	int vm, cpu;
	char *mem;		/* the machine's memory, from its address 0 on */
	struct kvm_run *run;
	pthread_t thread;
	volatile bool stop;
	volatile unsigned long turns;
	volatile int error;	/* errno of KVM_RUN, or EPROTO for an exit that is not expected */
};

/* Loads KVM; NULL, or why there is none. */
static const char *kvm_load(void)
{
	if (system("modprobe kvm_amd 2> /dev/null"))
		return "the processor has no SVM: --qemu-arg -cpu --qemu-arg EPYC,+svm,+npt";
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return kvm < 0 ? "no /dev/kvm" : NULL;
}

static int machine_new(void)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0UL);

	if (vm < 0)
		bail("KVM_CREATE_VM");
	return vm;
}

/* A guest_memfd, or -1 and errno. */
static int memfd_new(int vm, size_t size, unsigned long long flags)
{
	struct kvm_create_guest_memfd args = { .size = size, .flags = flags };

	return ioctl(vm, KVM_CREATE_GUEST_MEMFD, &args);
}

/* @fd is a guest_memfd, or -1 for ordinary memory of the process at m->mem. */
static void machine_memory(struct machine *m, int fd, size_t size)
{
	struct kvm_userspace_memory_region2 r = {
		.flags = fd < 0 ? 0 : KVM_MEM_GUEST_MEMFD,
		.memory_size = size,
		.userspace_addr = (uintptr_t)m->mem,
		.guest_memfd = fd < 0 ? 0 : fd,
	};

	if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION2, &r))
		bail("KVM_SET_USER_MEMORY_REGION2");
}

static void machine_cpu(struct machine *m)
{
	struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	struct kvm_sregs sregs;
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);

	m->cpu = ioctl(m->vm, KVM_CREATE_VCPU, 0UL);
	if (m->cpu < 0 || size <= 0)
		bail("KVM_CREATE_VCPU");
	m->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->cpu, 0);
	if (m->run == MAP_FAILED || ioctl(m->cpu, KVM_GET_SREGS, &sregs))
		bail("the processor of a machine");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(m->cpu, KVM_SET_SREGS, &sregs) || ioctl(m->cpu, KVM_SET_REGS, &regs))
		bail("the registers of a machine");
}

static void machine_program(struct machine *m)
{
	static const unsigned char program[] = {
		0xa1, WORD_AT & 0xff, WORD_AT >> 8,	/* mov ax, [WORD_AT] */
		0x40,					/* inc ax */
		0xa3, WORD_AT & 0xff, WORD_AT >> 8,	/* mov [WORD_AT], ax */
		0xe6, PORT,				/* out PORT, al */
		0xeb, 0xf5,				/* jmp to the first */
	};

	memcpy(m->mem + CODE_AT, program, sizeof(program));
}

/* One turn of the program; errno, or 0. */
static int machine_turn(struct machine *m)
{
	if (ioctl(m->cpu, KVM_RUN, 0UL))
		return errno;
	if (m->run->exit_reason != KVM_EXIT_IO || m->run->io.port != PORT)
		return EPROTO;
	m->turns++;
	return 0;
}

static void *machine_thread(void *arg)
{
	struct machine *m = arg;

	while (!m->stop && !m->error)
		m->error = machine_turn(m);
	return NULL;
}

static void machine_start(struct machine *m)
{
	m->stop = false;
	if (pthread_create(&m->thread, NULL, machine_thread, m))
		bail("a thread");
}

/* Runs on: true when it has made a turn since, in 60 s. */
static bool machine_runs(struct machine *m)
{
	unsigned long before = m->turns;
	int i;

	for (i = 0; i < 6000 && !m->error && m->turns < before + 2; i++)
		usleep(10000);
	if (m->error)
		printf("# KVM_RUN: %s, exit %u\n", strerror(m->error), m->run->exit_reason);
	return m->turns >= before + 2;
}

static void machine_stop(struct machine *m)
{
	m->stop = true;
	pthread_join(m->thread, NULL);
}

/* Has each turn added one to the word? */
static bool machine_counted(const struct machine *m)
{
	unsigned short word;

	memcpy(&word, m->mem + WORD_AT, sizeof(word));
	return m->turns && word == (unsigned short)m->turns;
}

static void machine_end(struct machine *m)
{
	munmap(m->run, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL));
	close(m->cpu);
	close(m->vm);
}

#endif
