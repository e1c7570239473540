import RetinaNetModel
import Synchronization

/// The looks that one frame takes, where there are several (tiles): any worker that has nothing else to do takes the
/// next, and who finishes the last has the result.
///
/// Looks are given out in their order, so that of several that fail the first is always among those that were made:
/// what is recorded does not depend on who was faster.
final class SharedLooks: Sendable {
  private struct State: Sendable {
    var given = 0
    var finished = 0
    /// What was found, by look; of looks that found nothing, nothing is kept.
    var found: [Int: [Detection]] = [:]
    var failure: (look: Int, error: any Error)?
  }

  private let count: Int
  private let state = Mutex(State())

  /// - Parameter count: looks, at least 1.
  init(count: Int) {
    precondition(count >= 1, "a frame of \(count) looks")
    self.count = count
  }

  /// The next look to be made; nil where all were given out, or one has failed.
  func next() -> Int? {
    state.withLock { state in
      guard state.given < count, state.failure == nil else { return nil }
      defer { state.given += 1 }
      return state.given
    }
  }

  /// A look is made.
  ///
  /// - Returns: once, when none is left to be made: what was found in their order, or the first failure.
  func finish(
    _ look: Int, _ result: Result<[Detection], any Error>
  ) -> Result<[[Detection]], any Error>? {
    state.withLock { state in
      state.finished += 1
      switch result {
      case .success(let found): if !found.isEmpty { state.found[look] = found }
      case .failure(let error):
        if look < state.failure?.look ?? count { state.failure = (look, error) }
      }
      let isOver = state.given == count || state.failure != nil
      guard isOver, state.finished == state.given else { return nil }
      if let failure = state.failure { return .failure(failure.error) }
      return .success(state.found.sorted { $0.key < $1.key }.map(\.value))
    }
  }
}
