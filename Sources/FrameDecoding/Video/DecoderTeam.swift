import CFFmpeg
import Workers

/// Decoders of one video on threads of their own, which take its parts one after the other. Their frames come out in the
/// order of the parts.
///
/// What has been decoded ahead is bounded in bytes; the part whose turn it is always gets on. The bound is raised frame by
/// frame, and only while whoever takes them waits for frames longer than it does something with them: 1080p frames that
/// nobody is in a hurry for took 900 MiB, and as many page faults cost a twentieth of all the time.
final class DecoderTeam: Sendable {
  /// A packet, and what it has to become.
  struct Picture {
    let packet: Packet
    let timestamp: Int64
    /// Whether its frame has to be handed out: others are only told of.
    let isWanted: Bool
    /// Whether it is decoded. From one that is not up to a refresh, none is.
    let isSent: Bool
  }

  /// A stretch of a video that can be decoded on its own.
  // Its packets are used by the decoder alone that takes it.
  struct Part: @unchecked Sendable {
    /// In the order of decoding; the first one is shown first.
    let pictures: [Picture]
    /// What comes after the last of them in every sense; nil at the end of the video.
    let next: Picture?
  }

  /// What becomes of a part, in the order of presentation.
  // Its frame is let go of by the decoder that gives it.
  enum Output: @unchecked Sendable {
    case frame(Frame)
    /// A frame that was not wanted; ticks of the stream's clock.
    case passed(Int64)
    /// All of the part was given. The frame is that of its `next`.
    case ended(Frame?)
    /// One decoder of the whole might give something else.
    case doubt

    fileprivate var byteCount: Int {
      if case .frame(let frame) = self { frame.byteCount } else { 0 }
    }
  }

  private struct State: Sendable {
    var parts: ArraySlice<(number: Int, Part)> = []
    var taken = 0
    var outputs: [Int: ArraySlice<Output>] = [:]
    /// The part whose turn it is.
    var turn = 0
    /// Of frames that wait for their turn.
    var bytes = 0
    /// So many there may be.
    var room = 0
    /// Of the frame that was decoded last.
    var frameBytes = 0
    /// When the last output was taken.
    var lastTaken = ContinuousClock.now
    /// How long it was waited for of late, and how long nobody asked: recent times count most.
    var waited = Duration.zero
    var unasked = Duration.zero
    var isStopped = false

    mutating func takeNext() -> Output? {
      guard let output = outputs[turn]?.popFirst() else { return isStopped ? .doubt : nil }
      bytes -= output.byteCount
      if case .ended = output {
        outputs[turn] = nil
        turn += 1
      }
      return output
    }
  }

  /// A decoder with what it writes about errors.
  // Used by one thread: the one that makes it before the other begins.
  private struct Member: @unchecked Sendable {
    let decoder: VideoDecoder
    let log: FFmpegLog
  }

  private let members: [Member]
  private let leavesOut: Bool
  private let orientation: Orientation?
  private let mostBytes: Int
  private let monitor = Monitor(State())
  private let threads: WorkerGroup

  /// Opens as many decoders as the limits say; they begin later.
  ///
  /// - Parameters:
  ///   - parameters: of the video's stream.
  ///   - timeBase: of its clock.
  ///   - orientation: what the container says, if it does: FFmpeg 7 puts it on every frame.
  ///   - limits: of each decoder, and of all.
  ///   - leavesOut: whether pictures that are not wanted, and to which no other refers, may be left undecoded.
  /// - Throws: a data failure if the codec is unknown or its parameters are damaged.
  init(
    _ parameters: UnsafePointer<AVCodecParameters>, timeBase: AVRational,
    orientation: Orientation?, limits: MediaLimits, leavesOut: Bool
  ) throws(MediaError) {
    self.leavesOut = leavesOut
    self.orientation = orientation
    mostBytes = limits.bytesAhead
    var members: [Member] = []
    for _ in 0..<limits.decoders {
      let log = FFmpegLog()
      members.append(
        Member(
          decoder: try VideoDecoder(
            parameters, timeBase: timeBase, limits: limits, isStrict: true, log: log),
          log: log))
    }
    self.members = members
    let monitor = monitor
    // A thread that cannot be started leaves the parts to others, or all to the full decode.
    threads = WorkerGroup { _ in monitor.withLock { $0.isStopped = true } }
  }

  /// How many decoders there are.
  var count: Int { members.count }

  /// Starts the threads.
  ///
  /// - Parameter first: the video's first packet, which every decoder sees before all: what it says holds for the whole
  ///   stream (parameter sets, the encoder's version).
  func begin(startingWith first: Packet) {
    for (number, member) in members.enumerated() {
      // Its own reference to the bytes.
      let first = Part(
        pictures: [
          .init(packet: Packet(sharing: first), timestamp: 0, isWanted: false, isSent: true)
        ], next: nil)
      threads.start("decoder part \(number % 100)") { self.work(member, first) }
    }
  }

  /// Takes the next part of the video.
  func take(_ part: Part) {
    monitor.withLock { state in
      state.parts.append((state.taken, part))
      state.taken += 1
    }
  }

  /// What comes next, waiting for it; of the parts that were taken, some must not have ended.
  func next() -> Output {
    let asked = ContinuousClock.now
    return monitor.wait { state -> Output? in
      guard let output = state.takeNext() else { return nil }
      let now = ContinuousClock.now
      state.waited = state.waited * 15 / 16 + (now - asked)
      state.unasked = state.unasked * 15 / 16 + (asked - state.lastTaken)
      state.lastTaken = now
      if state.waited > state.unasked {
        state.room = min(mostBytes, state.room + state.frameBytes)
      }
      return output
    }
  }

  /// Bytes of frames that wait for their turn.
  var bytesAhead: Int { monitor.read { $0.bytes } }

  /// Drops what there is, and waits until the threads have ended.
  func stop() {
    let dropped = monitor.withLock { state in
      defer { (state.parts, state.outputs) = ([], [:]) }
      state.isStopped = true
      return (state.parts, state.outputs)
    }
    _ = dropped
    do { try threads.join() } catch {
      // One that could not be started: told by `isStopped`.
    }
  }

  private func work(_ member: Member, _ first: Part) {
    // Nothing here throws.
    _ = try? member.log.capture {
      for picture in first.pictures { member.decoder.warmUp(picture.packet) }
      while let (number, part) = takePart() {
        var decoding = PartDecoding(
          part, with: member.decoder, orientation: orientation, leavesOut: leavesOut
        ) { self.put($0, of: number) }
        let last = decoding.run() ? Output.ended(decoding.next) : .doubt
        _ = put(last, of: number)
      }
    }
  }

  private func takePart() -> (number: Int, Part)? {
    monitor.wait { state -> (number: Int, Part)?? in
      if state.isStopped { return .some(nil) }
      return state.parts.popFirst().map { .some($0) }
    }
  }

  /// Waits until there is room for it; false where nobody wants it any more.
  private func put(_ output: Output, of number: Int) -> Bool {
    let bytes = output.byteCount
    return monitor.wait { state -> Bool? in
      if state.isStopped { return false }
      let hasTurn = number == state.turn && state.outputs[number, default: []].isEmpty
      guard bytes == 0 || hasTurn || bytes <= state.room - min(state.bytes, state.room) else {
        return nil
      }
      if bytes > 0 { state.frameBytes = bytes }
      state.outputs[number, default: []].append(output)
      state.bytes += bytes
      return true
    }
  }
}

/// One decoder's way through a part.
private struct PartDecoding {
  /// The frame of what comes after the part.
  private(set) var next: Frame?

  private let part: DecoderTeam.Part
  private let decoder: VideoDecoder
  private let orientation: Orientation?
  private let leavesOut: Bool
  private let put: (DecoderTeam.Output) -> Bool
  /// Pictures that have to come, in their order.
  private var expected: ArraySlice<DecoderTeam.Picture>
  private var isFirst = true
  /// The decoder is empty: what it is given has to be a refresh.
  private var isEmpty = true
  /// The refresh that was sent last to an empty decoder and has not come out, ticks of the stream's clock.
  private var refresh: Int64?

  init(
    _ part: DecoderTeam.Part, with decoder: VideoDecoder, orientation: Orientation?,
    leavesOut: Bool, put: @escaping (DecoderTeam.Output) -> Bool
  ) {
    self.part = part
    self.decoder = decoder
    self.orientation = orientation
    self.leavesOut = leavesOut
    self.put = put
    expected = part.pictures.sorted { $0.timestamp < $1.timestamp }[...]
  }

  /// False where anything is not as it has to be, or nobody wants it any more.
  mutating func run() -> Bool {
    for picture in part.pictures + [part.next].compactMap({ $0 }) {
      guard picture.isSent ? send(picture) : isEmpty || empty() else { return false }
    }
    return empty() && pass(before: .max) && (next == nil) == (part.next == nil)
  }

  private mutating func send(_ picture: DecoderTeam.Picture) -> Bool {
    if isEmpty { refresh = picture.timestamp }
    decoder.skipsUnreferenced = leavesOut && !picture.isWanted && !isEmpty
    isEmpty = false
    guard case .accepted = decoder.send(picture.packet), decoder.missingFeature == nil else {
      return false
    }
    return receive()
  }

  /// Lets the decoder give what it has, and forget it.
  private mutating func empty() -> Bool {
    guard case .accepted = decoder.send(nil), receive() else { return false }
    decoder.flush()
    isEmpty = true
    return refresh == nil
  }

  private mutating func receive() -> Bool {
    while true {
      switch decoder.receive() {
      case .needsPacket, .ended: return true
      case .damaged: return false
      case .frame(let frame): guard take(frame) else { return false }
      }
    }
  }

  private mutating func take(_ frame: Frame) -> Bool {
    // How a frame says that it must be turned, where the container does not, could be meant for those after it, too.
    guard frame.hasOwnTimestamp, let timestamp = frame.timestamp, !frame.isCorrupt,
      frame.orientation.map({ $0.0 == orientation }) ?? true, pass(before: timestamp)
    else { return false }
    guard let picture = expected.popFirst() else {
      guard next == nil, timestamp == part.next?.timestamp else { return false }
      next = frame
      return true
    }
    guard picture.timestamp == timestamp else { return false }
    if let refresh {
      guard frame.isKeyframe, frame.isIntra, timestamp == refresh else { return false }
      self.refresh = nil
    }
    // The part's first one is compared.
    defer { isFirst = false }
    return put(picture.isWanted || isFirst ? .frame(frame) : .passed(timestamp))
  }

  /// Tells of pictures that were left out; false if one of them was not to be.
  private mutating func pass(before limit: Int64) -> Bool {
    while let picture = expected.first, picture.timestamp < limit {
      guard leavesOut || !picture.isSent, !picture.isWanted, picture.timestamp != refresh,
        put(.passed(picture.timestamp))
      else { return false }
      isFirst = false
      expected.removeFirst()
    }
    return true
  }
}

extension VideoDecoder {
  /// Decodes a picture for nothing but what is beside it in its packet.
  fileprivate func warmUp(_ packet: Packet) {
    guard case .accepted = send(packet), case .accepted = send(nil) else { return flush() }
    while case .frame = receive() {}
    flush()
  }
}
