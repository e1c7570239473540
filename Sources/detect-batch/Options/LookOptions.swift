import ArgumentParser
import BoxGeometry
import DetectionPipeline
import RetinaNetModel

/// How pictures are looked at: at which size, in how many parts, how often; and how what was found is put together.
struct LookOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Bring the shorter side of pictures to so many pixels. (default: the model's)",
      valueName: "pixels"),
    transform: OptionValue.inputSide)
  var size: Int?

  @Option(
    help: ArgumentHelp(
      "But the longer side to no more than this. (default: the model's, in proportion to --size)",
      valueName: "pixels"),
    transform: OptionValue.inputSide)
  var maxSize: Int?

  @Option(
    help: ArgumentHelp(
      "Look at large pictures in tiles of this side, each as a picture of its own, and at the whole; the last "
        + "of a row or a column is moved inwards. What several have found is suppressed once more. "
        + "--max-detections then has no default. Memory is that of a tile, and of the picture: up to 8 bytes a pixel "
        + "while it is decoded, then 3. (default: the whole picture only)",
      valueName: "pixels"),
    transform: OptionValue.tileSide)
  var tile: Int?

  @Option(
    help: ArgumentHelp(
      "The share that neighbouring tiles have in common, 0 to 0.9: at least as large as the objects. "
        + "(default: 0.2)", valueName: "share"),
    transform: OptionValue.tileOverlap)
  var tileOverlap: Double?

  @Option(
    help: ArgumentHelp(
      "How overlap is counted between detections of tiles: the intersection over the smaller box (ios), which "
        + "also removes pieces of objects that a tile has cut, or over the union (iou). (default: ios)",
      valueName: "ios|iou"),
    completion: .list(OverlapMeasure.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var tileMerge: OverlapMeasure?

  @Option(
    help: ArgumentHelp(
      "Of two detections of tiles that overlap by more than this, the lesser goes. (default: 0.5)",
      valueName: "overlap"),
    transform: OptionValue.fraction)
  var tileMergeThreshold: Double?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Besides the tiles, look at the whole picture, for objects larger than the tiles' overlap. (default: "
        + "--tile-whole)"))
  var tileWhole: Bool?

  @Flag(
    help: ArgumentHelp(
      "Look at the mirror image of each picture (or tile) too: twice the time. What both show is suppressed "
        + "by --nms-threshold."))
  var flip = false

  @Option(
    name: .customLong("soft-nms"),
    help: ArgumentHelp(
      "Lower the scores of boxes that overlap a better one, instead of dropping them: times 1 - IoU where that "
        + "exceeds --nms-threshold (linear), or times exp(-IoU²/sigma) (gaussian). Scores are recorded as lowered, "
        + "and reported above their threshold as ever. (default: drop them)",
      valueName: "linear|gaussian"),
    completion: .list(Softness.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var softNMS: Softness?

  @Option(
    name: .customLong("soft-nms-sigma"),
    help: ArgumentHelp(
      "The sigma of --soft-nms gaussian: the smaller, the lower the scores. (default: 0.5)",
      valueName: "sigma"),
    transform: OptionValue.rate)
  var softNMSSigma: Double?

  /// The two forms of soft suppression.
  enum Softness: String, CaseIterable {
    case linear, gaussian
  }

  mutating func fill(from file: PipelineFile) throws {
    try file.fill(&size, "size", OptionValue.inputSide)
    try file.fill(&maxSize, "max-size", OptionValue.inputSide)
    try file.fill(&tile, "tile", OptionValue.tileSide)
    try file.fill(&tileOverlap, "tile-overlap", OptionValue.tileOverlap)
    try file.fill(&tileMerge, "tile-merge", OptionValue.choice)
    try file.fill(&tileMergeThreshold, "tile-merge-threshold", OptionValue.fraction)
    try file.fill(&tileWhole, "tile-whole")
    try file.fill(&flip, "flip")
    let typed = softNMS
    try file.fill(&softNMS, "soft-nms", OptionValue.choice)
    // Of a form that was typed, another one's sigma is none.
    var sigma: Double?
    try file.fill(&sigma, "soft-nms-sigma", OptionValue.rate)
    if typed == nil || typed == .gaussian { softNMSSigma = softNMSSigma ?? sigma }
  }

  /// The first of these options that was given, or nil.
  var firstGiven: String? {
    let given: [(String, Bool)] = [
      ("--size", size != nil), ("--max-size", maxSize != nil), ("--tile", tile != nil),
      ("--flip", flip), ("--soft-nms", softNMS != nil), ("--soft-nms-sigma", softNMSSigma != nil),
    ]
    return given.first(where: \.1)?.0 ?? firstOfTiles
  }

  private var firstOfTiles: String? {
    let given: [(String, Bool)] = [
      ("--tile-overlap", tileOverlap != nil), ("--tile-merge", tileMerge != nil),
      ("--tile-merge-threshold", tileMergeThreshold != nil), ("--tile-whole", tileWhole != nil),
    ]
    return given.first(where: \.1)?.0
  }

  /// Puts these choices into those of a detector.
  ///
  /// - Throws: `Fault` where one means nothing without another.
  func apply(to options: inout DetectionOptions) throws(Fault) {
    options.shorterSide = size
    options.longerSide = maxSize
    options.flip = flip
    if let tile {
      var tiling = Tiling(side: tile, overlap: tileOverlap ?? 0.2)
      tiling.measure = tileMerge ?? tiling.measure
      tiling.threshold = tileMergeThreshold ?? tiling.threshold
      tiling.includesWhole = tileWhole ?? tiling.includesWhole
      options.tiling = tiling
    } else if let name = firstOfTiles {
      throw Fault(.usage, "\(name) goes with --tile")
    }
    if softNMSSigma != nil && softNMS != .gaussian {
      throw Fault(.usage, "--soft-nms-sigma goes with --soft-nms gaussian")
    }
    options.softNMS =
      switch softNMS {
      case nil: nil
      case .linear: .linear
      case .gaussian: .gaussian(sigma: softNMSSigma ?? 0.5)
      }
  }
}
