import Evaluation
import RetinaNetModel

/// The words in which a calibrated model is compared with float32.
enum QuantizationText {
  /// What a calibrated model is, as a part of a line.
  static func summary(_ model: CalibratedModel) -> String {
    let all = model.description.makeNetwork().convolutionCalls.count
    let inDomain = model.layers.values.count { $0.product != .direct }
    let pictures = RunText.counted(model.description.quantization?.pictures ?? 0, "picture")
    return
      "\(model.layers.count) of \(RunText.counted(all, "convolution")) in 8 bits, \(inDomain) of them by Winograd, "
      + "calibrated on \(pictures)"
  }

  /// The error that each convolution is left with, the largest first.
  static func layers(_ model: CalibratedModel) -> [String] {
    model.layers.sorted { ($1.value.errorShare, $0.key) < ($0.value.errorShare, $1.key) }
      .map { name, layer in
        let product =
          switch layer.product {
          case .direct: "directly"
          case .winograd(let largest): "by Winograd of \(largest.count) points"
          }
        return "\(name): \(product), the error is "
          + "\(hundredths(layer.errorShare.squareRoot() * 100)) % of the output"
      }
  }

  /// Average precision on annotated pictures, in both.
  static func precision(_ float32: COCOEvaluation, _ int8: COCOEvaluation) -> [String] {
    func line(_ name: String, _ values: (Double?, Double?)) -> String {
      guard let float32 = values.0, let int8 = values.1 else { return "\(name): nothing to count" }
      return
        "\(name): \(points(int8)) in int8, \(points(float32)) in float32 (\(signed(int8 - float32)))"
    }
    let pictures = RunText.counted(float32.imageCount, "annotated picture")
    return [
      line(
        "AP on \(pictures), none of them calibrated on", (float32[.ap], int8[.ap])),
      line("AP50", (float32[.ap50], int8[.ap50])),
    ]
  }

  /// The change of detections in pictures that were held out.
  static func change(_ change: DetectionChange) -> [String] {
    guard change.pictures > 0 else {
      return ["not compared with float32: there are too few pictures to hold some out"]
    }
    let pictures = RunText.counted(change.pictures, "picture")
    guard change.expected + change.added > 0 else {
      return ["nothing is found in \(pictures) that were held out, in float32 nor in int8"]
    }
    var lines = [
      "in \(pictures) that were not calibrated on, int8 finds \(change.found) of "
        + "\(RunText.counted(change.expected, "detection")) of float32 (same class, boxes that overlap by half), and \(change.added) others"
    ]
    if let difference = change.meanScoreDifference, let overlap = change.meanOverlap {
      lines.append(
        "of those, scores differ by \(hundredths(difference)) and boxes overlap by \(hundredths(overlap)) (means)"
      )
    }
    lines.append("whether that is better or worse, only annotations say (--annotations)")
    return lines
  }

  private static func points(_ share: Double) -> String { hundredths(share * 100) }

  private static func signed(_ share: Double) -> String {
    (share < 0 ? "-" : "+") + hundredths((share * 100).magnitude)
  }

  /// Two decimals.
  private static func hundredths(_ number: Double) -> String {
    // The error of a model that has run away is no number, or more than anybody reads.
    guard number.magnitude < 1e12 else { return "\(number)" }
    let whole = Int((number * 100).rounded())
    let digits = whole % 100
    return "\(whole / 100).\(digits < 10 ? "0" : "")\(digits)"
  }
}
