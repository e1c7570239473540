import Media
import SystemPackage

/// An input that a decoder process reads. Used by one thread at a time.
final class IsolatedReader: DrawableSource {
  let info: MediaInfo
  private(set) var report: DecodingReport

  private let session: DecoderSession
  /// The place for the next frame, taken before it is asked for, as its size is likely to be that of the one before.
  private var slot: FrameSlot?
  private var likelyBytes: Int?
  /// For frames that are the same, where frames are compared.
  private var lastPicture: RGBPicture?
  private let keepsPicture: Bool
  private let lattice: LatticeRule?
  /// What it says of the size that came last.
  private var lastLattice: (width: Int, height: Int, lattice: PictureLattice?)?
  private var lastFrame: Int?
  private var frames = 0
  private var end: Result<Void, MediaError>?

  /// Opens a file in a session's process.
  ///
  /// - Throws: an access failure if the file cannot be read; a data failure if it has no decodable video, or if the
  ///   decoder dies of it.
  init(
    _ session: DecoderSession, _ file: OpenFile, _ request: OpenRequest, lattice: LatticeRule?
  ) throws(MediaError) {
    self.session = session
    self.lattice = lattice
    let answer = try session.translating("before its first frame") {
      () throws(DecoderProcess.Failure) in
      try session.send(.open(request), with: file.descriptor)
      return try session.answer()
    }
    switch answer {
    case .opened(let info, let report): (self.info, self.report) = (info, report)
    case .failed(let error, _): throw error
    default: throw session.lie("a frame before the input is open")
    }
    // Pages are not compared, and kept ones would leave no room for those after them.
    keepsPicture = request.sampling.sameness != nil && !info.isStillImage
    let (pixels, isAbsurd) = info.width.multipliedReportingOverflow(by: info.height)
    if !isAbsurd, info.width > 0, pixels > 0, pixels <= session.limits.maxPixels {
      likelyBytes = 3 * (wanted(info.width, info.height)?.count ?? pixels)
    }
  }

  deinit { if let slot { session.process.arena.giveBack(slot) } }

  func nextFrame() throws(MediaError) -> DecodedFrame? {
    try next({ $0.index }) { () throws(DecoderProcess.Failure) in try askForFrame() }
  }

  func nextFrame(
    where isWanted: (_ index: Int, _ time: Double?) throws -> Bool
  ) throws -> DecodedFrame? {
    while let (index, time) = try find() {
      if try isWanted(index, time) { return try nextFrame() }
    }
    return nil
  }

  func nextSourceFrame() throws(MediaError) -> SourceFrame? {
    try next({ $0.index }) { () throws(DecoderProcess.Failure) in try askForSourceFrame() }
  }

  /// Has the next frame decoded, which `nextFrame` then gives.
  private func find() throws(MediaError) -> (index: Int, time: Double?)? {
    try next({ $0.index }) { () throws(DecoderProcess.Failure) in
      try session.send(.find)
      return try replies { reply throws(DecoderProcess.Failure) in
        guard case .found(let facts) = reply else { return nil }
        guard let index = facts.index else { throw DecoderProcess.lie("a frame without a number") }
        return (index, facts.time)
      }
    }
  }

  /// Asks for what comes next; where there was an end, that is it.
  private func next<Value>(
    _ index: (Value) -> Int?,
    _ ask: () throws(DecoderProcess.Failure) -> Result<Value?, MediaError>
  ) throws(MediaError) -> Value? {
    if let end {
      try end.get()
      return nil
    }
    do throws(MediaError) {
      let value = try session.translating(place, ask).get()
      if let value {
        frames += 1
        lastFrame = index(value)
      } else {
        end = .success(())
      }
      return value
    } catch {
      end = .failure(error)
      throw error
    }
  }

  /// Where in the input it is, for what is said of the decoder's death.
  private var place: String {
    if frames == 0 { return "before its first frame" }
    return lastFrame.map { "after frame \($0)" } ?? "after \(frames) frames"
  }

  private func askForFrame() throws(DecoderProcess.Failure) -> Result<DecodedFrame?, MediaError> {
    try session.send(.next(offeredSlot()))
    return try replies { reply throws(DecoderProcess.Failure) in
      switch reply {
      case .asksForLattice(let width, let height):
        // So that it can be asked for: a size that is absurd is none.
        _ = try bytes(width, height)
        try session.send(.lattice(wanted(width, height)))
        return nil
      case .frame(let facts, let width, let height, let report) where facts.same?.wasGiven == true:
        guard let lastPicture, lastPicture.width == width, lastPicture.height == height else {
          throw DecoderProcess.lie("a frame is the same as one that was not given")
        }
        self.report = report
        return DecodedFrame(facts, lastPicture)
      case .frame(let facts, let width, let height, let report):
        let bytes = try bytes(width, height)
        let slot = try filledSlot(width, height, bytes)
        self.report = report
        self.slot = nil
        let pixels = SharedPixels(session.process.arena, slot, count: bytes)
        let picture = RGBPicture(
          width: width, height: height, lattice: wanted(width, height), memory: pixels)
        if keepsPicture { lastPicture = picture }
        return DecodedFrame(facts, picture)
      default: throw DecoderProcess.lie("something else than the frame")
      }
    }
  }

  private func askForSourceFrame() throws(DecoderProcess.Failure) -> Result<
    SourceFrame?, MediaError
  > {
    try session.send(.nextSource(offeredSlot()))
    return try replies { reply throws(DecoderProcess.Failure) in
      guard case .sourceFrame(let facts, let width, let height, let report) = reply else {
        throw DecoderProcess.lie("something else than the frame")
      }
      // Its planes are no larger than the picture that a slot is taken for.
      let slot = try filledSlot(width, height, try bytes(width, height))
      self.report = report
      let count = YUVPicture.byteCount(width: width, height: height)
      // A copy is drawn on, and the slot is free again.
      let bytes = Array(session.process.arena.bytes(of: slot, count: count))
      return SourceFrame(facts, width: width, height: height, bytes: bytes)
    }
  }

  /// Waits for what was asked for, and does what is asked on the way; `take` gives nil where the child will say more.
  private func replies<Value>(
    _ take: (DecoderReply) throws(DecoderProcess.Failure) -> Value?
  ) throws(DecoderProcess.Failure) -> Result<Value?, MediaError> {
    while true {
      switch try session.answer() {
      case .asksForSlot(let width, let height):
        let bytes = try bytes(width, height)
        if let slot { session.process.arena.giveBack(slot) }
        slot = session.process.arena.take(forPicture: bytes)
        guard let slot else { throw DecoderProcess.lie("a picture of \(width)x\(height)") }
        try session.send(.slot(slot))
      case .ended(let report):
        self.report = report
        return .success(nil)
      case .failed(let error, let report):
        self.report = report
        return .failure(error)
      case let reply: if let value = try take(reply) { return .success(value) }
      }
    }
  }

  /// The place for the next frame, if its size can be guessed and there is room: nobody waits for a guess, which may be of a
  /// frame that does not come.
  private func offeredSlot() -> FrameSlot? {
    if slot == nil, let likelyBytes {
      slot = session.process.arena.takeFree(forPicture: likelyBytes)
    }
    return slot
  }

  /// The slot that a picture lies in now, if it can.
  private func filledSlot(
    _ width: Int, _ height: Int, _ bytes: Int
  ) throws(DecoderProcess.Failure) -> FrameSlot {
    guard let slot, bytes + Scaler.padding <= slot.capacity else {
      throw DecoderProcess.lie("a picture of \(width)x\(height) in too small a slot")
    }
    likelyBytes = bytes
    return slot
  }

  /// Which pixels of a picture are wanted; nil: all.
  private func wanted(_ width: Int, _ height: Int) -> PictureLattice? {
    if let lastLattice, lastLattice.width == width, lastLattice.height == height {
      return lastLattice.lattice
    }
    var wanted = lattice?(width, height)
    if let lattice = wanted, lattice.rows.count + lattice.columns.count > DecoderRequest.mostPlaces
    {
      wanted = nil
    }
    lastLattice = (width, height, wanted)
    return wanted
  }

  /// Bytes of a picture's wanted pixels; its sides have 31 bits each.
  private func bytes(_ width: Int, _ height: Int) throws(DecoderProcess.Failure) -> Int {
    guard width * height <= session.limits.maxPixels else {
      throw DecoderProcess.lie("a picture of \(width)x\(height)")
    }
    return 3 * (wanted(width, height)?.count ?? width * height)
  }
}
