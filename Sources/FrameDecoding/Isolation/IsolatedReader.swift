import Media
import SystemPackage

/// An input that a decoder process reads. Used by one thread at a time.
final class IsolatedReader: FrameSource {
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
    keepsPicture = request.sampling.sameness != nil
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
    let (pixels, isAbsurd) = info.width.multipliedReportingOverflow(by: info.height)
    if !isAbsurd, info.width > 0, pixels > 0, pixels <= session.limits.maxPixels {
      likelyBytes = 3 * (wanted(info.width, info.height)?.count ?? pixels)
    }
  }

  deinit { if let slot { session.process.arena.giveBack(slot) } }

  func nextFrame() throws(MediaError) -> DecodedFrame? {
    if let end {
      try end.get()
      return nil
    }
    do throws(MediaError) {
      let frame = try session.translating(place) { () throws(DecoderProcess.Failure) in
        try askForFrame()
      }.get()
      if let frame {
        frames += 1
        lastFrame = frame.index
      } else {
        end = .success(())
      }
      return frame
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
    if slot == nil, let likelyBytes { slot = session.process.arena.take(forPicture: likelyBytes) }
    try session.send(.next(slot))
    while true {
      switch try session.answer() {
      case .asksForLattice(let width, let height):
        // So that it can be asked for: a size that is absurd is none.
        _ = try bytes(width, height)
        try session.send(.lattice(wanted(width, height)))
      case .asksForSlot(let width, let height):
        let bytes = try bytes(width, height)
        if let slot { session.process.arena.giveBack(slot) }
        slot = session.process.arena.take(forPicture: bytes)
        guard let slot else { throw DecoderProcess.lie("a picture of \(width)x\(height)") }
        try session.send(.slot(slot))
      case .frame(let facts, let width, let height, let report) where facts.same?.wasGiven == true:
        guard let lastPicture, lastPicture.width == width, lastPicture.height == height else {
          throw DecoderProcess.lie("a frame is the same as one that was not given")
        }
        self.report = report
        return .success(DecodedFrame(facts, lastPicture))
      case .frame(let facts, let width, let height, let report):
        let bytes = try bytes(width, height)
        guard let slot, bytes + Scaler.padding <= slot.capacity else {
          throw DecoderProcess.lie("a picture of \(width)x\(height) in too small a slot")
        }
        self.report = report
        self.slot = nil
        likelyBytes = bytes
        let pixels = SharedPixels(session.process.arena, slot, count: bytes)
        let picture = RGBPicture(
          width: width, height: height, lattice: wanted(width, height), memory: pixels)
        if keepsPicture { lastPicture = picture }
        return .success(DecodedFrame(facts, picture))
      case .ended(let report):
        self.report = report
        return .success(nil)
      case .failed(let error, let report):
        self.report = report
        return .failure(error)
      default: throw DecoderProcess.lie("it is ready, in mid-input")
      }
    }
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

/// One input's use of a decoder process.
final class DecoderSession {
  let process: DecoderProcess
  /// Of the input; the picture gate and the clock are asked here, the rest by the process.
  let limits: MediaLimits

  private let patience: DecoderProcess.Patience
  /// Where the process goes when it may be used again.
  private let giveBack: @Sendable (DecoderProcess) -> Void
  private var isUsable = true

  /// Begins to use a process that is idle.
  init(
    _ process: DecoderProcess, limits: MediaLimits, cancellation: MediaCancellation,
    giveBack: @escaping @Sendable (DecoderProcess) -> Void
  ) {
    self.process = process
    self.limits = limits
    self.giveBack = giveBack
    patience = DecoderProcess.Patience(limits: limits, cancellation: cancellation)
  }

  deinit {
    guard isUsable else { return }
    do {
      try process.send(.close)
      giveBack(process)
    } catch {
      process.end()
    }
  }

  func send(
    _ request: DecoderRequest, with file: FileDescriptor? = nil
  ) throws(DecoderProcess.Failure) {
    try process.send(request, with: file)
  }

  /// Waits for the next answer that is about the input, and does what is asked for on the way.
  func answer() throws(DecoderProcess.Failure) -> DecoderReply {
    while true {
      switch try process.receive(patience) {
      case .progress: continue
      case .asksForMemory(let bytes):
        limits.pictureGate?.wait(bytes: bytes)
        try process.send(.pass)
      case let reply: return reply
      }
    }
  }

  /// Runs `body`; if the process is of no use after it, ends it and says so of the input.
  func translating<Value>(
    _ place: String, _ body: () throws(DecoderProcess.Failure) -> Value
  ) throws(MediaError) -> Value {
    do throws(DecoderProcess.Failure) {
      return try body()
    } catch {
      isUsable = false
      process.end()
      switch error.kind {
      case .dead: throw MediaError(.data, "the decoder \(error.text) \(place)")
      case .blocked: throw FileSource.tooSlow("reading", limits)
      case .stopped: throw MediaError(.access, error.text)
      }
    }
  }

  /// Ends the process, which said what cannot be before there was a frame.
  func lie(_ text: String) -> MediaError {
    isUsable = false
    process.end()
    return MediaError(.data, "the decoder \(DecoderProcess.lie(text).text)")
  }
}
