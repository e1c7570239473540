import BoxGeometry

extension Conventions {
  /// Whose rules these are and what they come to, for people: by stage, a name and a line each.
  public var words: [(name: String, text: String)] {
    let exact = Preset.allCases.first { $0.conventions == self }
    let rules =
      exact.map { "\($0.rawValue)'s" }
      ?? "like \(nearestPreset.rawValue)'s, with differences"
    return [
      ("rules", rules), ("input", input.words), ("network rules", network.words),
      ("anchor rules", anchors.words), ("box coding", boxes.words),
      ("suppression", detections.words),
    ]
  }
}

extension Conventions.Input {
  fileprivate var words: String {
    let size =
      switch resize {
      case .truncate: "sides cut to whole pixels"
      case .round: "sides rounded to whole pixels"
      case .roundInSteps: "sides rounded to whole pixels, the shorter first"
      case .stretch: "stretched to a square"
      }
    let pixels =
      switch resampling {
      case .float: "normalised, then resized bilinearly"
      case .pillow: "resized as Pillow does (antialiased), then normalised"
      case .opencv: "resized as OpenCV does, then normalised"
      }
    let range = scale == .unit ? "0...1" : "0...255"
    return
      "\(channelOrder == .rgb ? "red" : "blue") first in \(range), \(pixels), \(size), padded to a multiple of \(paddingMultiple)"
  }
}

extension Conventions.Network {
  fileprivate var words: String {
    "P6 from \(p6Source.rawValue.uppercased()), P7 \(reluBeforeP7 ? "through a ReLU" : "without a ReLU")"
      + ", stride in the \(strideIn1x1 ? "1x1" : "3x3"), epsilon of batch norms \(normEpsilon)"
  }
}

extension AnchorRules {
  fileprivate var words: String {
    let place = centre == 0 ? "at the cell's corner" : "at \(centre) of the cell"
    let shape = corners == .rounded ? "whole pixels" : "exact"
    let sequence = order == .ratioMajor ? "by ratio, then size" : "by size, then ratio"
    let steps =
      strides == .fromGrid
      ? "strides from the padded size (P6's and P7's move with it)" : "strides of 8 to 128"
    return "\(place), \(shape), \(sequence), \(steps)"
  }
}

extension BoxCoder {
  fileprivate var words: String {
    let weighed =
      weights == .one
      ? "" : "weights \(weights.indices.map { "\(weights[$0])" }.joined(separator: ", ")), "
    return "\(weighed)logarithms of sides limited to \(limitsBothWays ? "+-" : "")\(logRatioLimit)"
  }
}

extension Conventions.Detections {
  fileprivate var words: String {
    let frame = suppressionFrame == .input ? "in pixels of the input" : "in pixels of the picture"
    let cut =
      clipping == .beforeSuppression
      ? "on boxes cut to the picture" : "on boxes that are cut afterwards"
    let apart =
      switch classSeparation {
      case .movedUpTo1000: "classes moved apart up to 1000 boxes"
      case .moved: "classes moved apart"
      case .byClass: "class by class"
      }
    let empty =
      switch emptyBoxes {
      case .keep: "empty boxes stay"
      case .dropBeforeSuppression: "empty boxes dropped before"
      case .dropAtEnd: "empty boxes dropped afterwards"
      }
    let again = suppressesAcrossClassesAtEnd ? ", once more across classes" : ""
    return "\(frame), \(cut), \(apart), \(empty)\(again)"
  }
}
