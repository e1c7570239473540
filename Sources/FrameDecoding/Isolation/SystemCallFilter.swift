import CSeccomp
import Glibc

/// What a decoder process may ask of the kernel (seccomp(2)).
///
/// What is not named here fails with EPERM: a library that looks for a file or a feature goes on without it, as where
/// there is none. What no decoder does by mistake ends the process.
enum SystemCallFilter {
  /// Reading the input and the time, memory, threads within the process, and talking to the parent.
  private static let allowed = [
    // What is open: the input, the socket, the null device.
    "read", "readv", "pread64", "preadv", "lseek", "_llseek", "write", "writev", "close", "recvmsg",
    "sendmsg", "poll", "ppoll",
    // Memory, but for code: see below.
    "brk", "munmap", "mremap", "madvise",
    // Threads: some decoders (AV1, JPEG XL) start their own.
    "futex", "futex_time64", "rseq", "set_robust_list", "sched_yield", "sched_getaffinity", "exit",
    "exit_group",
    "membarrier", "get_robust_list",
    // The time, and itself.
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "nanosleep",
    "gettimeofday", "time",
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrandom",
    "getrusage", "getrlimit",
    "ugetrlimit", "uname", "sysinfo", "getcpu",
    // Signals of its own: how `abort` ends it, and what sanitizers wait for.
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
  ]

  /// Other processes, other programs, the network, and what the kernel is changed with.
  private static let deadly = [
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "kill", "tkill",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd",
    "kcmp",
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmmsg",
    "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "open_tree", "move_mount",
    "fsopen", "fsmount",
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff",
    "keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at", "setuid",
    "setgid", "setresuid",
    "setresgid", "setgroups", "capset", "personality", "seccomp", "iopl", "ioperm", "quotactl",
    "acct",
  ]

  private static let cloneThread: UInt64 = 0x10000
  private static let setName: UInt64 = 15

  /// Holds this process to it. Nothing takes it back.
  ///
  /// - Returns: false where the kernel has no such filters.
  static func begin() -> Bool {
    guard let filter = seccomp_init(cseccomp_refuse(UInt16(EPERM))) else { return false }
    defer { seccomp_release(filter) }
    let (allow, kill) = (cseccomp_allow, cseccomp_kill)
    // All threads there are, and a plain death for what is of another architecture.
    var isDone = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0
    func rule(_ action: UInt32, _ call: String, _ conditions: [scmp_arg_cmp] = []) {
      let number = call.withCString { seccomp_syscall_resolve_name($0) }
      // Not every architecture has every call.
      guard number != cseccomp_unknown_call else { return }
      let status = seccomp_rule_add_array(
        filter, action, number, UInt32(conditions.count), conditions)
      if status != 0 && number >= 0 { isDone = false }
    }
    for call in allowed { rule(allow, call) }
    for call in deadly { rule(kill, call) }
    // Memory is for data: no program is written at run time.
    for call in ["mmap", "mmap2", "mprotect"] {
      rule(allow, call, [condition(2, SCMP_CMP_MASKED_EQ, UInt64(PROT_EXEC), 0)])
    }
    // A thread of this process is no new process. The newer call cannot be looked into: glibc then takes this one.
    rule(allow, "clone", [condition(0, SCMP_CMP_MASKED_EQ, cloneThread, cloneThread)])
    rule(kill, "clone", [condition(0, SCMP_CMP_MASKED_EQ, cloneThread, 0)])
    rule(cseccomp_refuse(UInt16(ENOSYS)), "clone3")
    // It may end itself by a signal.
    rule(allow, "tgkill", [condition(0, SCMP_CMP_EQ, UInt64(getpid()), 0)])
    rule(allow, "prctl", [condition(0, SCMP_CMP_EQ, setName, 0)])
    return isDone && seccomp_load(filter) == 0
  }

  private static func condition(
    _ argument: UInt32, _ comparison: scmp_compare, _ first: UInt64, _ second: UInt64
  ) -> scmp_arg_cmp {
    scmp_arg_cmp(arg: argument, op: comparison, datum_a: first, datum_b: second)
  }
}
