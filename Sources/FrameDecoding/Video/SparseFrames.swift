import CFFmpeg

/// The frames of a video of which few are wanted: packets are read ahead, and what nobody needs is not decoded.
///
/// The times of packets say beforehand which frames will be sampled: a `FrameSampler` is asked about the same times in the
/// same order. A frame that is not wanted and to which no other refers is left out by the decoder. Where frames are not
/// counted, the rest of a group of pictures is not even sent once no wanted frame is left in it. What was left out is told
/// with its time (`SequenceStep.passed`), so that it counts.
///
/// As soon as anything is not as it should be (a packet without a time, hidden or damaged; parameter sets that change; a
/// frame that is corrupt, out of order or missing), the full decode takes over from here.
final class SparseFrames: FrameSequence {
  private let plan: PacketPlan
  private let decoder: VideoDecoder
  private let makeFull: () throws(MediaError) -> VideoFrames
  /// Whether packets may go unsent.
  private let dropsPackets: Bool
  /// Looks for what packets that go unsent would have said of those after them; nil for codecs without such things.
  private var refreshes: RefreshPoints?

  /// Of the group at hand: packets that are left, and those among them that are sent.
  private var group = (length: 0, toSend: 0)
  /// Of the group at hand, what is shown before its keyframe leans on pictures that were not sent.
  private var leadsNowhere = false
  private var groupStart = Int64.min
  /// The decoder was emptied, for packets went unsent.
  private var isDetached = false
  private var needsKeyframe = false

  private var steps: ArraySlice<SequenceStep> = []
  /// The time of the last step.
  private var last: Int64?
  private var isDoubtful = false
  private var isOver = false
  private var full: VideoFrames?
  private var ownReport = DecodingReport()

  /// Begins at the demuxer's start; nil where times or packets do not tell enough, and where all frames are wanted.
  ///
  /// - Parameters:
  ///   - demuxer: nothing was read from it.
  ///   - sampling: which frames are wanted.
  ///   - limits: of the decoder.
  ///   - log: of the reader.
  ///   - makeFull: opens the input anew.
  /// - Throws: a data failure if the codec is unknown or its parameters are damaged.
  init?(
    _ demuxer: Demuxer, sampling: FrameSampling, limits: MediaLimits, log: FFmpegLog,
    makeFull: @escaping () throws(MediaError) -> VideoFrames
  ) throws(MediaError) {
    var countsFrames = sampling.needsFrameNumbers
    switch sampling.selection {
    case .all, .keyframes: return nil
    case .every: countsFrames = true
    case .rate: break
    }
    guard sampling.segment == nil, !countsFrames || demuxer.hasOneFrameAPacket,
      let plan = PacketPlan(demuxer, sampling: sampling)
    else { return nil }
    self.plan = plan
    self.makeFull = makeFull
    dropsPackets = !countsFrames
    if dropsPackets {
      refreshes = RefreshPoints(demuxer.stream.pointee.codecpar)
      guard refreshes != nil || !RefreshPoints.suits(demuxer.stream.pointee.codecpar) else {
        return nil
      }
    }
    decoder = try VideoDecoder(
      demuxer.stream.pointee.codecpar, timeBase: demuxer.stream.pointee.time_base, limits: limits,
      log: log)
    demuxer.source.noteFrame()
  }

  var report: DecodingReport { full?.report ?? ownReport }

  func nextStep() throws(MediaError) -> SequenceStep? {
    while true {
      if let full { return try full.nextStep() }
      if let step = steps.popFirst() { return step }
      if isDoubtful {
        let full = try makeFull()
        self.full = full
        return try full.nextStep(after: last)
      }
      if isOver {
        try plan.end?.get()
        return nil
      }
      if !advance() { isDoubtful = true }
    }
  }

  /// Sends or drops one packet, or ends.
  ///
  /// - Returns: false where the full decode might give something else.
  private func advance() -> Bool {
    if group.length == 0 {
      guard readAhead() else { return false }
      if plan.entries.isEmpty { return finish() }
      beginGroup()
    }
    guard let entry = plan.popFirst() else { return false }
    group.length -= 1
    ownReport.framesDecoded += 1
    if group.toSend == 0 {
      plan.demuxer.source.noteFrame()
      return isDetached || empty()
    }
    group.toSend -= 1
    if leadsNowhere && entry.timestamp < groupStart { return true }
    // The first one after a gap is shown, wanted or not: it tells whether the decoder could begin there.
    decoder.skipsUnreferenced = !needsKeyframe && plan.isWanted(entry.timestamp) == false
    guard case .accepted = decoder.send(entry.packet), decoder.missingFeature == nil else {
      return false
    }
    return receive()
  }

  /// Decides what is sent of the packets up to the next keyframe.
  private func beginGroup() {
    let entries = plan.entries
    let first = entries.startIndex
    leadsNowhere = isDetached
    if isDetached {
      groupStart = entries[first].timestamp
    }
    let next = nextGroup
    if dropsPackets, let end = next ?? (plan.end == nil ? nil : entries.endIndex) {
      // Pictures shown before the next keyframe lean on this group.
      let leading = entries[end...].dropFirst().prefix { !$0.isKey }
        .filter { $0.timestamp < entries[end].timestamp }
      let isLeanedOn = leading.contains { plan.isWanted($0.timestamp) != false }
      let lastWanted = entries[..<end].lastIndex { plan.isWanted($0.timestamp) != false }
      group = (end - first, isLeanedOn ? end - first : lastWanted.map { $0 - first + 1 } ?? 0)
    } else {
      group = (1, 1)
    }
    if isDetached && group.toSend > 0 {
      isDetached = false
      needsKeyframe = true
    }
  }

  /// Where the next group begins, if all that is shown before its keyframe was read and planned.
  private var nextGroup: Int? {
    let entries = plan.entries
    guard let end = entries.dropFirst().firstIndex(where: \.isKey),
      plan.settled > entries[end].timestamp || plan.end != nil,
      entries[..<end].allSatisfy({ plan.isWanted($0.timestamp) != nil })
    else { return nil }
    return end
  }

  /// Lets the decoder give what it has, and forget it.
  private func empty() -> Bool {
    guard case .accepted = decoder.send(nil), receive() else { return false }
    decoder.flush()
    isDetached = true
    return true
  }

  private func finish() -> Bool {
    guard isDetached || empty() else { return false }
    isOver = true
    // A file without a frame is left to the full decode, which knows what to say of it.
    return passExpected(before: .max) && last != nil
  }

  /// Takes the frames that the decoder has ready.
  private func receive() -> Bool {
    while true {
      switch decoder.receive() {
      case .needsPacket, .ended: return true
      case .damaged: return false
      case .frame(let frame): guard take(frame) else { return false }
      }
    }
  }

  private func take(_ frame: Frame) -> Bool {
    guard frame.hasOwnTimestamp, let timestamp = frame.timestamp, !frame.isCorrupt,
      passExpected(before: timestamp), plan.expected.first == timestamp
    else { return false }
    if needsKeyframe {
      guard frame.isKeyframe, frame.isIntra, timestamp == groupStart else { return false }
      needsKeyframe = false
    }
    plan.popExpected()
    steps.append(.frame(frame))
    last = timestamp
    plan.demuxer.source.noteFrame()
    return true
  }

  /// Tells of frames that were left out; false if one of them was wanted.
  private func passExpected(before limit: Int64) -> Bool {
    while let timestamp = plan.expected.first, timestamp < limit {
      guard plan.isWanted(timestamp) == false else { return false }
      plan.popExpected()
      steps.append(.passed(timestamp: timestamp))
      last = timestamp
    }
    return true
  }

  /// Reads until it is known what to do with the next packet; false where packets do not tell.
  private func readAhead() -> Bool {
    while plan.end == nil {
      if let first = plan.entries.first {
        let isPlanned = plan.isWanted(first.timestamp) != nil
        if isPlanned && (!dropsPackets || plan.isFull || nextGroup != nil) { return true }
        if !isPlanned && plan.isFull { return false }
      }
      guard readPacket() else { return false }
    }
    return true
  }

  private func readPacket() -> Bool {
    let count = plan.entries.count
    guard plan.read() else { return false }
    guard plan.entries.count > count, let packet = plan.entries.last?.packet else { return true }
    return refreshes?.kind(of: packet) != .doubtful
  }
}
