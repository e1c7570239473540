import BoxGeometry
import RetinaNetModel

extension TrainingConfiguration {
  /// What is to be said of a model whose anchors lie elsewhere at the sizes that it is trained at than at the size that
  /// it looks at pictures with (`AnchorRules.Strides.fromGrid`): boxes of large objects shift by as much. nil where all
  /// are at the same places.
  public var strideRemark: String? {
    let detecting = description.preprocessing.minSize
    // Bounded: sides of at most 16384 pixels, factors of at most 100.
    let trained = sizes.flatMap { size in
      [augmentation.scale.lowerBound, 1, augmentation.scale.upperBound].map {
        max(1, Int((Double(size) * $0).rounded()))
      }
    }
    let other = Set(trained).sorted().first { coarsestStride($0) != coarsestStride(detecting) }
    guard let other else { return nil }
    return
      "anchors of P7 are \(coarsestStride(other)) pixels apart at a size of \(other), which is trained at, and"
      + " \(coarsestStride(detecting)) at \(detecting), which is detected at: the model started from"
      + " has torchvision's rule, by which boxes of large objects shift with the picture's size; sizes"
      + " that are multiples of 128 keep them in place"
  }

  /// From row to row of P7, for inputs with this shorter side.
  private func coarsestStride(_ side: Int) -> Int {
    let multiple = description.conventions.input.paddingMultiple
    let padded = (side + multiple - 1) / multiple * multiple
    return description.conventions.anchors.strides.stride(
      level: 4, padded: padded, cells: (padded + 127) / 128)
  }
}
