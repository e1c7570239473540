import BoxGeometry
import NeuralNetwork

/// Finds an anchor's numbers in the outputs and gradients of all levels.
struct OutputPlaces {
  /// One anchor's numbers.
  struct Place {
    fileprivate let level: DetectionLoss.Level
    fileprivate let row: Int
    fileprivate let column: Int
    fileprivate let anchorInCell: Int
    fileprivate let classCount: Int

    /// Its four box outputs.
    var deltas: BoxDeltas {
      func delta(_ index: Int) -> Float {
        level.deltas[channel: anchorInCell * 4 + index, y: row, x: column]
      }
      return BoxDeltas(dx: delta(0), dy: delta(1), dw: delta(2), dh: delta(3))
    }

    func write(deltaGradient gradient: SIMD4<Double>) {
      for index in 0..<4 {
        level.deltaGradient[channel: anchorInCell * 4 + index, y: row, x: column] =
          Float(gradient[index])
      }
    }

    fileprivate func logit(_ classIndex: Int) -> Float {
      level.logits[channel: anchorInCell * classCount + classIndex, y: row, x: column]
    }

    fileprivate func write(label: Float, classIndex: Int) {
      level.logitGradient[channel: anchorInCell * classCount + classIndex, y: row, x: column] =
        label
    }

    /// Labels of all classes; `object` is the class that is there.
    fileprivate func write(labelsOf object: Int?) {
      for classIndex in 0..<classCount {
        write(
          label: classIndex == object ? ClassLabel.object : ClassLabel.background,
          classIndex: classIndex)
      }
    }
  }

  private let levels: [DetectionLoss.Level]
  private let grid: AnchorGrid
  private let classCount: Int

  init(_ levels: [DetectionLoss.Level], _ grid: AnchorGrid) {
    self.levels = levels
    self.grid = grid
    let anchorsPerCell = grid.levels[0].cellAnchors.count
    classCount = levels[0].logits.channels / anchorsPerCell
    for (level, anchors) in zip(levels, grid.levels) {
      for (height, width) in [
        (level.logits.height, level.logits.width), (level.deltas.height, level.deltas.width),
      ] {
        precondition(
          height == anchors.rows && width == anchors.columns,
          "outputs of \(width)x\(height) for anchors of \(anchors.columns)x\(anchors.rows) cells")
      }
      precondition(
        level.logits.channels == anchorsPerCell * classCount
          && level.deltas.channels == anchorsPerCell * 4,
        "\(level.logits.channels) logits and \(level.deltas.channels) deltas for "
          + "\(anchorsPerCell) anchors a cell")
    }
  }

  subscript(anchorIndex: Int) -> Place {
    let place = grid.place(of: anchorIndex)
    return Place(
      level: levels[place.level], row: place.row, column: place.column,
      anchorInCell: place.anchorInCell, classCount: classCount)
  }

  /// Writes every logit's label into the memory of its gradient.
  func writeLabels(_ targets: ImageTargets) {
    for level in levels { level.logitGradient.fill(ClassLabel.background) }
    for anchor in targets.ignoredAnchors {
      let place = self[anchor]
      for classIndex in 0..<classCount {
        place.write(label: ClassLabel.none, classIndex: classIndex)
      }
    }
    for object in targets.objects {
      precondition(
        (0..<classCount).contains(object.classIndex),
        "class \(object.classIndex) of \(classCount)")
      self[object.anchorIndex].write(label: ClassLabel.object, classIndex: object.classIndex)
    }
  }

  /// As above, with no label for any anchor but those `picked`.
  func writeLabels(_ targets: ImageTargets, only picked: [Int]) {
    for level in levels { level.logitGradient.fill(ClassLabel.none) }
    var classes: [Int: Int] = [:]
    for object in targets.objects { classes[object.anchorIndex] = object.classIndex }
    for anchor in picked { self[anchor].write(labelsOf: classes[anchor]) }
  }

  /// The class loss of every anchor, over its classes; that of ignored ones as if they were background.
  func anchorLosses(_ loss: ClassificationLoss, _ targets: ImageTargets) -> [Float] {
    var classes = [Int](repeating: -1, count: targets.anchorCount)
    for object in targets.objects { classes[object.anchorIndex] = object.classIndex }
    return classes.enumerated().map { anchor, object in
      let place = self[anchor]
      var sum = 0.0
      for classIndex in 0..<classCount {
        sum +=
          loss.evaluate(logit: Double(place.logit(classIndex)), isObject: classIndex == object)
          .value
      }
      return Float(sum)
    }
  }
}
