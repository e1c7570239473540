import BoxGeometry
import DetectionRecords
import Foundation
import Media
import RetinaNetModel
import Synchronization
import SystemPackage
import TestSupport

@testable import DetectionPipeline
@testable import FrameDecoding

/// An input that exists only in a test: frames whose pixels say which they are.
struct FakeInput: Sendable {
  var name: String
  var frames: Int
  /// Widths, in turn; every picture is 4 rows high.
  var widths = [6]
  /// Ordinals of frames for which the network gives nothing finite.
  var nonFinite: Set<Int> = []
  /// Why the input stops after its last frame, or cannot be opened where it has none.
  var failure: MediaError?
  /// Ordinals of frames that are the same as the one before them.
  var repeated: Set<Int> = []
  /// Whether it is an image of one page.
  var isImage = false
  /// Ordinals of frames before which the decoder reports an error.
  var decodeErrors: Set<Int> = []

  func width(_ index: Int) -> Int { widths[index % widths.count] }

  /// The frame that is looked at in the place of this one.
  func subject(_ index: Int) -> Int {
    var subject = index
    while repeated.contains(subject) { subject -= 1 }
    return subject
  }

  func frame(_ index: Int, wasGiven: (Int) -> Bool = { _ in true }) -> DecodedFrame {
    let width = width(subject(index))
    let subject = subject(index)
    var pixels = [UInt8](repeating: 0, count: width * 4 * 3)
    for (offset, byte) in name.utf8.prefix(8).enumerated() { pixels[offset] = byte }
    pixels[8] = UInt8(subject & 255)
    pixels[9] = UInt8(subject >> 8)
    pixels[10] = nonFinite.contains(subject) ? 1 : 0
    return DecodedFrame(
      index: index, time: Double(index) / 25, isCorrupt: index % 7 == 3, isKeyframe: index == 0,
      same: subject == index ? nil : EarlierFrame(index: subject, wasGiven: wasGiven(subject)),
      picture: RGBPicture(width: width, height: 4, pixels: pixels))
  }

  /// The records that this input must have, made by a plain loop.
  func expectedLines() throws -> [UInt8] {
    let encoder = RecordEncoder(source: try SourceName(name), labels: FakeEquipment.labels)
    var lines: [UInt8] = []
    for index in 0..<frames {
      let frame = frame(index)
      var record = FrameRecord(
        frame: index, time: frame.time, width: frame.picture.width, height: 4,
        isCorrupt: frame.isCorrupt,
        same: subject(index) == index ? nil : .frame(subject(index)), outcome: .detections([]))
      do {
        record.outcome = .detections(
          try FakeEquipment.detections(in: frame.picture.pixels).map {
            RecordedDetection(
              classIndex: $0.classIndex, score: Double($0.score), x: Double($0.box.minX),
              y: Double($0.box.minY), width: Double($0.box.width), height: Double($0.box.height))
          })
      } catch { record.outcome = .failure("\(error)") }
      encoder.append(record, to: &lines)
    }
    let hasLine = isImage && frames > 0
    if let failure, !hasLine { encoder.appendFailure(failure.reason, to: &lines) }
    return lines
  }
}

/// Decoders and detectors whose every step takes a random time.
final class FakeEquipment: Sendable {
  static let labels = LabelTable(["aztec", "qr_code", "ean_13"])

  let inputs: [SourceName: FakeInput]
  /// Most microseconds of a decoder's step and of a detector's.
  let delays: (decoding: Int, detecting: Int)
  private let random: Mutex<SeededGenerator>
  /// Columns of pictures that were decoded and not looked at yet, and the most there ever were.
  let held = Mutex((now: 0, most: 0))
  /// How many frames were looked at.
  let looks = Mutex(0)
  /// Called with the number of looks so far, before each one.
  let beforeLook: @Sendable (Int) throws -> Void

  init(
    _ inputs: [FakeInput], seed: UInt64, delays: (decoding: Int, detecting: Int) = (200, 200),
    beforeLook: @escaping @Sendable (Int) throws -> Void = { _ in }
  ) throws {
    self.inputs = Dictionary(
      uniqueKeysWithValues: try inputs.map { (try SourceName($0.name), $0) })
    self.delays = delays
    self.beforeLook = beforeLook
    random = Mutex(SeededGenerator(seed: seed))
  }

  var equipment: RunEquipment {
    RunEquipment(
      open: { job, kept, gate, _ throws(MediaError) in
        guard let input = self.inputs[job.source] else { throw MediaError(.access, "not there") }
        if let failure = input.failure, input.frames == 0 { throw failure }
        if input.isImage { gate.wait(pixels: 4 * input.width(0), bitsPerPixel: 24) }
        self.decoded(input.isImage ? input.width(0) : 0)
        return Source(input, next: kept, self)
      },
      makeDetector: { Detector(equipment: self) }, memory: { (1 << 20, 1 << 20) })
  }

  /// What is found depends on every byte that tells frames apart.
  static func detections(in pixels: [UInt8]) throws -> [Detection] {
    if pixels[10] == 1 {
      throw DetectionError.nonFiniteOutput(what: "class logits", level: 3)
    }
    let sum = pixels.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xffff }
    return (0..<sum % 4).map { ordinal in
      Detection(
        classIndex: (sum + ordinal) % 3, score: 0.9 - Float(ordinal) / 8,
        box: Box(minX: Float(sum % 13), minY: 1, maxX: Float(sum % 13) + 2.25, maxY: 3),
        anchorIndex: 0)
    }
  }

  fileprivate func decoded(_ width: Int) {
    held.withLock { held in
      held.now += width
      held.most = max(held.most, held.now)
    }
  }

  fileprivate func pause(_ most: Int) {
    guard most > 0 else { return }
    usleep(UInt32(random.withLock { $0.below(most) }))
  }

  private final class Source: FrameSource {
    let input: FakeInput
    var next: Int
    /// The last frame that was looked at and given.
    var given: Int?
    let equipment: FakeEquipment
    var report = DecodingReport()
    let info: MediaInfo

    init(_ input: FakeInput, next: Int, _ equipment: FakeEquipment) {
      self.input = input
      self.next = next
      self.equipment = equipment
      info = MediaInfo(
        container: "fake", codec: "fake", width: input.widths.max() ?? 6, height: 4,
        orientation: .upright, duration: nil, averageFrameRate: 25, timeBase: nil,
        estimatedFrames: input.isImage ? 1 : input.frames, isStillImage: input.isImage,
        remarks: [])
      for index in 0..<next { decode(index) }
    }

    private func decode(_ index: Int) {
      report.framesDecoded += 1
      if input.decodeErrors.contains(index) {
        report.decodeErrors += 1
        report.lastError = "no frame \(index)!"
      }
    }

    func nextFrame() throws(MediaError) -> DecodedFrame? {
      equipment.pause(equipment.delays.decoding)
      guard next < input.frames else {
        if let failure = input.failure { throw failure }
        return nil
      }
      decode(next)
      defer { next += 1 }
      let subject = input.subject(next)
      let frame = input.frame(next) { $0 == given }
      given = subject
      if !input.isImage, frame.same?.wasGiven != true { equipment.decoded(frame.picture.width) }
      return frame
    }
  }

  private struct Detector: FrameDetector {
    let equipment: FakeEquipment
    let times = DetectorWorker.Times()

    /// Pictures a little wider than the rest take several looks, each of which finds its share of the detections.
    func lookCount(width: Int, height: Int) -> Int { (7...9).contains(width) ? width - 5 : 1 }

    func look(_ number: Int, at picture: RGBPicture) throws -> [Detection] {
      equipment.pause(equipment.delays.detecting)
      if number == 0 { equipment.held.withLock { $0.now -= picture.width } }
      let count = lookCount(width: picture.width, height: picture.height)
      let all = try FakeEquipment.detections(in: picture.pixels)
      return all.indices.filter { $0 % count == number }.map { all[$0] }
    }

    func merge(_ found: [[Detection]]) -> [Detection] {
      found.joined().sorted { $0.score > $1.score }
    }

    func detect(_ picture: RGBPicture) throws -> [Detection] {
      let look = equipment.looks.withLock { looks in
        looks += 1
        return looks
      }
      try equipment.beforeLook(look)
      equipment.pause(equipment.delays.detecting)
      equipment.held.withLock { $0.now -= picture.width }
      return try FakeEquipment.detections(in: picture.pixels)
    }
  }
}
