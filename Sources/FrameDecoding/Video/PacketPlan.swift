import CFFmpeg

/// The packets of a video, read ahead, and which of their pictures will be sampled: their times tell it before anything
/// is decoded, for a `FrameSampler` is asked about the same times in the same order.
final class PacketPlan {
  /// A packet that was read.
  struct Entry {
    let packet: Packet
    let timestamp: Int64
    /// A picture that the decoder will call a keyframe, as container and codec say.
    let isKey: Bool
  }

  /// How many pictures at most come before another one in the file and are shown after it: H.264 (A.3.1) and H.265
  /// (A.4.2) have room for 16, and others reorder fewer.
  private static let mostReordered = 16
  /// So much is read ahead at most.
  private static let mostEntries = 1500
  private static let mostBytes = 64 << 20

  let demuxer: Demuxer
  /// What was read and not taken, in the order of decoding.
  private(set) var entries: ArraySlice<Entry> = []
  /// How reading ended; nil: it goes on.
  private(set) var end: Result<Void, MediaError>?
  /// Packets to come have no time before it.
  private(set) var settled = Int64.min
  /// Times that were planned and not taken, in the order of presentation.
  private(set) var expected: ArraySlice<Int64> = []

  private let inspector: PacketInspector
  private var entryBytes = 0
  private var lastDecodingTime = Int64.min
  /// The latest that were read, in their order, where packets have no time of decoding.
  private var latest: [Int64] = []
  private var sampler: FrameSampler
  private var plannedFrames = 0
  /// Times that were read and not planned.
  private var unplanned: [Int64] = []
  /// The one that the next one decides about.
  private var held: Int64?
  private var isWanted: [Int64: Bool] = [:]

  /// Begins at the demuxer's start; nil where times or packets do not tell enough.
  ///
  /// - Parameters:
  ///   - demuxer: nothing was read from it.
  ///   - sampling: which frames are wanted, but not by whether they are keyframes.
  init?(_ demuxer: Demuxer, sampling: FrameSampling) {
    guard demuxer.format.timesEveryPacket,
      let inspector = PacketInspector(demuxer.stream.pointee.codecpar)
    else { return nil }
    self.demuxer = demuxer
    self.inspector = inspector
    sampler = FrameSampler(sampling, mayJumpInTime: demuxer.format.mayJumpInTime)
  }

  /// Whether no more is to be read before some is taken.
  var isFull: Bool { entries.count >= Self.mostEntries || entryBytes >= Self.mostBytes }

  /// Whether the picture of this time will be sampled; nil where that is not known yet.
  func isWanted(_ timestamp: Int64) -> Bool? { isWanted[timestamp] }

  /// Takes the next packet.
  func popFirst() -> Entry? {
    guard let entry = entries.popFirst() else { return nil }
    entryBytes -= entry.packet.byteCount
    return entry
  }

  /// Takes the time that is shown next, of a picture that has come or was left out.
  func popExpected() {
    guard let timestamp = expected.popFirst() else { return }
    isWanted[timestamp] = nil
  }

  /// Reads a packet; false where it does not tell enough.
  func read() -> Bool {
    let packet = Packet()
    switch demuxer.read(into: packet) {
    case .damaged: return false
    case .failed(let failure): end(.failure(failure))
    case .ended: end(.success(()))
    case .packet:
      let kind = inspector.kind(of: packet)
      guard let timestamp = packet.presentationTime, timestamp >= settled, kind != .field,
        !packet.isCorrupt, packet.byteCount > 0, !packet.isHidden, !unplanned.contains(timestamp),
        settle(packet, timestamp)
      else { return false }
      entries.append(
        Entry(packet: packet, timestamp: timestamp, isKey: packet.isKey && kind == .keyframe))
      entryBytes += packet.byteCount
      unplanned.append(timestamp)
      plan(before: settled)
    }
    return true
  }

  /// Finds out from which time on packets are to come: none is shown before it is decoded, nor before more pictures than
  /// can be kept back. False where times of decoding fall.
  private func settle(_ packet: Packet, _ timestamp: Int64) -> Bool {
    if let decoding = packet.decodingTime {
      guard decoding >= lastDecodingTime else { return false }
      lastDecodingTime = decoding
      settled = max(settled, decoding)
    } else {
      latest.insert(timestamp, at: latest.firstIndex { timestamp < $0 } ?? latest.endIndex)
      if latest.count > Self.mostReordered + 1 { latest.removeFirst() }
      if latest.count > Self.mostReordered { settled = max(settled, latest[0]) }
    }
    return true
  }

  private func end(_ result: Result<Void, MediaError>) {
    end = result
    plan(before: .max)
    if let held { isWanted[held] = false }
    held = nil
  }

  private func plan(before limit: Int64) {
    for timestamp in unplanned.filter({ $0 < limit }).sorted() {
      let decision = sampler.decide(
        .init(ordinal: plannedFrames, time: demuxer.time(timestamp), isKeyframe: false))
      plannedFrames += 1
      expected.append(timestamp)
      if let held, decision.heldFrame != .held { isWanted[held] = decision.heldFrame == .sampled }
      if decision.frame != .held { isWanted[timestamp] = decision.frame == .sampled }
      if decision.heldFrame != .held { held = decision.frame == .held ? timestamp : nil }
    }
    unplanned.removeAll { $0 < limit }
  }
}
