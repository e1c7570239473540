import Media
import TestSupport
import Testing

@testable import FrameDecoding

struct DecoderMessageTests {
  static let report: DecodingReport = {
    var report = DecodingReport()
    report.framesDecoded = 7
    report.corruptFrames = 1
    report.decodeErrors = 2
    report.untimedFrames = 3
    report.lastError = "damaged: ä"
    return report
  }()

  static let info = MediaInfo(
    container: "mov,mp4", codec: "h264", width: 640, height: 480, orientation: .turnedLeft,
    duration: 12.5, averageFrameRate: nil, timeBase: Ratio(1, 600), estimatedFrames: 300,
    isStillImage: false,
    remarks: ["one", "two"])

  static let replies: [DecoderReply] = [
    .ready(lacking: []), .ready(lacking: ["TCP is not refused"]), .opened(info, report),
    .asksForMemory(12_345), .asksForSlot(width: 3, height: 4),
    .asksForLattice(width: 5, height: 6),
    .frame(
      FrameFacts(index: nil, time: -1.25, isCorrupt: true, isKeyframe: false), width: 6, height: 4,
      report),
    .frame(
      FrameFacts(index: 9, time: nil, isCorrupt: false, isKeyframe: true), width: 1, height: 1,
      DecodingReport()),
    .frame(
      FrameFacts(
        index: 9, time: 1, isCorrupt: false, isKeyframe: false,
        same: EarlierFrame(index: 4, wasGiven: true)), width: 1, height: 1, DecodingReport()),
    .frame(
      FrameFacts(
        index: nil, time: 1, isCorrupt: false, isKeyframe: false,
        same: EarlierFrame(index: nil, wasGiven: false)), width: 1, height: 1, DecodingReport()),
    .ended(report), .failed(MediaError(.access, "gone"), report),
    .failed(MediaError(.data, ""), DecodingReport()), .progress(99),
    .found(FrameFacts(index: 3, time: 0.5, isCorrupt: false, isKeyframe: true)),
    .sourceFrame(
      SourceFrameFacts(
        index: 8, time: 1.5, timestamp: -3, duration: 2, pixelShape: Ratio(4, 3),
        colour: ColourDescription(matrix: 9, primaries: 9, transfer: 16, isFullRange: true)),
      width: 5, height: 3, report),
    .sourceFrame(
      SourceFrameFacts(
        index: 0, time: nil, timestamp: nil, duration: nil, pixelShape: nil, colour: .bt601),
      width: 1, height: 1, DecodingReport()),
    .sound(nil), .sound(sound), .packet(PacketFacts(timestamp: -7, duration: 0, bytes: 9)),
    .samples(SampleFacts(timestamp: nil, sampleRate: 8000, channels: 2, count: 1024)),
    .samples(SampleFacts(timestamp: 5, sampleRate: 8000, channels: 1, count: 1)),
  ]

  static let sound = SoundFormat(
    codec: "aac", timeBase: Ratio(1, 48_000), sampleRate: 48_000, channels: 2,
    channelMask: .max - 5, header: [0x11, 0x90], profile: -99, bitRate: 128_000, frameSamples: 1024,
    blockBytes: 4, primingSamples: 2048)

  static let requests: [DecoderRequest] = {
    var open = OpenRequest(fileExtension: "mp4", skipping: 5, hasGate: true)
    open.sampling = FrameSampling(
      selection: .rate(2.5), start: 1, end: 2, maxFrames: 3, needsFrameNumbers: false,
      segment: .init(index: 1, count: 4), sameness: .still(2.5))
    open.limits.maxStreams = 17
    open.limits.decoders = 7
    open.limits.bytesAhead = 12_345
    return [
      .open(open), .open(OpenRequest()),
      .open(OpenRequest(sampling: FrameSampling(selection: .every(3), sameness: .equalPixels))),
      .open(OpenRequest(sampling: FrameSampling(selection: .keyframes))), .next(nil),
      .next(FrameSlot(offset: 65_536, capacity: 131_072)), .slot(FrameSlot(offset: 0, capacity: 1)),
      .pass, .close, .lattice(nil), .lattice(PictureLattice(rows: [0, 3, 9], columns: [7])),
      .open(OpenRequest(hasLattice: true)), .find, .nextSource(nil),
      .nextSource(FrameSlot(offset: 1, capacity: 2)), .openSound(fileExtension: nil),
      .openSound(fileExtension: "mov"), .nextPacket(FrameSlot(offset: 3, capacity: 4)),
      .nextSamples(FrameSlot(offset: 5, capacity: 6)),
    ]
  }()

  @Test(arguments: replies) func repliesArriveAsTheyWere(_ reply: DecoderReply) throws {
    #expect(try DecoderReply(reply.message[...]) == reply)
  }

  @Test(arguments: requests) func requestsArriveAsTheyWere(_ request: DecoderRequest) throws {
    #expect(try DecoderRequest(request.message[...]) == request)
  }

  @Test(arguments: replies) func everyPartOfAReplyIsRefused(_ reply: DecoderReply) {
    let message = reply.message
    for count in 0..<message.count {
      #expect(throws: MessageError.self) { try DecoderReply(message[..<count]) }
    }
    #expect(throws: MessageError.self) { try DecoderReply((message + [0])[...]) }
  }

  /// Whatever the bytes, the answer is a value within its bounds or an error, and no trap.
  @Test func noBytesBreakTheReader() {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200_000 {
      var message = Self.replies[random.below(Self.replies.count)].message
      for _ in 0...random.below(3) {
        message[random.below(message.count)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let reply = try? DecoderReply(message[...]) else { continue }
      switch reply {
      case .frame(let facts, let width, let height, let report):
        #expect((facts.index ?? 0) >= 0 && (facts.time ?? 0).isFinite, "seed \(seed)")
        #expect(width > 0 && height > 0 && !width.multipliedReportingOverflow(by: height).overflow)
        #expect(report.decodeErrors >= 0 && report.decodeErrors <= 1 << 50, "seed \(seed)")
      case .sourceFrame(let facts, let width, let height, _):
        #expect(facts.index >= 0 && (facts.time ?? 0).isFinite && (facts.duration ?? 1) > 0)
        #expect(width > 0 && height > 0, "seed \(seed)")
      case .packet(let facts): #expect(facts.bytes <= MediaLimits.maxSoundBytes, "seed \(seed)")
      case .samples(let facts): #expect(facts.bytes <= MediaLimits.maxSoundBytes, "seed \(seed)")
      case .asksForMemory(let bytes): #expect(bytes >= 0 && bytes <= 1 << 50, "seed \(seed)")
      default: break
      }
    }
  }

  /// Who draws counts on a clock, and divides by the speed.
  @Test(arguments: [(false, 25), (true, 0), (true, -1)])
  func aVideoWithoutAClockOrOfNoSpeedIsRefused(hasClock: Bool, rate: Double) {
    let info = MediaInfo(
      container: "mov", codec: "h264", width: 64, height: 48, orientation: .upright, duration: nil,
      averageFrameRate: rate, timeBase: hasClock ? Ratio(1, 25) : nil, estimatedFrames: nil,
      isStillImage: false, remarks: [])
    let message = DecoderReply.opened(info, DecodingReport()).message
    #expect(throws: MessageError.self) { try DecoderReply(message[...]) }
  }

  @Test func textCommandsNoTerminal() throws {
    let reply = DecoderReply.failed(MediaError(.data, "a\u{1b}[31mb\nc\u{9b}d"), DecodingReport())
    guard case .failed(let error, _) = try DecoderReply(reply.message[...]) else {
      Issue.record("another reply")
      return
    }
    #expect(error.reason == "a [31mb c d")
  }

  @Test func aLongTextIsCut() throws {
    let text = String(repeating: "x", count: 100_000)
    let reply = DecoderReply.failed(MediaError(.data, text), DecodingReport())
    #expect(reply.message.count <= Message.maxBytes)
    guard case .failed(let error, _) = try DecoderReply(reply.message[...]) else {
      Issue.record("another reply")
      return
    }
    #expect(error.reason == String(repeating: "x", count: Message.maxTextBytes))
  }
}
