// Calls of Linux that Swift cannot make: variadic ones, macros, and what glibc hides or lacks. Each answers with minus errno
// where it fails.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// A file of so many bytes that lies in memory only and can neither shrink nor grow; pages are taken as they are written.
int clinux_memory_file(const char *name, size_t bytes);
// Gives pages back; they read as zeros.
int clinux_punch_hole(int file, size_t offset, size_t bytes);

// Two connected sockets that keep messages apart.
int clinux_message_sockets(int sockets[2]);
// Sends one message, and a descriptor unless it is negative; -EAGAIN where there is no room and nobody waits.
ssize_t clinux_send(int socket, const void *bytes, size_t count, int descriptor, bool waits);
// Waits for one message: its length, 0 where nobody will send any more. One that is longer than the buffer is -EMSGSIZE.
// `descriptor` is what came along, or -1; more than one are closed.
ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptor);

// Starts a program that has the null device as its standard streams, `socket` as 3, `memory` as 4, and nothing else.
int clinux_spawn(
    const char *path, char *const arguments[], char *const environment[], int socket, int memory, pid_t *process);
// A copy of this process, which must have one thread, with the same descriptors as above; 0 in the copy.
pid_t clinux_copy_process(int socket, int memory);
// Nanoseconds of processor time of a process of one's own.
int64_t clinux_processor_time(pid_t process);

// The kernel kills this process when `parent`, its parent, dies.
int clinux_die_with(pid_t parent);
// Neither its memory nor its descriptors can be looked into by others of its user, and no core is written.
int clinux_refuse_inspection(void);
// All descriptors from this one on.
void clinux_close_from(int descriptor);

// 0 where the kernel has no Landlock.
int clinux_landlock_version(void);
// A set of rules that forbids what it is told to handle. The numbers are those of linux/landlock.h.
int clinux_landlock_ruleset(uint64_t paths, uint64_t network, uint64_t scopes);
// Allows something below a directory, or with a file.
int clinux_landlock_allow(int ruleset, const char *path, uint64_t access);
// Holds this thread, and what it starts from now on, to the rules; nothing takes them back. Closes the set.
int clinux_landlock_enforce(int ruleset);
// A program that this process becomes gets no more rights than it has. Needed for the two above.
int clinux_no_new_privileges(void);

// Any system call. In debug builds only: tests try what is forbidden.
long clinux_call(long number, long first, long second, long third, long fourth);
// Reads memory of another process (process_vm_readv(2)), of one piece into one. In debug builds only.
ssize_t clinux_read_memory(pid_t process, const struct iovec *mine, const struct iovec *theirs);
