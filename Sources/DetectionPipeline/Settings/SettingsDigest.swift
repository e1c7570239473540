import DetectionRecords
import Digests
import FrameDecoding
import NeuralNetwork
import RetinaNetModel

/// One number for everything that decides an output's bytes, given the input: outputs with another digest are
/// stale. Workers, queues, logs and limits have no part in it.
///
/// It is the SHA-256 of the lines of `text`, each a name and a value (`SettingsText` reads them again, to say what has
/// changed), in which choices are resolved: leaving a threshold to the model and typing the model's own threshold are
/// the same. Of FFmpeg and oneDNN it has the release, in which pixels, times and sums differ (see `libraries`). Left out
/// on purpose: their corrections, since an archive must not be looked at anew after every security update; limits and
/// `--max-failures`, which decide only whether an input fails (`--retry-failed` is for those); the segment, which the
/// output's name carries.
struct SettingsDigest: Equatable, Sendable {
  /// 64 hexadecimal digits.
  let hexadecimal: String
  /// What it is the digest of.
  let text: String

  /// The libraries that are loaded, each a name and its release: other pixels are decoded by another FFmpeg, and
  /// another oneDNN adds in another order.
  static var libraries: [String] {
    DecoderVersion.series + Engine.arithmetic
  }

  /// Takes the model file's SHA-256, what the model is, the choices, oneDNN's effective instruction set, and the
  /// libraries.
  init(
    model: String, description: ModelDescription, options: DetectionOptions,
    sampling: FrameSampling, instructionSet: InstructionSet?,
    libraries: [String] = Self.libraries
  ) {
    var lines = [
      // What a line looks like, whose work it is, and what it ran on.
      "records \(recordSchemaVersion)",
      "model \(model)",
      "instruction-set \(instructionSet?.rawValue ?? "none")",
    ]
    lines += libraries
    lines += Self.lines(of: sampling)
    lines += Self.lines(of: options, for: description)
    lines += Self.linesOfLooks(options, at: description)
    text = lines.joined(separator: "\n")
    hexadecimal = SHA256Digest.hexadecimal(of: text)
  }

  private static func lines(of sampling: FrameSampling) -> [String] {
    let selection =
      switch sampling.selection {
      case .all, .every(1): "all"
      case .every(let step): "every \(step)"
      case .rate(let rate): "rate \(rate)"
      case .keyframes: "keyframes"
      }
    return [
      "select \(selection)",
      "range \(said(sampling.start)) \(said(sampling.end))",
      "max-frames \(said(sampling.maxFrames))",
      // Since pages of images are counted in any case.
      "frame-numbers \(sampling.needsFrameNumbers ? "true" : "of images")",
    ] + linesOfSameness(sampling.sameness)
  }

  /// Without `--still` there is none: equal pixels are equal whatever looks at them.
  private static func linesOfSameness(_ sameness: Sameness?) -> [String] {
    switch sameness {
    case nil, .equalPixels: []
    case .still(let limit): ["still \(limit)"]
    }
  }

  private static func lines(
    of options: DetectionOptions, for description: ModelDescription
  ) -> [String] {
    let defaults = description.postprocessing
    let isClassAgnostic = options.classAgnosticNMS ?? defaults.classAgnosticNMS
    var lines = [
      "nms \(options.nmsThreshold ?? defaults.nmsThreshold) \(isClassAgnostic)",
      "max-detections \(said(options.maxDetections ?? Self.limit(options, defaults)))",
      "candidates \(options.candidatesPerLevel ?? defaults.candidatesPerLevel)",
    ]
    for (column, label) in description.classes.enumerated() {
      guard let label, options.classes?.contains(label) ?? true else { continue }
      let threshold =
        options.classThresholds[label] ?? options.scoreThreshold
        ?? defaults.classThresholds[label] ?? defaults.scoreThreshold
      lines.append("class \(column) \(threshold)")
    }
    return lines
  }

  /// Without `--max-detections`: of a picture in tiles there is none.
  private static func limit(
    _ options: DetectionOptions, _ defaults: ModelDescription.Postprocessing
  ) -> Int? {
    options.tiling == nil ? defaults.detectionsPerImage : nil
  }

  /// How pictures are looked at, where it is not as ever: so that what was made before these choices existed stays.
  private static func linesOfLooks(
    _ options: DetectionOptions, at description: ModelDescription
  ) -> [String] {
    var lines: [String] = []
    // Sizes that do not suit the model end the run before there is a digest.
    let sizes = (try? options.applied(to: description))?.preprocessing ?? description.preprocessing
    if sizes != description.preprocessing { lines.append("size \(sizes.minSize) \(sizes.maxSize)") }
    if let tiling = options.tiling {
      lines.append(
        "tile \(tiling.side) \(tiling.overlap) \(tiling.measure) \(tiling.threshold) \(tiling.includesWhole)"
      )
    }
    if options.flip { lines.append("flip true") }
    // The first version merged these looks by class, which differs where there are several.
    let isClassAgnostic = options.classAgnosticNMS ?? description.postprocessing.classAgnosticNMS
    if options.tiling != nil || options.flip, !isClassAgnostic, description.classes.count > 1,
      description.conventions.detections.suppressesAcrossClassesAtEnd
    {
      lines.append("looks across classes")
    }
    // A precision that is not there ends the run before there is a digest, too.
    let precision = (try? description.precision(options.precision))?.choice ?? .float32
    if precision != .float32 { lines.append("precision \(precision.rawValue)") }
    switch options.softNMS {
    case nil: break
    case .linear: lines.append("soft-nms linear")
    case .gaussian(let sigma): lines.append("soft-nms gaussian \(sigma)")
    }
    return lines
  }

  private static func said(_ value: (some CustomStringConvertible)?) -> String {
    value.map(\.description) ?? "-"
  }
}
