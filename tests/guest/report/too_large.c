// SPDX-License-Identifier: GPL-2.0-only
/*
 * too_large: a vmalloc() of almost 2 GB, by way of a packet ring, that has to
 * fail: the kernel reports that as an allocation failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
	struct tpacket_req req = {
		.tp_block_size = 0x7ff00000,
		.tp_block_nr = 1,
		.tp_frame_size = 0x10000,
		.tp_frame_nr = 0x7ff00000 / 0x10000,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0) {
		perror("too_large: packet socket");
		return 2;
	}
	if (!setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req))) {
		fprintf(stderr, "too_large: the ring was allocated\n");
		return 1;
	}
	printf("# setsockopt: %m\n");
	return errno != ENOMEM;
}
