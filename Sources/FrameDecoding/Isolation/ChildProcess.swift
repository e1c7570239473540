import CLinux
import Glibc
import Synchronization
import SystemPackage

/// A process that this one started, until it has been waited for.
final class ChildProcess: Sendable {
  private let id: pid_t
  /// As waitpid gives it; nil before.
  private let status = Mutex<Int32?>(nil)

  /// Starts a program that has two descriptors, 3 and 4, and no others of this process's but the null device.
  ///
  /// - Throws: why it cannot be started.
  init(
    _ program: FilePath, _ arguments: [String], environment: [String], socket: FileDescriptor,
    memory: FileDescriptor
  ) throws(Errno) {
    var id: pid_t = -1
    let status = Self.withCStrings([program.string] + arguments) { arguments in
      Self.withCStrings(environment) { environment in
        program.withPlatformString {
          clinux_spawn($0, arguments, environment, socket.rawValue, memory.rawValue, &id)
        }
      }
    }
    guard status == 0 else { throw Errno(rawValue: -status) }
    self.id = id
  }

  /// Takes over a copy of this process.
  init(_ id: pid_t) { self.id = id }

  deinit { end() }

  /// Processor time that it has used; nil once it is gone.
  var processorTime: Duration? {
    let nanoseconds = clinux_processor_time(id)
    return nanoseconds < 0 ? nil : .nanoseconds(nanoseconds)
  }

  /// Gives it this thread's place among processes that want a processor (nice(1)).
  func giveWay() {
    let process = __priority_which_t(PRIO_PROCESS.rawValue)
    let nice = getpriority(process, 0)
    if nice > 0 { setpriority(process, id_t(id), nice) }
  }

  /// Kills it if it is alive, and waits for it.
  func end() {
    guard statusIfDead() == nil else { return }
    kill(id, SIGKILL)
    // One that hangs in a file system dies when that lets it: nobody waits here.
    _ = waitUntilDead(milliseconds: 1000)
  }

  /// How it died by itself, in words that follow "the decoder"; nil if it has not within so many milliseconds.
  func death(within milliseconds: Int) -> String? {
    waitUntilDead(milliseconds: milliseconds).map(Self.words)
  }

  /// Whether it has died.
  var isDead: Bool { statusIfDead() != nil }

  private func waitUntilDead(milliseconds: Int) -> Int32? {
    let limit = ContinuousClock.now + .milliseconds(milliseconds)
    while true {
      if let status = statusIfDead() { return status }
      if ContinuousClock.now > limit { return nil }
      usleep(500)
    }
  }

  private func statusIfDead() -> Int32? {
    status.withLock { status in
      if status == nil {
        var found: Int32 = 0
        let answer = waitpid(id, &found, WNOHANG)
        if answer == id { status = found }
        // Somebody else has waited for it.
        if answer == -1 && errno == ECHILD { status = Self.unknown }
      }
      return status
    }
  }

  /// No status that waitpid gives.
  private static let unknown: Int32 = -1

  private static func words(_ status: Int32) -> String {
    if status == unknown { return "is gone, and nobody knows how" }
    let signal = status & 0x7f
    guard signal != 0 else { return "ended with status \(status >> 8 & 0xff)" }
    switch signal {
    case SIGSYS: return "made a system call that it may not make (SIGSYS)"
    case SIGKILL: return "was killed (SIGKILL), as where memory runs out"
    default: return "died of \(signalNames[signal] ?? "signal \(signal)")"
    }
  }

  private static let signalNames = [
    SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGSEGV: "SIGSEGV",
    SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
  ]

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      // The array ends with nil, so it is not empty.
      guard let start = buffer.baseAddress else { preconditionFailure("no strings") }
      return body(start)
    }
  }
}
