import Files
import FrameDecoding
import Media
import Synchronization
import Workers

/// A decoded frame on its way to a worker.
struct QueuedFrame: Sendable {
  /// The input it comes from.
  let job: InputJob
  /// Its place among the input's records of this run, from 0.
  let sequence: Int
  let frame: DecodedFrame
  /// Where it takes several looks and a worker has begun with them.
  var looks: SharedLooks?

  var byteCount: Int { frame.picture.byteCount }
}

/// What bounds the memory of a run, and the number of inputs that are open, whatever the length and the size of its inputs.
struct FrameBounds: Equatable, Sendable {
  /// Frames that wait for a worker.
  var waitingFrames: Int
  /// Bytes of frames that are being decoded or converted, wait, or are being looked at. A frame that is larger goes
  /// alone.
  var bytes: Int
  /// Records that are on their way, from before their frame is decoded until they are written.
  var unwrittenRecords: Int
  /// Of these, how many are kept for the input whose records are written next.
  var reservedRecords: Int
  /// How long after the one before it another decoder may begin.
  var patience = Duration.milliseconds(100)
}

/// The frames between decoders and workers, in the order in which they came.
///
/// Decoders wait while there is no room, before they make a frame (`FrameRoom`); workers take frames of one shape
/// together, and never wait for anything but frames. Where records have an order across inputs (`-o -`), an input whose turn has not come may not take the
/// last records' room: so the one whose turn it is always gets on, and nothing blocks for ever.
final class FrameQueue: Sendable {
  private struct State: Sendable {
    var waiting: [QueuedFrame] = []
    /// Frames that workers have begun to look at, and of which looks are left for others.
    var shared: [QueuedFrame] = []
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

  /// The room that an input's frames take, one after the other.
  func room(for input: Int) -> FrameRoom { FrameRoom(of: self, for: input) }

  /// Waits until there is room for the bytes of a frame of an input, and for its record.
  ///
  /// - Returns: false when the run is being stopped.
  fileprivate func reserve(_ bytes: Int, for input: Int) -> Bool {
    monitor.wait { state in
      if state.isStopped { return false }
      let hasTurn = state.turn == nil || state.turn == input
      let records = bounds.unwrittenRecords - (hasTurn ? 0 : bounds.reservedRecords)
      guard state.unwritten < records,
        state.bytes == 0 || bytes <= bounds.bytes - min(state.bytes, bounds.bytes)
      else { return nil }
      state.bytes += bytes
      state.unwritten += 1
      return true
    }
  }

  /// Gives back what was reserved for a frame that does not come.
  fileprivate func giveBack(_ bytes: Int) {
    monitor.withLock { state in
      state.bytes -= bytes
      state.unwritten -= 1
    }
  }

  /// Gives back the bytes of what was reserved for a frame, whose record comes all the same.
  fileprivate func giveBackBytes(_ bytes: Int) {
    monitor.withLock { $0.bytes -= bytes }
  }

  /// Appends a frame for which so many bytes were reserved, waiting until few enough wait.
  ///
  /// - Returns: false when the run is being stopped: the frame was dropped.
  fileprivate func put(_ frame: QueuedFrame, inPlaceOf bytes: Int) -> Bool {
    // Workers take frames whatever their turn is, so that this ends while others are waited for in `reserve`.
    monitor.wait { state in
      if state.isStopped { return false }
      guard state.waiting.count < bounds.waitingFrames else { return nil }
      state.waiting.append(frame)
      state.bytes += frame.byteCount - bytes
      return true
    }
  }

  /// Takes the oldest frame and the oldest others of its shape, waiting while there is none; no more of them than
  /// leaves something for the other workers. A frame of which looks are left comes first, alone, and goes to every
  /// worker that asks: large ones are done with before others are begun.
  ///
  /// - Returns: nil at the end, or when the run is being stopped.
  func takeBatch(atMost limit: Int) -> [QueuedFrame]? {
    monitor.wait { state -> [QueuedFrame]?? in
      if state.isStopped { return .some(nil) }
      if let shared = state.shared.first { return [shared] }
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

  /// Lets other workers take part in the looks of a frame.
  func share(_ frame: QueuedFrame) {
    monitor.withLock { $0.shared.append(frame) }
  }

  /// No looks of a frame are left to be taken.
  func unshare(_ frame: QueuedFrame) {
    monitor.withLock { state in state.shared.removeAll { $0.looks === frame.looks } }
  }

  /// Whether the run is being stopped: what is in hand and takes long is left.
  var isStopped: Bool { monitor.read(\.isStopped) }

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
    // The frames are released after the lock: their memory has locks of its own.
    let dropped = monitor.withLock { state in
      defer { state.waiting = [] }
      state.isStopped = true
      state.shared = []
      return state.waiting
    }
    _ = dropped
  }
}

/// The room of one input's next frame in the queue, taken before the frame is decoded or converted: decoders hold no
/// frames beside those that the queue has room for.
///
/// Used by one decoder at a time.
final class FrameRoom: Sendable {
  private let queue: FrameQueue
  private let input: Int
  /// What is reserved; nil: nothing.
  private let reserved = Mutex<Int?>(nil)

  fileprivate init(of queue: FrameQueue, for input: Int) {
    self.queue = queue
    self.input = input
  }

  /// Waits until there is room for so many bytes, and for the record of the frame. More than was reserved for the same
  /// frame is waited for with nothing in hand, so that no two inputs wait for each other.
  ///
  /// - Returns: false when the run is being stopped.
  @discardableResult
  func reserve(_ bytes: Int) -> Bool {
    if let held = reserved.withLock({ $0 }), held >= bytes { return true }
    giveBack()
    guard queue.reserve(bytes, for: input) else { return false }
    reserved.withLock { $0 = bytes }
    return true
  }

  /// Puts the frame that room was reserved for into the queue; a worker releases it. Without a reservation, waits for
  /// one.
  ///
  /// - Returns: false when the run is being stopped: the frame was dropped.
  func put(_ frame: QueuedFrame) -> Bool {
    if reserved.withLock({ $0 == nil }), !reserve(frame.byteCount) { return false }
    let bytes = reserved.withLock { $0 } ?? 0
    guard queue.put(frame, inPlaceOf: bytes) else { return false }
    reserved.withLock { $0 = nil }
    return true
  }

  /// Gives back the bytes of a frame that need not be looked at; the room of its record is kept until that is written.
  ///
  /// - Returns: false when the run is being stopped.
  func keepForRecord() -> Bool {
    if reserved.withLock({ $0 == nil }), !reserve(0) { return false }
    let bytes = reserved.withLock { reserved in
      defer { reserved = nil }
      return reserved ?? 0
    }
    queue.giveBackBytes(bytes)
    return true
  }

  /// Gives back what was reserved for a frame that did not come.
  func giveBack() {
    let bytes = reserved.withLock { reserved in
      defer { reserved = nil }
      return reserved
    }
    if let bytes { queue.giveBack(bytes) }
  }
}

extension RGBPicture {
  fileprivate func hasShape(of other: RGBPicture) -> Bool {
    width == other.width && height == other.height
  }
}
