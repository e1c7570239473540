import ArgumentParser
import FrameDecoding
import Media
import NeuralNetwork
import RetinaNetModel
import SystemPackage

/// Compares detections whose boxes are computed where candidates are with those of all boxes computed.
struct BoxesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boxes",
    abstract: "Compares boxes computed where candidates are with all boxes computed.",
    discussion: """
      Looks at each picture in both ways and fails where a bit differs. Prints a line of JSON: candidates and \
      detections of a picture, and milliseconds of the network and of its box subnet in both ways (medians, one thread).
      """)

  @OptionGroup var network: ModelOptions

  @Option(
    help: "Chooses the score threshold so that about this many pairs of the first picture pass.")
  var candidates: Int?
  @Option(help: "Pictures of noise, beside the files.")
  var generated = 0
  @Option(help: "Size of these.")
  var size: Size?
  @Option(help: "The shorter side that pictures are brought to; the model's by default.")
  var shorterSide: Int?

  @Argument(help: "Pictures and videos; all frames of these.")
  var files: [String] = []

  func run() throws {
    let source = try network.open()
    var options = DetectionOptions(shorterSide: shorterSide)
    if let candidates {
      let detector = try detector(
        source, .init(scoreThreshold: 0, candidatesPerLevel: candidates, shorterSide: shorterSide))
      options.scoreThreshold = try leastScore(detector, of: candidates)
    }
    var comparison = try BoxComparison(detector(source, options))
    try forEachPicture { picture in
      try comparison.add(picture)
      return true
    }
    try comparison.print(threshold: options.scoreThreshold)
    if comparison.different > 0 { throw ExitCode.failure }
  }

  private func detector(
    _ source: ModelOptions.Source, _ options: DetectionOptions
  ) throws -> Detector {
    try Detector(
      description: source.description, options: options, algorithm: network.algorithm,
      values: source.values)
  }

  /// The score of the first picture's last wanted candidate.
  private func leastScore(_ detector: Detector, of count: Int) throws -> Float {
    var scores: [Float] = []
    try forEachPicture { picture in
      let geometry = detector.geometry(width: picture.width, height: picture.height)
      scores = try detector.makeWorker().run(picture.pixels.span, geometry) { outputs in
        try detector.decoder.candidates(outputs.logits).flatMap(\.scores)
      }
      return false
    }
    return scores.sorted(by: >).dropFirst(count).first ?? 0
  }

  /// Calls `body` until it returns false.
  private func forEachPicture(_ body: (RGBPicture) throws -> Bool) throws {
    for file in files {
      let reader = try MediaReader(path: FilePath(file))
      while let frame = try reader.nextFrame() {
        if try !body(frame.picture) { return }
      }
    }
    for number in 0..<generated {
      let size = size ?? Size(width: 640, height: 480)
      let picture = RGBPicture(
        width: size.width, height: size.height,
        pixels: Formula.pixels("picture \(number)", count: size.width * size.height * 3))
      if try !body(picture) { return }
    }
  }
}

/// What was found, and how long it took, in both ways.
private struct BoxComparison {
  private let detector: Detector
  private let worker: DetectorWorker
  private var pictures = 0
  private(set) var different = 0
  private var candidates: [Double] = []
  private var detections: [Double] = []
  private var milliseconds: [String: [Double]] = [:]

  init(_ detector: Detector) throws {
    self.detector = detector
    worker = try detector.makeWorker()
  }

  mutating func add(_ picture: RGBPicture) throws {
    let (detector, worker) = (detector, worker)
    let geometry = detector.geometry(width: picture.width, height: picture.height)
    try detector.prepare(width: picture.width, height: picture.height)
    var candidateCount = 0
    let all = try timed("all") {
      try worker.run(picture.pixels.span, geometry) { outputs in
        candidateCount = try detector.decoder.candidates(outputs.logits).reduce(0) { $0 + $1.count }
        return try detector.decoder.detections(outputs, geometry)
      }
    }
    let found = try timed("onDemand") {
      try worker.detect(picture.pixels, width: picture.width, height: picture.height)
    }
    pictures += 1
    candidates.append(Double(candidateCount))
    detections.append(Double(found.count))
    let isEqual = zip(all, found).allSatisfy { Self.bits($0) == Self.bits($1) }
    if all.count != found.count || !isEqual { different += 1 }
  }

  private mutating func timed(
    _ way: String, _ body: () throws -> [Detection]
  ) throws -> [Detection] {
    var (all, boxes) = (Duration.zero, Duration.zero)
    worker.stepObserver = { label, duration in
      all += duration
      if label.contains("regression_head") { boxes += duration }
    }
    defer { worker.stepObserver = nil }
    let result = try body()
    milliseconds["\(way)Network", default: []].append(all.seconds * 1000)
    milliseconds["\(way)Boxes", default: []].append(boxes.seconds * 1000)
    return result
  }

  private static func bits(_ detection: Detection) -> [Int] {
    let box = detection.box
    let numbers = [detection.score, box.minX, box.minY, box.maxX, box.maxY]
    return [detection.classIndex, detection.anchorIndex] + numbers.map { Int($0.bitPattern) }
  }

  func print(threshold: Float?) throws {
    func text(_ way: String) -> String { Report.number(milliseconds[way]?.median ?? 0, 1) }
    guard pictures > 0 else { throw ValidationError("no pictures") }
    try Report.json([
      "pictures": "\(pictures)", "different": "\(different)",
      "threshold": threshold.map { "\($0)" } ?? "null",
      "candidates": Report.number(candidates.median, 0),
      "mostDetections": Report.number(detections.max() ?? 0, 0),
      "networkAll": text("allNetwork"), "networkOnDemand": text("onDemandNetwork"),
      "boxesAll": text("allBoxes"), "boxesOnDemand": text("onDemandBoxes"),
    ])
  }
}
