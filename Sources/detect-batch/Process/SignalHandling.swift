import Foundation
import Synchronization
import Workers

/// SIGINT and SIGTERM of this process: the first asks for an orderly end, the second ends the process at once. Signals
/// are blocked in every thread but one that waits for them, so that no thread is interrupted in its work.
enum SignalHandling {
  private struct State {
    var stop: (@Sendable () -> Bool)?
    var requests: [@Sendable () -> Void] = []
    var received: ExitStatus?
  }

  private static let state = Mutex(State())
  /// Has the thread look for requests. Nobody else in this process uses it, and to others' it does nothing.
  private static let wake = SIGURG

  /// What the process is to exit with for the signal that asked it to end; nil before there was one.
  static var received: ExitStatus? { state.withLock { $0.received } }

  /// Starts to wait, before there are other threads. Until `onFirst` is called, one signal ends the process, which has
  /// begun nothing then that it would have to end.
  static func begin() {
    var awaited = sigset_t()
    sigemptyset(&awaited)
    // What was ignored from the start (nohup, a shell's background jobs) stays ignored.
    for signal in [SIGINT, SIGTERM] where !Self.isIgnored(signal) { sigaddset(&awaited, signal) }
    sigaddset(&awaited, wake)
    pthread_sigmask(SIG_BLOCK, &awaited, nil)
    let signals = awaited
    let thread = Thread {
      while true {
        var signals = signals
        var signal: Int32 = 0
        guard sigwait(&signals, &signal) == 0 else { return }
        if signal == wake {
          for request in takeRequests() { request() }
          continue
        }
        handle(signal == SIGINT ? .interrupted : .terminated)
      }
    }
    thread.name = "signals"
    thread.start()
  }

  /// Runs something on the thread that waits for signals, which was there before all others, and gives its answer.
  static func run(_ body: @escaping @Sendable () -> Bool) -> Bool {
    let answer = Monitor<Bool?>(nil)
    state.withLock {
      $0.requests.append {
        let value = body()
        answer.withLock { $0 = value }
      }
    }
    kill(getpid(), wake)
    return answer.wait { $0 }
  }

  private static func takeRequests() -> [@Sendable () -> Void] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  /// Says what to do on the first signal.
  ///
  /// - Parameter stop: called once, from another thread; says whether there is an orderly end to wait for. If not, the
  ///   process ends at once.
  static func onFirst(_ stop: @escaping @Sendable () -> Bool) {
    state.withLock { $0.stop = stop }
  }

  /// Writes a file: a signal meanwhile waits until it has its name, and nothing is left beside it.
  static func finishing<Result>(_ write: () throws -> Result) rethrows -> Result {
    onFirst { true }
    defer { onFirst { false } }
    return try write()
  }

  private static func handle(_ status: ExitStatus) {
    let stop = state.withLock { state in
      defer { state.stop = nil }
      state.received = state.received ?? status
      return state.stop
    }
    // Nothing is said here: standard error may be what the process is stuck in.
    if stop?() != true { _exit(status.rawValue) }
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    // Function pointers cannot be compared; SIG_IGN is the address 1.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
