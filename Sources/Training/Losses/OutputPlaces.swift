import BoxGeometry
import NeuralNetwork

/// Finds an anchor's numbers in the outputs of all levels, and in the gradients by them: logits of all levels, then
/// deltas of all levels.
struct OutputPlaces {
  /// One anchor's numbers.
  struct Place {
    fileprivate let logits: Int
    fileprivate let deltas: Int
    fileprivate let row: Int
    fileprivate let column: Int
    fileprivate let anchorInCell: Int
    fileprivate let classCount: Int

    /// Its four box outputs.
    func deltas(_ outputs: BlockedImages) -> BoxDeltas {
      let values = outputs[deltas][channels: anchorInCell * 4, y: row, x: column]
      return BoxDeltas(dx: values[0], dy: values[1], dw: values[2], dh: values[3])
    }

    func write(deltaGradient gradient: SIMD4<Double>, _ gradients: inout MutableBlockedImages) {
      for index in 0..<4 {
        gradients[deltas][channel: anchorInCell * 4 + index, y: row, x: column] =
          Float(gradient[index])
      }
    }

    fileprivate func logitChannel(_ classIndex: Int) -> Int {
      anchorInCell * classCount + classIndex
    }

    fileprivate func write(
      label: Float, classIndex: Int, _ gradients: inout MutableBlockedImages
    ) {
      gradients[logits][channel: logitChannel(classIndex), y: row, x: column] = label
    }

    /// Labels of all classes; `object` is the class that is there.
    fileprivate func write(labelsOf object: Int?, _ gradients: inout MutableBlockedImages) {
      for classIndex in 0..<classCount {
        write(
          label: classIndex == object ? ClassLabel.object : ClassLabel.background,
          classIndex: classIndex, &gradients)
      }
    }
  }

  private let grid: AnchorGrid
  private let classCount: Int

  init(_ outputs: BlockedImages, _ grid: AnchorGrid) {
    self.grid = grid
    let levelCount = grid.levels.count
    precondition(
      outputs.count == 2 * levelCount, "\(outputs.count) outputs for a grid of \(levelCount) levels"
    )
    let anchorsPerCell = grid.levels[0].cellAnchors.count
    classCount = outputs[0].channels / anchorsPerCell
    for index in 0..<outputs.count {
      let output = outputs[index]
      let anchors = grid.levels[index % levelCount]
      precondition(
        output.height == anchors.rows && output.width == anchors.columns,
        "an output of \(output.width)x\(output.height) for anchors of "
          + "\(anchors.columns)x\(anchors.rows) cells")
      precondition(
        output.channels == anchorsPerCell * (index < levelCount ? classCount : 4),
        "\(output.channels) channels of output \(index) for \(anchorsPerCell) anchors a cell")
    }
  }

  subscript(anchorIndex: Int) -> Place {
    let place = grid.place(of: anchorIndex)
    return Place(
      logits: place.level, deltas: grid.levels.count + place.level, row: place.row,
      column: place.column, anchorInCell: place.anchorInCell, classCount: classCount)
  }

  /// Writes every logit's label into the memory of its gradient.
  func writeLabels(_ targets: ImageTargets, _ gradients: inout MutableBlockedImages) {
    for level in grid.levels.indices { gradients[level].fill(ClassLabel.background) }
    for anchor in targets.ignoredAnchors {
      let place = self[anchor]
      for classIndex in 0..<classCount {
        place.write(label: ClassLabel.none, classIndex: classIndex, &gradients)
      }
    }
    for object in targets.objects {
      precondition(
        (0..<classCount).contains(object.classIndex),
        "class \(object.classIndex) of \(classCount)")
      self[object.anchorIndex]
        .write(label: ClassLabel.object, classIndex: object.classIndex, &gradients)
    }
  }

  /// As above, with no label for any anchor but those `picked`.
  func writeLabels(
    _ targets: ImageTargets, only picked: [Int], _ gradients: inout MutableBlockedImages
  ) {
    for level in grid.levels.indices { gradients[level].fill(ClassLabel.none) }
    var classes: [Int: Int] = [:]
    for object in targets.objects { classes[object.anchorIndex] = object.classIndex }
    for anchor in picked { self[anchor].write(labelsOf: classes[anchor], &gradients) }
  }

  /// The class loss of every anchor, over its classes; that of ignored ones as if they were background.
  func anchorLosses(
    _ loss: ClassificationLoss, _ targets: ImageTargets, _ outputs: BlockedImages
  ) -> [Float] {
    var classes = [Int](repeating: -1, count: targets.anchorCount)
    for object in targets.objects { classes[object.anchorIndex] = object.classIndex }
    return classes.enumerated().map { anchor, object in
      let place = self[anchor]
      let logits = outputs[place.logits]
      var sum = 0.0
      for classIndex in 0..<classCount {
        let logit = logits[channel: place.logitChannel(classIndex), y: place.row, x: place.column]
        sum += loss.evaluate(logit: Double(logit), isObject: classIndex == object).value
      }
      return Float(sum)
    }
  }
}
