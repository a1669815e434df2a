/* SPDX-License-Identifier: GPL-2.0-only */
/* replay.h: main() of a fuzzer that runs files through it once, and prints how many. */

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	size_t n;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		f = fopen(argv[i], "r");
		if (!f) {
			perror(argv[i]);
			return 1;
		}
		n = fread(data, 1, sizeof(data), f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, n);
	}
	printf("%d\n", argc - 1);
	return 0;
}
