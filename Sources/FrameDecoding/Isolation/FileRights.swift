import CLinux
import Glibc
import SystemPackage

/// What a process still has to do with files, once it knows all of them.
public struct FileRights: Equatable, Sendable {
  /// Files that are read, and directories in which they lie, however deep.
  public var readable: Set<FilePath>
  /// Directories in which files are made, replaced and removed, however deep.
  public var writable: Set<FilePath>

  /// Rights from their parts.
  public init(readable: Set<FilePath> = [], writable: Set<FilePath> = []) {
    self.readable = readable
    self.writable = writable
  }
}

/// Runs something on a thread that was there before, and says what that said.
public typealias ThreadOfProgram = @Sendable (_ body: @escaping @Sendable () -> Bool) -> Bool

extension MediaDecoders {
  /// Gives up, for good, what this thread, those that it starts, the one that starts processes and the earlier one that
  /// was named may do beyond these rights: to open other files, and to speak TCP. Nothing is done where inputs are decoded
  /// in this process. What the kernel cannot refuse is noted (`Note.lackingHere`).
  ///
  /// Other threads that are there already keep their rights. What is open stays open.
  public func keepOnly(_ rights: FileRights) {
    guard isIsolating else { return }
    let lacking = Landlock.keepOnly(rights, also: [ChildStarter.shared.run] + earlierThreads)
    if !lacking.isEmpty { tell(.lackingHere(lacking)) }
  }
}

extension Landlock {
  /// What every process of this program goes on reading: itself, with all libraries that are not loaded yet, the time
  /// zone, and what the kernel tells of processes and the machine.
  private static let system: [FilePath] = [
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/sys",
  ]

  static func keepOnly(_ rights: FileRights, also threads: [ThreadOfProgram]) -> [String] {
    let version = clinux_landlock_version()
    guard version >= 2 else {
      return [
        "other files than inputs and outputs are not refused (Landlock \(version) of 2)"
      ]
    }
    var handled = Rights(version: version)
    // Its children, which are outside its rules, are its own to end.
    handled.scopes = 0
    let rules = clinux_landlock_ruleset(handled.paths, handled.network, handled.scopes)
    guard rules >= 0 else { return ["other files are not refused (Landlock)"] }
    func allow(_ path: FilePath, _ access: UInt64) {
      // What is not there cannot be opened either.
      _ = path.withPlatformString { clinux_landlock_allow(rules, $0, access & handled.paths) }
    }
    for path in system + ownLibraries { allow(path, Rights.read | Rights.execute) }
    // A child limits itself and says that it shall die first; what is another's here only ptrace(2) would let it see,
    // which Landlock refuses.
    allow("/proc", Rights.read | Rights.execute | Rights.write)
    allow("/dev/null", Rights.read | Rights.write)
    for path in rights.readable { allow(path, Rights.read) }
    for path in rights.writable { allow(path, ~Rights.execute) }
    // Each thread's own; a set is given up with its use.
    let areHeld = threads.map { run in
      let again = dup(rules)
      return run { clinux_no_new_privileges() == 0 && clinux_landlock_enforce(again) == 0 }
    }
    let isHeld = clinux_no_new_privileges() == 0 && clinux_landlock_enforce(rules) == 0
    guard isHeld, areHeld.allSatisfy({ $0 }) else {
      return ["other files are not refused (Landlock)"]
    }
    return version < 4 ? ["TCP is not refused (Landlock \(version) of 4)"] : []
  }

  /// The directories of what is mapped into this process: its program and its libraries, wherever they are installed.
  private static var ownLibraries: [FilePath] {
    guard let file = try? FileDescriptor.open("/proc/self/maps", .readOnly, options: .closeOnExec)
    else { return [] }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while let count = try? piece.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
      bytes += piece[..<count]
    }
    // Nothing was written through it.
    try? file.close()
    // A file has a line for each of its segments.
    let files = Set(
      bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
        line.firstIndex(of: UInt8(ascii: "/")).map { String(decoding: line[$0...], as: UTF8.self) }
      })
    // Of a directory that holds more than libraries only the file: a program that lies in / (memory files, which are called
    // as if they did, are not there).
    let places = files.map { name -> FilePath in
      let directory = FilePath(name).removingLastComponent()
      return directory == "/" ? FilePath(name) : directory
    }
    // Of devices.
    return Set(places).filter { !["/dev", "/dev/shm"].contains($0) }
  }
}
