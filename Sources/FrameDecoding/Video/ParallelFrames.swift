import CFFmpeg

/// The frames of a video, decoded by several decoders at once: the packets are read in their order, and each stretch from
/// one refresh to another (`RefreshPoints`) goes to the decoder that is free.
///
/// That these are the frames of one decoder is not assumed. Each decoder goes on to the picture with which the next part
/// begins, which must have the very pixels that the decoder of that part has made of it. And every packet has to become
/// one whole frame with the packet's time, in the order of times. As soon as anything is otherwise, one decoder takes over
/// from here, which begins at the start of the file.
///
/// Where frames are not counted, the rest of a group of pictures is not even decoded once no wanted frame is left in it, as
/// in `SparseFrames`. Such a part goes on to no other: a decoder that begins anew confirms nothing.
final class ParallelFrames: FrameSequence {
  /// So many packets a part has at least: its first picture is decoded twice.
  private static let leastPackets = 48
  /// Bytes of packets that are handed out, where that is more than two parts.
  private static let mostBytes = 64 << 20

  private let plan: PacketPlan
  let team: DecoderTeam
  private let makeSingle: () throws(MediaError) -> any FrameSequence
  private var refreshes: RefreshPoints
  /// Whether packets may go unsent.
  private let dropsPackets: Bool
  /// Places among the packets that were read, at which parts may begin.
  private var cuts: ArraySlice<Int> = []
  /// Those of them that were passed since the last part, which was too short there.
  private var passedCuts: [Int] = []
  /// The part to come begins with a picture that the one before it has made, too.
  private var isCompared = false
  /// The first packet was a refresh.
  private var isBegun = false
  private var isReadable = true
  /// Bytes of the parts that were handed out and have not ended.
  private var partsAhead: ArraySlice<Int> = []

  /// What the part at hand has to begin with, by the one before it.
  private var beginning: Frame?
  /// The time of the last step.
  private var last: Int64?
  private var isDoubtful = false
  /// The one decoder's frames that have taken over; nil: they have not.
  private(set) var single: (any FrameSequence)?
  private var ownReport = DecodingReport()

  /// Whether a video could be decoded so, as far as it is known without reading it.
  static func suits(_ demuxer: Demuxer, sampling: FrameSampling, limits: MediaLimits) -> Bool {
    guard limits.decoders > 1, sampling.segment == nil, demuxer.format.timesEveryPacket,
      RefreshPoints(demuxer.stream.pointee.codecpar) != nil
    else { return false }
    return sampling.selection != .keyframes
  }

  /// Begins at the demuxer's start; nil where there is nothing to share out, or a doubt at once.
  ///
  /// - Parameters:
  ///   - demuxer: one that suits; nothing was read from it.
  ///   - sampling: which frames are wanted.
  ///   - limits: of the decoders.
  ///   - makeSingle: opens the input anew, for one decoder.
  /// - Throws: a data failure if the parameters of the codec are damaged.
  init?(
    _ demuxer: Demuxer, sampling: FrameSampling, limits: MediaLimits,
    makeSingle: @escaping () throws(MediaError) -> any FrameSequence
  ) throws(MediaError) {
    guard let plan = PacketPlan(demuxer, sampling: sampling),
      let refreshes = RefreshPoints(demuxer.stream.pointee.codecpar)
    else { return nil }
    self.plan = plan
    self.refreshes = refreshes
    self.makeSingle = makeSingle
    if case .rate = sampling.selection {
      dropsPackets = !sampling.needsFrameNumbers
    } else {
      dropsPackets = false
    }
    team = try DecoderTeam(
      demuxer.stream.pointee.codecpar, timeBase: demuxer.stream.pointee.time_base,
      orientation: demuxer.orientation?.0, limits: limits,
      leavesOut: demuxer.hasOneFrameAPacket || dropsPackets)
    guard let first = readPart(), !plan.entries.isEmpty, let start = first.pictures.first else {
      return nil
    }
    team.begin(startingWith: start.packet)
    handOut(first)
    demuxer.source.noteFrame()
  }

  deinit { team.stop() }

  var report: DecodingReport { single?.report ?? ownReport }

  func nextStep() throws(MediaError) -> SequenceStep? {
    while true {
      if let single { return try single.nextStep() }
      if isDoubtful {
        team.stop()
        let single = try makeSingle()
        self.single = single
        return try single.nextStep(after: last)
      }
      readAhead()
      if partsAhead.isEmpty {
        isDoubtful = !isReadable
        if isDoubtful { continue }
        try plan.end?.get()
        return nil
      }
      switch team.next() {
      case .frame(let frame) where isWhatItHasToBe(frame):
        beginning = nil
        return note(.frame(frame), frame.timestamp)
      case .passed(let timestamp): return note(.passed(timestamp: timestamp), timestamp)
      case .ended(let next):
        _ = partsAhead.popFirst()
        beginning = next
      case .frame, .doubt: isDoubtful = true
      }
    }
  }

  private func isWhatItHasToBe(_ frame: Frame) -> Bool {
    guard let beginning else { return true }
    return frame.timestamp == beginning.timestamp && frame.duration == beginning.duration
      && frame.hasFormat(of: beginning) && frame.hasPixels(of: beginning)
  }

  private func note(_ step: SequenceStep, _ timestamp: Int64?) -> SequenceStep {
    last = timestamp
    ownReport.framesDecoded += 1
    plan.demuxer.source.noteFrame()
    return step
  }

  /// Keeps the decoders at work.
  private func readAhead() {
    while partsAhead.count < 2
      || partsAhead.count <= team.count && partsAhead.reduce(0, +) < Self.mostBytes
    {
      guard let part = readPart() else { return }
      handOut(part)
    }
  }

  private func handOut(_ part: DecoderTeam.Part) {
    partsAhead.append(part.pictures.reduce(0) { $0 + $1.packet.byteCount })
    team.take(part)
  }

  /// Reads up to the next place where a part may begin; nil where nothing is left or packets do not tell enough.
  private func readPart() -> DecoderTeam.Part? {
    while isReadable {
      if let cut = nextCut() { return part(upTo: cut) }
      if plan.end != nil {
        return plan.entries.isEmpty ? nil : part(upTo: plan.entries.endIndex)
      }
      isReadable = !plan.isFull && readPacket()
    }
    return nil
  }

  private func readPacket() -> Bool {
    let count = plan.entries.count
    guard plan.read() else { return false }
    guard plan.entries.count > count, let entry = plan.entries.last else { return true }
    let kind = refreshes.kind(of: entry.packet)
    let isRefresh = kind == .refresh && entry.isKey
    if isRefresh { cuts.append(plan.entries.endIndex - 1) }
    defer { isBegun = true }
    return kind != .doubtful && (isRefresh || isBegun)
  }

  /// The next place before which everything is shown that was read before it, and after which everything else.
  private func nextCut() -> Int? {
    let entries = plan.entries
    while let cut = cuts.first {
      let time = entries[cut].timestamp
      guard plan.settled > time || plan.end != nil else { return nil }
      _ = cuts.popFirst()
      guard
        entries[..<cut].allSatisfy({ $0.timestamp < time && plan.isWanted($0.timestamp) != nil }),
        entries[cut...].dropFirst().allSatisfy({ $0.timestamp > time })
      else { continue }
      if cut - entries.startIndex >= Self.leastPackets { return cut }
      passedCuts.append(cut)
    }
    return nil
  }

  private func part(upTo cut: Int) -> DecoderTeam.Part {
    let sent = sentPackets(upTo: cut)
    let next = cut < plan.entries.endIndex && sent.last == true ? plan.entries[cut] : nil
    isCompared = next != nil
    var pictures: [DecoderTeam.Picture] = []
    for isSent in sent {
      guard let entry = plan.popFirst() else { break }
      pictures.append(
        .init(
          packet: entry.packet, timestamp: entry.timestamp,
          isWanted: plan.isWanted(entry.timestamp) != false, isSent: isSent))
    }
    for _ in pictures { plan.popExpected() }
    return DecoderTeam.Part(
      pictures: pictures,
      next: next.map {
        .init(
          packet: Packet(sharing: $0.packet), timestamp: $0.timestamp, isWanted: true, isSent: true)
      })
  }

  /// Which of a part's packets are decoded: of each group up to the last wanted picture, and what is compared.
  private func sentPackets(upTo cut: Int) -> [Bool] {
    let entries = plan.entries[..<cut]
    let bounds = [entries.startIndex] + passedCuts + [cut]
    passedCuts = []
    guard dropsPackets else { return entries.map { _ in true } }
    var sent: [Bool] = []
    for (start, end) in zip(bounds, bounds.dropFirst()) {
      let last = entries[start..<end].lastIndex { plan.isWanted($0.timestamp) != false }
      sent += (start..<end).map { place in last.map { place <= $0 } ?? false }
    }
    sent[0] = sent[0] || isCompared
    return sent
  }
}
