#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int result(int status) { return status < 0 ? -errno : status; }

int clinux_memory_file(const char *name, size_t bytes) {
  int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return -errno;
  if (ftruncate(file, (off_t)bytes) < 0 ||
      fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    int error = errno;
    close(file);
    return -error;
  }
  return file;
}

int clinux_punch_hole(int file, size_t offset, size_t bytes) {
  return result(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes));
}

int clinux_message_sockets(int sockets[2]) {
  return result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
}

ssize_t clinux_send(int socket, const void *bytes, size_t count, int descriptor, bool waits) {
  struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptor) {
  struct iovec piece = {.iov_base = bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &piece,
      .msg_iovlen = 1,
      .msg_control = control.space,
      .msg_controllen = sizeof control.space,
  };
  *descriptor = -1;
  ssize_t received;
  do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    // There is room for one; the kernel closes those that it has no room for. (Alignment leaves room for a second.)
    size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t number = 0; number < descriptors; number++) {
      int received_descriptor;
      memcpy(&received_descriptor, CMSG_DATA(header) + number * sizeof(int), sizeof(int));
      if (descriptors == 1) *descriptor = received_descriptor;
      else close(received_descriptor);
    }
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
    return -EMSGSIZE;
  }
  return received;
}

int clinux_spawn(
    const char *path, char *const arguments[], char *const environment[], int socket, int memory, pid_t *process) {
  // Out of the way of the numbers that they get.
  int high_socket = fcntl(socket, F_DUPFD_CLOEXEC, 16), high_memory = fcntl(memory, F_DUPFD_CLOEXEC, 16);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int stream = 0; stream < 3; stream++)
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", stream == 0 ? O_RDONLY : O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, high_socket, 3);
  posix_spawn_file_actions_adddup2(&actions, high_memory, 4);
  posix_spawn_file_actions_addclosefrom_np(&actions, 5);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int error = high_socket < 0 || high_memory < 0
                  ? EMFILE
                  : posix_spawn(process, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (high_socket >= 0) close(high_socket);
  if (high_memory >= 0) close(high_memory);
  return -error;
}

pid_t clinux_copy_process(int socket, int memory) {
  pid_t process = fork();
  if (process != 0) return process < 0 ? -errno : process;
  // A crash is a plain death: Swift's own report of it is made by another program.
  const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP};
  for (size_t number = 0; number < sizeof crashes / sizeof crashes[0]; number++) signal(crashes[number], SIG_DFL);
  // Out of the way of the numbers that they get.
  int high_socket = fcntl(socket, F_DUPFD, 16), high_memory = fcntl(memory, F_DUPFD, 16);
  int nothing = open("/dev/null", O_RDWR);
  if (high_socket < 0 || high_memory < 0 || nothing < 0) _exit(1);
  for (int stream = 0; stream < 3; stream++) dup2(nothing, stream);
  dup2(high_socket, 3);
  dup2(high_memory, 4);
  closefrom(5);
  return 0;
}

int64_t clinux_processor_time(pid_t process) {
  clockid_t clock;
  struct timespec time;
  int error = clock_getcpuclockid(process, &clock);
  if (error) return -error;
  if (clock_gettime(clock, &time) < 0) return -errno;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int clinux_die_with(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -errno;
  // It may have died before.
  return getppid() == parent ? 0 : -ESRCH;
}

int clinux_refuse_inspection(void) { return result(prctl(PR_SET_DUMPABLE, 0)); }

// Unlike close_range(2) also where the kernel has none (before 5.9), or a container's filter refuses it.
void clinux_close_from(int descriptor) { closefrom(descriptor); }

int clinux_no_new_privileges(void) { return result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

// Landlock's calls have the same numbers everywhere. Older headers lack the newer fields, and the kernel takes as many as it
// is told.
enum { landlock_create_ruleset = 444, landlock_add_rule = 445, landlock_restrict_self = 446 };

int clinux_landlock_version(void) {
  long version = syscall(landlock_create_ruleset, NULL, 0, 1);
  return version < 0 ? 0 : (int)version;
}

int clinux_landlock_ruleset(uint64_t paths, uint64_t network, uint64_t scopes) {
  uint64_t handled[3] = {paths, network, scopes};
  size_t fields = scopes ? 3 : network ? 2 : 1;
  return result((int)syscall(landlock_create_ruleset, handled, fields * sizeof handled[0], 0));
}

int clinux_landlock_allow(int ruleset, const char *path, uint64_t access) {
  struct {
    uint64_t access;
    int32_t parent;
  } __attribute__((packed)) rule = {access, open(path, O_PATH | O_CLOEXEC)};
  if (rule.parent < 0) return -errno;
  // Of what is no directory, its own rights only: to execute, write, read, truncate it, and to command a device.
  struct stat found;
  if (fstat(rule.parent, &found) == 0 && !S_ISDIR(found.st_mode)) rule.access &= 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15;
  int status = result((int)syscall(landlock_add_rule, ruleset, 1, &rule, 0));
  close(rule.parent);
  return status;
}

int clinux_landlock_enforce(int ruleset) {
  int status = result((int)syscall(landlock_restrict_self, ruleset, 0));
  close(ruleset);
  return status;
}

#ifdef DEBUG
long clinux_call(long number, long first, long second, long third, long fourth) {
  long status = syscall(number, first, second, third, fourth, 0);
  return status < 0 ? -errno : status;
}

ssize_t clinux_read_memory(pid_t process, const struct iovec *mine, const struct iovec *theirs) {
  ssize_t count = process_vm_readv(process, mine, 1, theirs, 1, 0);
  return count < 0 ? -errno : count;
}
#endif
