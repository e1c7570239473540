import FrameDecoding
import Workers

/// A decoded frame on its way to a worker.
struct QueuedFrame: Sendable {
  /// The input it comes from.
  let job: InputJob
  /// Its place among the input's records of this run, from 0.
  let sequence: Int
  let frame: DecodedFrame

  var byteCount: Int { frame.picture.pixels.count }
}

/// What bounds the memory of a run, and the number of inputs that are open, whatever the length and the size of its inputs.
struct FrameBounds: Equatable, Sendable {
  /// Frames that wait for a worker.
  var waitingFrames: Int
  /// Bytes of frames that wait or are being looked at. A frame that is larger goes alone.
  var bytes: Int
  /// Records that are on their way, from the decoder's hand until they are written.
  var unwrittenRecords: Int
  /// Of these, how many are kept for the input whose records are written next.
  var reservedRecords: Int
  /// How long after the one before it another decoder may begin.
  var patience = Duration.milliseconds(100)
}

/// The frames between decoders and workers, in the order in which they came.
///
/// Decoders wait while there is no room; workers take frames of one shape together, and never wait for anything but
/// frames. Where records have an order across inputs (`-o -`), an input whose turn has not come may not take the
/// last records' room: so the one whose turn it is always gets on, and nothing blocks for ever.
final class FrameQueue: Sendable {
  private struct State: Sendable {
    var waiting: [QueuedFrame] = []
    var bytes = 0
    var unwritten = 0
    /// The input whose records are written next; nil where inputs have files of their own.
    var turn: Int?
    /// Decoders that have not finished, and decoders that have begun.
    var decoders: Int
    var admitted = 1
    var isStopped = false
  }

  private let monitor: Monitor<State>
  private let bounds: FrameBounds
  private let workers: Int
  private let decoders: Int

  /// - Parameters:
  ///   - bounds: all at least 1, and more records than are reserved.
  ///   - decoders: how many `finish()` calls end it.
  ///   - workers: among how many threads the waiting frames are shared.
  ///   - isOrdered: whether records are written input by input; the first has the number 0.
  init(bounds: FrameBounds, decoders: Int, workers: Int, isOrdered: Bool) {
    precondition(
      bounds.waitingFrames >= 1 && bounds.reservedRecords >= 1
        && bounds.unwrittenRecords > bounds.reservedRecords, "no room for a frame in \(bounds)")
    self.bounds = bounds
    self.workers = workers
    self.decoders = decoders
    monitor = Monitor(State(turn: isOrdered ? 0 : nil, decoders: decoders))
  }

  /// Waits until decoder `number`, counted from 0, is needed: the first at once, each further one when the one
  /// before it has begun a while ago and still fewer frames wait than there are workers. So a heavy model is fed from
  /// one input after the other, a light one from as many as it takes.
  func admit(_ number: Int) {
    let isOver = { (state: State) in state.isStopped || state.decoders < self.decoders }
    monitor.wait { state in isOver(state) || state.admitted >= number ? () : nil }
    while number > 0 {
      if monitor.wait(atMost: bounds.patience, { isOver($0) ? true : nil }) == true { return }
      let isNeeded = monitor.withLock { state in
        guard state.waiting.count < workers else { return false }
        state.admitted = number + 1
        return true
      }
      if isNeeded { return }
    }
  }

  /// Appends a frame, waiting for room.
  ///
  /// - Returns: false when the run is being stopped: the frame was dropped.
  func put(_ frame: QueuedFrame) -> Bool {
    monitor.wait { state in
      if state.isStopped { return false }
      let hasTurn = state.turn == nil || state.turn == frame.job.ordinal
      let records = bounds.unwrittenRecords - (hasTurn ? 0 : bounds.reservedRecords)
      guard state.waiting.count < bounds.waitingFrames, state.unwritten < records,
        state.bytes == 0 || state.bytes + frame.byteCount <= bounds.bytes
      else { return nil }
      state.waiting.append(frame)
      state.bytes += frame.byteCount
      state.unwritten += 1
      return true
    }
  }

  /// Takes the oldest frame and the oldest others of its shape, waiting while there is none; no more of them than
  /// leaves something for the other workers.
  ///
  /// - Returns: nil at the end, or when the run is being stopped.
  func takeBatch(atMost limit: Int) -> [QueuedFrame]? {
    monitor.wait { state -> [QueuedFrame]?? in
      if state.isStopped { return .some(nil) }
      guard let first = state.waiting.first else {
        return state.decoders == 0 ? .some(nil) : nil
      }
      let share = min(limit, max(1, state.waiting.count / workers))
      var batch: [QueuedFrame] = []
      state.waiting.removeAll { queued in
        guard batch.count < share, queued.frame.picture.hasShape(of: first.frame.picture) else {
          return false
        }
        batch.append(queued)
        return true
      }
      return batch
    }
  }

  /// A worker is through with a frame: its bytes are free.
  func release(_ frame: QueuedFrame) {
    monitor.withLock { $0.bytes -= frame.byteCount }
  }

  /// Records were written, or will never be.
  func recordsWritten(_ count: Int) {
    monitor.withLock { $0.unwritten -= count }
  }

  /// The records of another input are written next.
  func passTurn(to input: Int) {
    monitor.withLock { $0.turn = input }
  }

  /// One decoder will put no more.
  func finish() {
    monitor.withLock { $0.decoders -= 1 }
  }

  /// Drops what waits and lets everybody go.
  func stop() {
    monitor.withLock { state in
      state.isStopped = true
      state.waiting = []
    }
  }
}

extension RGBPicture {
  fileprivate func hasShape(of other: RGBPicture) -> Bool {
    width == other.width && height == other.height
  }
}
