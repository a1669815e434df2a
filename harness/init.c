// SPDX-License-Identifier: GPL-2.0-only
/*
 * init: PID 1 of the test machine.
 *
 * Lives in an initramfs, makes the host's / (9p, read-only, under an overlay) the root, runs one
 * command with its output on two virtio ports, and reports on a third.  The report is the only
 * thing that counts as success: when anything goes wrong before it is written, the host side sees
 * no status and says so.
 *
 * With PMN_SHELL="ROWS COLUMNS" the command gets a terminal of that size, which a port of its own
 * feeds and shows; later sizes come as lines on another.
 *
 * Reports, one a line: "up", "fail REASON", "leak", "exit STATUS".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST_OPTS "trans=virtio,version=9p2000.L,msize=512000"
#define GCOV "/sys/kernel/debug/gcov"
#define PORT_WAIT_MS 10000
/* kmemleak reports nothing younger than five seconds. */
#define LEAK_AGE_S 6

static int status_fd = -1;

static void report(const char *fmt, ...)
{
	va_list ap;

	if (status_fd < 0)
		return;
	va_start(ap, fmt);
	vdprintf(status_fd, fmt, ap);
	va_end(ap);
}

__attribute__((noreturn)) static void power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

__attribute__((noreturn)) static void fail(const char *what, const char *object)
{
	const char *why = strerror(errno);

	fprintf(stderr, "init: %s %s: %s\n", what, object, why);
	report("fail %s %s: %s\n", what, object, why);
	power_off();
}

static void mount_at(const char *type, const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, opts))
		fail("mount", dir);
}

/* What a kernel may have been built without. */
static void mount_try(const char *type, const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, opts))
		fprintf(stderr, "init: mount %s: %s\n", dir, strerror(errno));
}

static char *slurp(const char *path, size_t *len)
{
	size_t size = 0, room = 4096;
	char *buf = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || !buf)
		return NULL;
	while ((n = read(fd, buf + size, room - size - 1)) > 0) {
		size += n;
		if (room - size < 2048)
			buf = realloc(buf, room *= 2);
		if (!buf)
			return NULL;
	}
	close(fd);
	buf[size] = '\0';
	if (len)
		*len = size;
	return n < 0 ? NULL : buf;
}

static void spew(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The value of pmn.NAME= on the kernel command line. */
static char *option(const char *name)
{
	char *line = slurp("/proc/cmdline", NULL), *word, *save = NULL;
	size_t len = strlen(name);

	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (!strncmp(word, name, len) && word[len] == '=')
			return word + len + 1;
	return NULL;
}

/* There is no udev: sysfs tells which port has the name. */
static int find_port(const char *name, int mode)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *de;
	char path[512], *text;
	int fd = -1;

	while (dir && fd < 0 && (de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", de->d_name);
		text = slurp(path, NULL);
		if (text && !strncmp(text, name, strlen(name)) && text[strlen(name)] == '\n') {
			snprintf(path, sizeof(path), "/dev/%s", de->d_name);
			fd = open(path, mode | O_CLOEXEC);
		}
		free(text);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Ports appear from a work item, some time after the device. */
static int open_port(const char *name, int mode)
{
	int fd, waited;

	for (waited = 0; waited < PORT_WAIT_MS; waited++) {
		fd = find_port(name, mode);
		if (fd >= 0)
			return fd;
		usleep(1000);
	}
	errno = ETIMEDOUT;
	fail("find port", name);
}

/* Sets up the new root in /root and enters it. */
static void enter_host_root(void)
{
	static const char *const keep[] = { "dev", "proc", "sys" };
	char to[64];
	size_t i;

	mkdir("/host", 0755);
	if (mount("host", "/host", "9p", MS_RDONLY, HOST_OPTS ",cache=loose"))
		fail("mount", "/host");
	mount_at("tmpfs", "/rw", "mode=755");
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	mount_at("overlay", "/root",
		 "lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work,redirect_dir=on");
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		snprintf(to, sizeof(to), "/root/%s", keep[i]);
		mkdir(to, 0755);
		if (mount(to + 5, to, NULL, MS_MOVE, NULL))
			fail("move", to);
	}
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("enter", "/root");
}

static void mount_rest(void)
{
	mount_at("devpts", "/dev/pts", "mode=620,ptmxmode=666");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("tmpfs", "/run", "mode=755");
	mkdir("/run/lock", 01777);
	mount_try("mqueue", "/dev/mqueue", NULL);
	mount_try("cgroup2", "/sys/fs/cgroup", NULL);
	mount_try("debugfs", "/sys/kernel/debug", NULL);
	mount_try("tracefs", "/sys/kernel/tracing", NULL);
	mount_try("configfs", "/sys/kernel/config", NULL);
	(void)!symlink("/proc/self/fd", "/dev/fd");
	(void)!symlink("/proc/self/fd/0", "/dev/stdin");
	(void)!symlink("/proc/self/fd/1", "/dev/stdout");
	(void)!symlink("/proc/self/fd/2", "/dev/stderr");
}

static void make_path(const char *path)
{
	char *copy = strdup(path), *p;

	for (p = copy + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	mkdir(copy, 0755);
	free(copy);
}

/* The kernel's modules lie in its build folder; modprobe looks in /lib/modules. */
static void bind_modules(const char *from)
{
	struct utsname uts;
	char to[256];

	uname(&uts);
	snprintf(to, sizeof(to), "/usr/lib/modules/%s", uts.release);
	make_path(to);
	if (mount(from, to, NULL, MS_BIND, NULL))
		fail("bind", from);
}

/* Folders that the host shares for writing, at the path that they have there. */
static void mount_out(const char *tag, const char *dir)
{
	make_path(dir);
	if (mount(tag, dir, "9p", 0, HOST_OPTS ",cache=mmap"))
		fail("mount", dir);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		fprintf(stderr, "init: lo: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/*
 * They keep real-time tasks from starving others, which nobody here does.  Linux 7.3's have a fault
 * that a guest without a processor for seconds meets: dl_server_timer() comes so late that its
 * update_curr() arms the timer again, and hrtimer_forward() warns that it is armed.
 */
static void fair_servers_off(void)
{
	static const char dir[] = "/sys/kernel/debug/sched/fair_server";
	DIR *d = opendir(dir);
	struct dirent *de;
	char path[512];

	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/runtime", dir, de->d_name);
		spew(path, "0");
	}
	if (d)
		closedir(d);
}

/* Splits a NUL-separated file into a vector. */
static char **vector(const char *dir, const char *name)
{
	char path[512], *text, **v;
	size_t len, i, n = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = slurp(path, &len);
	if (!text)
		fail("read", path);
	for (i = 0; i < len; i++)
		n += !text[i];
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		fail("read", path);
	for (i = n = 0; i < len; i += strlen(text + i) + 1)
		v[n++] = text + i;
	return v;
}

static const char *value(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static void set_up(char **env)
{
	const char *modules = value(env, "PMN_MODULES");
	char name[32];
	int i;

	mount_rest();
	if (modules)
		bind_modules(modules);
	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "PMN_OUT%d", i);
		if (value(env, name)) {
			char tag[16];

			snprintf(tag, sizeof(tag), "out%d", i);
			mount_out(tag, value(env, name));
		}
	}
	loopback_up();
	fair_servers_off();
	sethostname("pmn", 3);
}

__attribute__((noreturn)) static void execute(char **argv, char **env)
{
	const char *cwd = value(env, "PWD");

	if (cwd && chdir(cwd)) {
		fprintf(stderr, "init: %s: %s\n", cwd, strerror(errno));
		_exit(126);
	}
	environ = env;
	execvp(argv[0], argv);
	fprintf(stderr, "init: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

__attribute__((noreturn)) static void child(int out, int err, const char *spec, char **argv, char **env)
{
	char path[512];
	int in;

	setsid();
	snprintf(path, sizeof(path), "%s/stdin", spec);
	in = open(path, O_RDONLY);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	execute(argv, env);
}

/* Copies what is there to the port; false at the end of the pipe. */
static int relay(int from, int to)
{
	static char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf)), done, m;

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	for (done = 0; done < n; done += m) {
		m = write(to, buf + done, n - done);
		if (m < 0 && errno == EINTR)
			m = 0;
		else if (m < 0)
			fail("write", "port");
	}
	return 1;
}

/* Is the command still there?  When it is gone, everything that it left behind is killed. */
static int reap(pid_t pid, int *status)
{
	int st, alive = 1;
	pid_t got;

	while ((got = waitpid(-1, &st, WNOHANG)) > 0) {
		if (got != pid)
			continue;
		alive = 0;
		*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
		kill(-1, SIGKILL);
	}
	return alive;
}

/*
 * Relays output and reaps until the command is gone; what it left behind is killed then, so that
 * the pipes come to their end.
 */
static int supervise(pid_t pid, struct pollfd *fds, const int *ports)
{
	int status = 0, i, alive = 1;

	while (alive || fds[0].fd >= 0 || fds[1].fd >= 0) {
		poll(fds, 2, alive ? 20 : -1);
		for (i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents && !relay(fds[i].fd, ports[i]))
				fds[i].fd = -1;
		alive = alive && reap(pid, &status);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return status;
}

static int run(const char *spec, char **argv, char **env, const int *ports)
{
	struct pollfd fds[2];
	int out[2], err[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("make", "pipe");
	pid = fork();
	if (pid < 0)
		fail("fork", argv[0]);
	if (!pid)
		child(out[1], err[1], spec, argv, env);
	close(out[1]);
	close(err[1]);
	fds[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = err[0], .events = POLLIN };
	return supervise(pid, fds, ports);
}

/* "ROWS COLUMNS", of which the last counts; where none is known a terminal of old. */
static void set_size(int terminal, const char *text)
{
	struct winsize size = { 0 };
	const char *line = text;

	while (line && sscanf(line, "%hu %hu", &size.ws_row, &size.ws_col) == 2) {
		line = strchr(line, '\n');
		line = line && line[1] ? line + 1 : NULL;
	}
	if (!size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	ioctl(terminal, TIOCSWINSZ, &size);
}

static void new_size(int port, int terminal)
{
	char text[256];
	ssize_t n = read(port, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	set_size(terminal, text);
}

/* Keys that the terminal has no room for yet. */
struct keys {
	char buf[4096];
	ssize_t have, done;
};

static void type_keys(struct keys *k, int terminal)
{
	ssize_t n = write(terminal, k->buf + k->done, k->have - k->done);

	if (n > 0)
		k->done += n;
	else if (errno != EINTR && errno != EAGAIN)
		k->done = k->have;
}

/*
 * The same for a command with a terminal.  A port whose host side is not there says POLLHUP, and
 * may come back.
 */
static int attend(pid_t pid, int terminal, int port, int sizes)
{
	struct pollfd fds[3] = { { .fd = terminal }, { .fd = port }, { .fd = sizes, .events = POLLIN } };
	struct keys keys = { 0 };
	int status = 0, alive = 1, open = 1;

	while (alive || open) {
		fds[0].fd = open ? terminal : -1;
		fds[0].events = POLLIN | (keys.done < keys.have ? POLLOUT : 0);
		fds[1].events = keys.done < keys.have ? 0 : POLLIN;
		poll(fds, 3, 20);
		if ((fds[1].revents | fds[2].revents) & POLLHUP)
			usleep(5000);
		if (fds[2].revents & POLLIN)
			new_size(sizes, terminal);
		if (fds[1].revents & POLLIN) {
			keys.done = 0;
			keys.have = read(port, keys.buf, sizeof(keys.buf));
		}
		if (open && fds[0].revents & POLLOUT)
			type_keys(&keys, terminal);
		if (open && fds[0].revents & (POLLIN | POLLHUP))
			open = relay(terminal, port);
		alive = alive && reap(pid, &status);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return status;
}

static int run_on_terminal(const char *size, char **argv, char **env)
{
	int port = open_port("pmn.tty", O_RDWR), sizes = open_port("pmn.size", O_RDONLY);
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), end;
	pid_t pid;

	if (terminal < 0 || unlockpt(terminal))
		fail("open", "/dev/ptmx");
	end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (end < 0)
		fail("open", "terminal");
	set_size(terminal, size);
	pid = fork();
	if (pid < 0)
		fail("fork", argv[0]);
	if (!pid) {
		setsid();
		ioctl(end, TIOCSCTTY, 0);
		dup2(end, 0);
		dup2(end, 1);
		dup2(end, 2);
		execute(argv, env);
	}
	close(end);
	return attend(pid, terminal, port, sizes);
}

/* Two scans: the first takes checksums, the second reports what is lost, old enough, and did not change. */
static void check_leaks(int port)
{
	static const char file[] = "/sys/kernel/debug/kmemleak";
	time_t start = time(NULL);
	char *text;

	if (access(file, W_OK))
		return;
	spew(file, "scan\n");
	while (time(NULL) < start + LEAK_AGE_S)
		usleep(100000);
	spew(file, "scan\n");
	text = slurp(file, NULL);
	if (!text || !*text)
		return;
	report("leak\n");
	dprintf(port, "vm: kmemleak:\n%s", text);
}

static const char *coverage_to;

static int copy_counters(const char *from, const struct stat *st, int type, struct FTW *at)
{
	size_t len = strlen(from);
	char to[1024], *text, *name;
	int fd;

	(void)st;
	(void)at;
	if (type != FTW_F || len < 5 || strcmp(from + len - 5, ".gcda"))
		return 0;
	text = slurp(from, &len);
	snprintf(to, sizeof(to), "%s%s", coverage_to, from + sizeof(GCOV) - 1);
	name = strrchr(to, '/');
	*name = '\0';
	make_path(to);
	*name = '/';
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (!text || fd < 0 || write(fd, text, len) != (ssize_t)len)
		fprintf(stderr, "init: %s: %s\n", to, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(text);
	return 0;
}

/* What a kernel with GCOV_KERNEL counted, of modules that are gone as well; a file "complete" is the last. */
static void save_counters(const char *dir)
{
	char path[1024];
	int fd;

	if (!dir)
		return;
	coverage_to = dir;
	if (nftw(GCOV, copy_counters, 16, FTW_PHYS))
		fprintf(stderr, "init: %s: %s\n", GCOV, strerror(errno));
	snprintf(path, sizeof(path), "%s/complete", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
	else
		close(fd);
}

int main(void)
{
	char **argv, **env, *spec;
	const char *shell;
	int ports[2], status;

	mount_at("devtmpfs", "/dev", NULL);
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	spec = option("pmn.spec");
	status_fd = open_port("pmn.status", O_WRONLY);
	ports[0] = open_port("pmn.stdout", O_WRONLY);
	ports[1] = open_port("pmn.stderr", O_WRONLY);
	if (!spec)
		fail("read", "pmn.spec=");
	enter_host_root();
	argv = vector(spec, "argv");
	env = vector(spec, "env");
	set_up(env);
	report("up\n");
	shell = value(env, "PMN_SHELL");
	status = shell ? run_on_terminal(shell, argv, env) : run(spec, argv, env, ports);
	if (!value(env, "PMN_NO_LEAK_CHECK"))
		check_leaks(ports[1]);
	save_counters(value(env, "PMN_GCOV"));
	report("exit %d\n", status);
	close(ports[0]);
	close(ports[1]);
	power_off();
}
