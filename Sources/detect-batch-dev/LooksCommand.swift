import ArgumentParser
import BoxGeometry
import Checkpoints
import RetinaNetModel
import SystemPackage

/// Writes what is found in a picture that is looked at in tiles, mirrored, or with soft suppression.
struct LooksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "looks",
    abstract: "Writes the detections of one picture in several looks.",
    discussion: "Writes the tensors of `heads` but the heads' own; `anchors` are not written.")

  @OptionGroup var network: ModelOptions
  @OptionGroup var decoding: DecodingOptions
  @OptionGroup var tiles: TileOptions
  @Flag var flip = false
  @Flag var classAgnosticNMS = false
  @Option(help: "linear, or the sigma of gaussian.")
  var softNMS: String?

  @Argument(help: "A file of width x height x 3 bytes, red first.")
  var picture: String

  func run() throws {
    let source = try network.open()
    var options = decoding.options
    options.tiling = tiles.tiling
    options.flip = flip
    options.classAgnosticNMS = classAgnosticNMS ? true : nil
    options.softNMS = softNMS.map { text in
      Double(text).map { DetectionOptions.SoftNMS.gaussian(sigma: $0) } ?? .linear
    }
    let detector = try Detector(
      description: source.description, options: options, algorithm: network.algorithm,
      values: source.values)
    let (width, height) = (decoding.size.width, decoding.size.height)
    let pixels = try RawPicture.bytes(picture, count: width * height * 3)
    let detections = try detector.makeWorker().detect(pixels, width: width, height: height)
    try BoxTensors.write(
      detections.map(\.box), detections.map(\.score), to: decoding.output,
      more: ["labels": detections.map { Float($0.classIndex) }])
  }
}

/// Prints where the tiles of a picture lie.
struct TilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tiles", abstract: "Prints x, y, width and height of each region, as JSON.")

  @OptionGroup var tiles: TileOptions
  @Argument(help: "The picture's size.")
  var size: Size

  func run() {
    let regions = PictureRegions(width: size.width, height: size.height, tiling: tiles.tiling)
    let texts = regions.map { "[\($0.x),\($0.y),\($0.width),\($0.height)]" }
    print("[\(texts.joined(separator: ","))]")
  }
}

/// Merges what looks found elsewhere, or suppresses it softly.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Suppresses boxes from elsewhere, and writes which stay and with what scores.",
    discussion: "Reads boxes [n, 4] (corners), scores and labels [n]; writes kept and scores [m].")

  @OptionGroup var tiles: TileOptions
  @Flag var classAgnosticNMS = false
  @Option(
    help: "linear (its threshold is --tile-merge-threshold), or the sigma of gaussian.")
  var softNMS: String?
  @Option(help: "What soft suppression leaves scores above this.")
  var leastScore: Float = 0.001
  @Argument var boxes: String
  @Option(name: .shortAndLong) var output: String

  func run() throws {
    let checkpoint = try Checkpoint(contentsOf: FilePath(boxes))
    func values(_ name: String) throws -> [Float] {
      guard let tensor = checkpoint.tensors[name] else {
        throw ValidationError("\(boxes) has no tensor \(name)")
      }
      return try tensor.floats()
    }
    let (corners, scores) = (try values("boxes"), try values("scores"))
    let all = scores.indices.map { index in
      Box(
        minX: corners[index * 4], minY: corners[index * 4 + 1], maxX: corners[index * 4 + 2],
        maxY: corners[index * 4 + 3])
    }
    let classes = classAgnosticNMS ? nil : try values("labels").map { Int($0) }
    let kept: [DecayedBox]
    if let softNMS {
      let decay =
        Double(softNMS).map { ScoreDecay.gaussian(sigma: $0) }
        ?? .linear(threshold: tiles.tileMergeThreshold)
      kept = softNonMaximumSuppression(
        boxes: all, scores: scores, classIndices: classes, decay: decay,
        leastScores: scores.map { _ in leastScore })
    } else {
      kept = mergingSuppression(
        boxes: all, scores: scores, classIndices: classes, measure: tiles.tileMerge,
        threshold: tiles.tileMergeThreshold
      ).map { DecayedBox(index: $0, score: scores[$0]) }
    }
    try BoxTensors.write(
      kept.map { all[$0.index] }, kept.map(\.score), to: output,
      more: ["kept": kept.map { Float($0.index) }])
  }
}

/// A tiling, for commands of which some have none.
struct TileOptions: ParsableArguments {
  @Option var tile: Int?
  @Option var tileOverlap = 0.2
  @Option var tileMerge = OverlapMeasure.ios
  @Option var tileMergeThreshold = 0.5
  @Flag var noTileWhole = false

  var tiling: Tiling? {
    tile.map {
      Tiling(
        side: $0, overlap: tileOverlap, measure: tileMerge, threshold: tileMergeThreshold,
        includesWhole: !noTileWhole)
    }
  }
}

extension OverlapMeasure: ExpressibleByArgument {}

/// Boxes in a safetensors file.
enum BoxTensors {
  static func write(
    _ boxes: [Box], _ scores: [Float], to path: String, more: [String: [Float]]
  ) throws {
    let corners = SafetensorsFile.Tensor(name: "boxes", shape: [boxes.count, 4]) {
      boxes.flatMap { [$0.minX, $0.minY, $0.maxX, $0.maxY] }
    }
    let others = more.merging(["scores": scores]) { $1 }.map { name, values in
      SafetensorsFile.Tensor(name: name, shape: [values.count]) { values }
    }
    try SafetensorsFile.write([corners] + others, metadata: [:], to: FilePath(path))
  }
}

/// A picture in a file of nothing but its bytes.
enum RawPicture {
  static func bytes(_ path: String, count: Int) throws -> [UInt8] {
    let file = try FileDescriptor.open(FilePath(path), .readOnly)
    let bytes = try file.closeAfter {
      try [UInt8](unsafeUninitializedCapacity: count + 1) { buffer, filled in
        while filled < count + 1 {
          let rest = UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
          let read = try file.read(into: rest)
          if read == 0 { break }
          filled += read
        }
      }
    }
    guard bytes.count == count else {
      throw ValidationError("\(path) does not hold \(count) bytes")
    }
    return bytes
  }
}
