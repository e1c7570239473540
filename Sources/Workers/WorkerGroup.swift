import Glibc

/// Named threads that are waited for together; the first error among them is kept.
public final class WorkerGroup: Sendable {
  private struct State: Sendable {
    var threads: [pthread_t] = []
    var firstError: (any Error)?
  }

  private let monitor = Monitor(State())
  private let stackSize: Int
  private let onFailure: @Sendable (any Error) -> Void

  /// Makes a group without threads.
  ///
  /// - Parameters:
  ///   - stackSize: Bytes of address space for each thread's stack, of which only what is used costs memory. The
  ///     default is that of a main thread, which decoders are written for.
  ///   - onFailure: Told once, on the failing thread, of the first error: the place to cancel queues.
  public init(
    stackSize: Int = 8 << 20, onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
  ) {
    self.stackSize = stackSize
    self.onFailure = onFailure
  }

  deinit {
    // Nobody joined these; they have ended, for each held the group until then.
    for thread in monitor.read(\.threads) { pthread_detach(thread) }
  }

  /// Starts a thread. Where the system has none left, the group fails as if `body` had thrown.
  ///
  /// - Parameters:
  ///   - name: What `top -H` and a debugger show; at most 15 bytes, the kernel's limit.
  ///   - body: Runs on the thread; an error it throws fails the group, the other threads run on.
  public func start(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
    precondition(name.utf8.count < 16, "the thread name '\(name)' has more than 15 bytes")
    let work = ThreadWork(name: name) {
      do { try body() } catch { self.fail(error) }
    }
    switch work.start(stackSize: stackSize) {
    case .success(let thread): monitor.withLock { $0.threads.append(thread) }
    case .failure(let error): fail(error)
    }
  }

  /// Waits until all threads have ended, those too that others start meanwhile.
  ///
  /// - Throws: The first error that a thread threw.
  public func join() throws {
    while let thread = monitor.withLock({ $0.threads.popLast() }) { pthread_join(thread, nil) }
    if let error = monitor.read(\.firstError) { throw error }
  }

  private func fail(_ error: any Error) {
    let isFirst = monitor.withLock { state in
      if state.firstError != nil { return false }
      state.firstError = error
      return true
    }
    if isFirst { onFailure(error) }
  }
}

/// A thread could not be started.
public struct ThreadStartError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The thread's name.
  public let name: String
  /// The system's error number.
  public let code: Int32

  /// One line: what failed and why.
  public var description: String {
    "cannot start the thread '\(name)': \(String(cString: strerror(code)))"
  }
}

/// What a new thread is handed.
private final class ThreadWork: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }

  /// Names the calling thread. (glibc's call for it is hidden from Swift; this is what it does for other threads.)
  private func nameThread() {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = name.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
  }

  func start(stackSize: Int) -> Result<pthread_t, ThreadStartError> {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    let sizeResult = pthread_attr_setstacksize(&attributes, stackSize)
    precondition(sizeResult == 0, "a stack of \(stackSize) bytes")

    var thread = pthread_t()
    // The thread owns one reference; it is taken back here when there is no thread.
    let context = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { preconditionFailure("a thread without its work") }
        let work = Unmanaged<ThreadWork>.fromOpaque(context).takeRetainedValue()
        work.nameThread()
        work.body()
        return nil
      }, context.toOpaque())
    if code == 0 { return .success(thread) }
    context.release()
    return .failure(ThreadStartError(name: name, code: code))
  }
}
