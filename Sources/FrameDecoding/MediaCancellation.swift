import Synchronization

/// Stops readers from any thread: opening, or `nextFrame()`, then throws an access failure before its next read.
public final class MediaCancellation: Sendable {
  private let flag = Atomic(false)

  /// Creates a token that has not been used.
  public init() {}

  /// Stops every reader that was given this token, for good.
  public func cancel() { flag.store(true, ordering: .relaxed) }

  /// Whether `cancel()` was called.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
