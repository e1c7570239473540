/// A switch that is thrown once and tells everybody who asks, and everybody who registered, to stop.
public final class CancellationToken: Sendable {
  private struct State: Sendable {
    var isCancelled = false
    var nextIdentifier = 0
    var actions: [Int: @Sendable () -> Void] = [:]
  }

  private let monitor = Monitor(State())

  /// Makes a token that is not cancelled.
  public init() {}

  /// Whether the switch has been thrown.
  public var isCancelled: Bool { monitor.read(\.isCancelled) }

  /// Throws the switch and runs the registered actions on this thread, in the order of their registration. A second
  /// call does nothing. It takes a lock: not for a signal handler.
  public func cancel() {
    let actions = monitor.withLock { state in
      state.isCancelled = true
      defer { state.actions = [:] }
      return state.actions
    }
    for (_, action) in actions.sorted(by: { $0.key < $1.key }) { action() }
  }

  /// Runs an action when the token is cancelled: at once, on this thread, if it is already.
  ///
  /// - Returns: What takes the action back; forgetting it leaves the action registered.
  @discardableResult
  public func onCancel(_ action: @escaping @Sendable () -> Void) -> Registration {
    let identifier = monitor.withLock { state -> Int? in
      if state.isCancelled { return nil }
      defer { state.nextIdentifier += 1 }
      state.actions[state.nextIdentifier] = action
      return state.nextIdentifier
    }
    if identifier == nil { action() }
    return Registration(token: self, identifier: identifier)
  }

  /// Blocks for `duration` or until the token is cancelled.
  ///
  /// - Returns: Whether the token is cancelled.
  public func wait(for duration: Duration) -> Bool {
    monitor.wait(atMost: duration) { $0.isCancelled ? true : nil } ?? false
  }

  /// One registered action.
  public struct Registration: Sendable {
    fileprivate let token: CancellationToken
    fileprivate let identifier: Int?

    /// Takes the action back. One that is running now runs on.
    public func remove() {
      guard let identifier else { return }
      token.monitor.withLock { _ = $0.actions.removeValue(forKey: identifier) }
    }
  }
}
