import CFFmpeg
import Media
import SystemPackage

/// Says of a picture's width and height which of its pixels are wanted; nil: all.
public typealias LatticeRule = @Sendable (_ width: Int, _ height: Int) -> PictureLattice?

/// Reads the sampled frames of one video or image file, upright, in order of the full decode.
///
/// Used by one thread at a time. Decoding is single-threaded and gives the same frames in every run. Frame numbers are
/// counted, so nearly everything before a wanted frame is decoded (not converted): neither packets nor seeks give numbers
/// that can be trusted, since edit lists, damage and hidden frames make frames fewer than packets, and the frames after a
/// seek can differ from those of the full decode. What can be left out all the same is (`SparseFrames`).
public final class MediaReader {
  /// What is known since opening.
  public let info: MediaInfo

  private let log: FFmpegLog
  private let sampling: FrameSampling
  let media: OpenMedia
  private let lattice: LatticeRule?
  private let converter: PixelConverter
  private let planarConverter: PlanarConverter
  private var sampler: FrameSampler
  private var cutter: SegmentCutter
  private var ordinal = 0
  /// Frames that were left out.
  private(set) var passedFrames = 0
  private var framesToSkip: Int
  private var held: Candidate?
  /// What `find` found, until it is given or passed over.
  private var found: Candidate?
  /// Sampled and not yet returned: the held frame and the one that decided on it.
  private var ready: ArraySlice<Candidate> = []
  private var hasTimes = false
  private var end: Result<Void, MediaError>?
  /// Nil where nothing is the same as anything.
  private let comparison: FrameComparison?
  /// The last one that was handed out, for those that are the same.
  private var lastPicture: RGBPicture?

  /// A decoded frame and what is known of it.
  private struct Candidate {
    /// nil where it was left out: it is not wanted.
    var frame: Frame?
    var stamp: FrameSampler.Stamp
    var segment: Int
    /// Of a sampled frame, where frames are compared: what is looked at in its place.
    var subject: FrameComparison.Subject?

    /// What was decoded.
    var decoded: Frame {
      // Left out is what this very sampling rejects.
      guard let frame else { preconditionFailure("a sampled frame was not decoded") }
      return frame
    }

    /// What is converted.
    var shownFrame: Frame { subject?.frame ?? decoded }
  }

  /// Opens a file and its best video stream. Only bytes of this file are ever read, whatever it names.
  ///
  /// - Parameters:
  ///   - path: a regular file, or links to one.
  ///   - sampling: which frames are wanted. Of an image file's pages (all but TIFF have one), `maxFrames` are
  ///     sampled, whatever else it says.
  ///   - limits: when to give up.
  ///   - sampledFrames: how many of the first sampled frames to leave out, as already done; they are decoded all the
  ///     same, but not converted.
  ///   - cancellation: stops this reader from another thread.
  ///   - lattice: which pixels of a picture are wanted; nil: all of every picture.
  /// - Throws: an access failure if the file cannot be read, a data failure if it has no decodable video.
  public convenience init(
    path: FilePath, sampling: FrameSampling = .init(), limits: MediaLimits = .init(),
    skipping sampledFrames: Int = 0, cancellation: MediaCancellation = .init(),
    lattice: LatticeRule? = nil
  ) throws(MediaError) {
    try self.init(
      try FileSource(path: path, limits: limits, cancellation: cancellation),
      fileExtension: path.extension, sampling: sampling, limits: limits, skipping: sampledFrames,
      lattice: lattice)
  }

  /// Opens the best video stream of what is read; the file's extension decides where its bytes do not tell.
  init(
    _ source: FileSource, fileExtension: String?, sampling: FrameSampling, limits: MediaLimits,
    skipping sampledFrames: Int, lattice: LatticeRule?
  ) throws(MediaError) {
    let seeksTo = Self.seekTime(sampling)
    let log = FFmpegLog()
    let media = try log.capture { () throws(MediaError) in
      try OpenMedia.open(
        source, fileExtension: fileExtension,
        sampling: sampling, before: seeksTo, limits: limits, log: log)
    }
    self.log = log
    self.media = media
    self.lattice = lattice
    self.sampling = sampling
    framesToSkip = sampledFrames
    info = media.info
    converter = PixelConverter(isStillImage: info.isStillImage)
    planarConverter = PlanarConverter(isStillImage: info.isStillImage)
    sampler = FrameSampler(
      info.isStillImage ? FrameSampling(maxFrames: sampling.maxFrames) : sampling,
      mayJumpInTime: media.mayJumpInTime)
    comparison = info.isStillImage ? nil : sampling.sameness.map(FrameComparison.init)
    cutter = SegmentCutter(
      count: sampling.segment?.count ?? 1, duration: info.duration, size: media.size)
  }

  /// What decoding has come to so far.
  public var report: DecodingReport {
    var report = media.frames.report
    report.untimedFrames = sampler.untimedFrames
    return report
  }

  /// The next sampled frame; nil at the end.
  ///
  /// - Throws: after the last decodable frame, why the input stops early; the same again when called again.
  public func nextFrame() throws(MediaError) -> DecodedFrame? {
    try takeCandidate().map { (candidate) throws(MediaError) in try frame(candidate) }
  }

  /// The next sampled frame, its pixels in memory that is asked for when their number is known; nil at the end.
  ///
  /// - Parameters:
  ///   - progress: told how many frames are decoded, after each.
  ///   - memory: gives room for the bytes of the picture's lattice (of all pixels where that is nil) and `Scaler.padding`
  ///     more; not asked where the picture was given before.
  /// - Returns: what is known of the frame, and its size.
  /// - Throws: as `nextFrame()`.
  func nextFrame(
    progress: (Int) -> Void,
    into memory: (_ width: Int, _ height: Int, PictureLattice?) ->
      UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) -> (FrameFacts, width: Int, height: Int)? {
    guard let candidate = try takeCandidate(progress) else { return nil }
    let facts = facts(of: candidate)
    let orientation = media.orientation(of: candidate.shownFrame)
    let (width, height) = orientation.size(of: candidate.shownFrame)
    if facts.same?.wasGiven != true {
      let lattice = lattice?(width, height)
      try convert { () throws(MediaError) in
        try converter.convert(
          candidate.shownFrame, orientation: orientation, lattice: lattice,
          into: memory(width, height, lattice))
      }
      candidate.subject?.wasGiven = true
    }
    return (facts, width, height)
  }

  /// Decodes the next sampled frame, which `nextFrame` gives then, unless another one is looked for first; nil at the end.
  ///
  /// - Parameter progress: told how many frames are decoded, after each.
  /// - Returns: what is known of it.
  /// - Throws: as `nextFrame()`.
  func find(_ progress: (Int) -> Void = { _ in }) throws(MediaError) -> FrameFacts? {
    found = nil
    found = try nextCandidate(progress)
    return found.map(facts)
  }

  /// See `DrawableSource`.
  public func nextFrame(
    where isWanted: (_ index: Int, _ time: Double?) throws -> Bool
  ) throws -> DecodedFrame? {
    while let candidate = try nextCandidate() {
      if try isWanted(candidate.stamp.ordinal, candidate.stamp.time) { return try frame(candidate) }
    }
    return nil
  }

  /// See `DrawableSource`.
  public func nextSourceFrame() throws(MediaError) -> SourceFrame? {
    guard let candidate = try takeCandidate() else { return nil }
    let (width, height) = media.orientation(of: candidate.decoded).size(of: candidate.decoded)
    let count = YUVPicture.byteCount(width: width, height: height)
    var facts: Result<SourceFrameFacts, MediaError>?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      facts = Result { () throws(MediaError) in try convertPlanes(of: candidate, into: buffer) }
      filled = count
    }
    return try facts.map { (facts) throws(MediaError) in
      SourceFrame(try facts.get(), width: width, height: height, bytes: bytes)
    }
  }

  /// The next sampled frame as it is to be encoded again; nil at the end.
  ///
  /// - Parameters:
  ///   - progress: told how many frames are decoded, after each.
  ///   - memory: gives room for the bytes of a `YUVPicture` of this size.
  /// - Returns: what is known of the frame, and its size.
  /// - Throws: as `nextFrame()`.
  func nextSourceFrame(
    progress: (Int) -> Void,
    into memory: (_ width: Int, _ height: Int) ->
      UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) -> (SourceFrameFacts, width: Int, height: Int)? {
    guard let candidate = try takeCandidate(progress) else { return nil }
    let (width, height) = media.orientation(of: candidate.decoded).size(of: candidate.decoded)
    return (try convertPlanes(of: candidate, into: memory(width, height)), width, height)
  }

  private func convertPlanes(
    of candidate: Candidate, into memory: UnsafeMutableBufferPointer<UInt8>
  ) throws(MediaError) -> SourceFrameFacts {
    let frame = candidate.decoded
    let orientation = media.orientation(of: frame)
    return SourceFrameFacts(
      index: candidate.stamp.ordinal, time: candidate.stamp.time,
      timestamp: media.timestamp(of: frame),
      duration: frame.duration.map { min($0, SourceFrame.longest) },
      pixelShape: media.pixelShape(of: frame, orientation),
      colour: try convert { () throws(MediaError) in
        try planarConverter.convert(frame, orientation: orientation, into: memory)
      })
  }

  private func facts(of candidate: Candidate) -> FrameFacts {
    FrameFacts(
      // Of a still image the pages are counted in any case.
      index: sampling.needsFrameNumbers || info.isStillImage ? candidate.stamp.ordinal : nil,
      time: candidate.stamp.time, isCorrupt: candidate.decoded.isCorrupt,
      isKeyframe: candidate.stamp.isKeyframe, same: earlierFrame(candidate))
  }

  private func earlierFrame(_ candidate: Candidate) -> EarlierFrame? {
    guard let subject = candidate.subject, subject.ordinal != candidate.stamp.ordinal else {
      return nil
    }
    return EarlierFrame(
      index: sampling.needsFrameNumbers ? subject.ordinal : nil, wasGiven: subject.wasGiven)
  }

  private func frame(_ candidate: Candidate) throws(MediaError) -> DecodedFrame {
    let facts = facts(of: candidate)
    if facts.same?.wasGiven == true, let lastPicture { return DecodedFrame(facts, lastPicture) }
    let shown = candidate.shownFrame
    let picture = try convert { () throws(MediaError) in
      try converter.convert(shown, orientation: media.orientation(of: shown), lattice: lattice)
    }
    if let subject = candidate.subject {
      subject.wasGiven = true
      lastPicture = picture
    }
    return DecodedFrame(facts, picture)
  }

  /// The one that was found, or the next.
  private func takeCandidate(
    _ progress: (Int) -> Void = { _ in }
  ) throws(MediaError) -> Candidate? {
    defer { found = nil }
    if let found { return found }
    return try nextCandidate(progress)
  }

  private func nextCandidate(
    _ progress: (Int) -> Void = { _ in }
  ) throws(MediaError) -> Candidate? {
    try log.capture { () throws(MediaError) in
      while true {
        while let candidate = ready.popFirst() {
          if framesToSkip == 0 { return candidate }
          framesToSkip -= 1
        }
        if let end {
          try end.get()
          return nil
        }
        decodeNext()
        progress(ordinal)
      }
    }
  }

  /// A picture that cannot be converted ends the input.
  private func convert<Picture>(
    _ body: () throws(MediaError) -> Picture
  ) throws(MediaError) -> Picture {
    do throws(MediaError) {
      return try log.capture(body)
    } catch {
      ready = []
      end = .failure(error)
      throw error
    }
  }

  /// Decodes one frame and sorts it, and the one held, into what is ready and what is not wanted.
  private func decodeNext() {
    let step: SequenceStep
    do {
      guard let next = try media.frames.nextStep() else {
        end = lacksTimes ? .failure(Self.noTimes) : .success(())
        return
      }
      step = next
    } catch {
      end = .failure(error)
      return
    }
    let candidate = candidate(step)
    let decision = sampler.decide(candidate.stamp)
    if let held, decision.heldFrame == .sampled { take(held) }
    if decision.frame == .sampled { take(candidate) }
    if decision.heldFrame != .held { held = decision.frame == .held ? candidate : nil }
    let isPastSegment = sampling.segment.map { candidate.segment > $0.index } ?? false
    // A comparison that failed is an end of its own.
    if end == nil,
      sampler.isFinished || (isPastSegment && held?.segment != sampling.segment?.index)
    {
      end = .success(())
    }
  }

  private func candidate(_ step: SequenceStep) -> Candidate {
    let frame: Frame?
    let time: Double?
    switch step {
    case .frame(let decoded):
      frame = decoded
      time = media.time(of: decoded)
    case .passed(let timestamp):
      frame = nil
      time = media.time(timestamp)
      passedFrames += 1
    }
    if time != nil { hasTimes = true }
    let isKeyframe = info.isStillImage || frame?.isKeyframe ?? false
    defer { ordinal += 1 }
    return Candidate(
      frame: frame,
      stamp: .init(ordinal: ordinal, time: time, isKeyframe: isKeyframe),
      segment: cutter.segment(
        isKeyframe: isKeyframe, time: time, bytePosition: frame?.bytePosition))
  }

  /// A sampled frame. Those of other segments are compared too.
  private func take(_ candidate: Candidate) {
    var candidate = candidate
    if let comparison {
      do throws(MediaError) {
        candidate.subject = try comparison.subject(
          for: candidate.decoded, ordinal: candidate.stamp.ordinal,
          orientation: media.orientation(of: candidate.decoded))
      } catch {
        end = .failure(error)
        return
      }
    }
    if let segment = sampling.segment, segment.index != candidate.segment { return }
    ready.append(candidate)
  }

  /// Where decoding may begin: only if nobody counts what lies before.
  private static func seekTime(_ sampling: FrameSampling) -> Double? {
    guard !sampling.needsFrameNumbers, sampling.segment == nil else { return nil }
    if case .every = sampling.selection { return nil }
    return sampling.start.flatMap { $0 > 0 ? $0 : nil }
  }

  /// Times are asked for, and no frame has one.
  private var lacksTimes: Bool {
    var needsTimes = sampling.start != nil || sampling.end != nil
    if case .rate = sampling.selection { needsTimes = true }
    return needsTimes && !hasTimes && !info.isStillImage
  }

  private static let noTimes = MediaError(
    .data, "no frame has a timestamp, so none can be sampled by time: sample every Nth instead")
}
