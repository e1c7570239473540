import CLinux
import Glibc
import SystemPackage

/// Takes from this process what a decoder does not need, for good: after that it can read and write what is open, take
/// memory and end. Each measure holds without the others, so that one that the kernel lacks is a hole and no failure.
enum Confinement {
  /// Memory beyond what is mapped now. A picture of 2^28 pixels of 16 bits takes some 6 GiB on its way.
  private static let memoryBytes: UInt = 8 << 30
  /// Descriptors: three standard streams, the socket, an input, and one on its way.
  private static let descriptors: UInt = 16

  /// Confines this process, which must have one thread.
  ///
  /// - Returns: what the kernel does not offer, in words.
  static func begin() -> [String] {
    #if DEBUG
      if DecoderFault.isUnconfined { return [] }
    #endif
    _ = chdir("/")
    preferForDeath()
    var lacking: [String] = []
    func attempt(_ what: String, _ isDone: Bool) { if !isDone { lacking.append(what) } }
    attempt("inspection is not refused", clinux_refuse_inspection() == 0)
    attempt("memory is not limited", limitMemory())
    attempt("files are not limited", limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, descriptors))
    attempt("core dumps are not refused", limit(RLIMIT_CORE, 0))
    attempt("new privileges are not refused", clinux_no_new_privileges() == 0)
    lacking += Landlock.forbidEverything()
    #if DEBUG
      if DecoderFault.isUnfiltered { return lacking }
    #endif
    attempt("system calls are not filtered (seccomp)", SystemCallFilter.begin())
    return lacking
  }

  /// Where memory runs out, the kernel takes this process and not its parent.
  private static func preferForDeath() {
    let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = write(file, "500", 3)
    close(file)
  }

  private static func limitMemory() -> Bool {
    // Its first number is the size of the address space in pages.
    var text = [UInt8](repeating: 0, count: 64)
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    guard read(file, &text, text.count) > 0,
      let pages = UInt(String(decoding: text.prefix { $0 != 0x20 }, as: UTF8.self))
    else { return false }
    let (bytes, isAbsurd) = pages.multipliedReportingOverflow(
      by: UInt(sysconf(Int32(_SC_PAGESIZE))))
    return !isAbsurd && limit(RLIMIT_AS, bytes + memoryBytes)
  }

  /// Lowers a limit; one that is lower already stays.
  private static func limit(_ resource: __rlimit_resource, _ value: UInt) -> Bool {
    // glibc declares them as an enumeration and takes them as numbers.
    let number = __rlimit_resource_t(resource.rawValue)
    var now = rlimit()
    guard getrlimit(number, &now) == 0 else { return false }
    var wanted = rlimit(rlim_cur: min(value, now.rlim_max), rlim_max: min(value, now.rlim_max))
    return setrlimit(number, &wanted) == 0
  }
}
