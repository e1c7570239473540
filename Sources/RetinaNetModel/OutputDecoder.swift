import BoxGeometry
import NeuralNetwork

/// The network's outputs for one picture, finest level first; see `ModelDescription.makeNetwork` for channels.
package struct HeadOutputs: ~Escapable {
  package let logits: BlockedImages
  package let regressions: BlockedImages

  /// Class logits of all levels, then box regressions of all levels.
  @_lifetime(copy images)
  package init(_ images: BlockedImages) {
    let levelCount = images.count / 2
    logits = images[0..<levelCount]
    regressions = images[levelCount..<images.count]
  }
}

/// The (anchor, class) pairs of one level that may become detections.
package struct LevelCandidates: Sendable {
  /// By falling score.
  let best: [CandidateSearch.Candidate]
  /// The cells that they are of: where boxes are needed.
  package let cells: MapArea

  fileprivate init(best: [CandidateSearch.Candidate], of logits: BlockedImage) {
    self.best = best
    var cells = MapArea(height: logits.height, width: logits.width)
    for candidate in best {
      let (y, x) = (candidate.index / logits.channels).quotientAndRemainder(
        dividingBy: logits.width)
      cells.insert(y: y, x: x)
    }
    self.cells = cells
  }

  /// How many there are.
  package var count: Int { best.count }

  /// Falling.
  package var scores: [Float] { best.map(\.score) }
}

/// Turns the network's outputs into detections in the order that the model's conventions say: threshold, best candidates
/// of each level, boxes, suppression, limit; clipping and scaling to the picture before or after it. The defaults are
/// torchvision's `postprocess_detections` (`models/detection/retinanet.py`).
package struct OutputDecoder: Sendable {
  private let selection: OutputSelection
  private let anchors: AnchorGenerator
  private let coder: BoxCoder
  private let rules: Conventions.Detections

  package init(
    _ description: ModelDescription, _ options: DetectionOptions
  ) throws(UnknownLabelError) {
    selection = try OutputSelection(options, for: description)
    anchors = AnchorGenerator(description)
    coder = description.conventions.boxes
    rules = description.conventions.detections
  }

  /// Detections of one picture.
  ///
  /// - Parameters:
  ///   - outputs: what the network made of it.
  ///   - geometry: the picture's sizes.
  /// - Returns: by falling score, then class, then anchor; boxes in pixels of the picture, clipped to it.
  /// - Throws: `DetectionError.nonFiniteOutput` if any logit is, or the box of any candidate.
  package func detections(
    _ outputs: HeadOutputs, _ geometry: InputGeometry
  ) throws(DetectionError) -> [Detection] {
    try detections(candidates(outputs.logits), outputs.regressions, geometry)
  }

  /// What may become a detection, level by level.
  ///
  /// - Parameter logits: of all levels.
  /// - Returns: the candidates of each.
  /// - Throws: `DetectionError.nonFiniteOutput` if any logit is.
  package func candidates(_ logits: BlockedImages) throws(DetectionError) -> [LevelCandidates] {
    var search = CandidateSearch(
      thresholds: selection.scoreThresholds, limit: selection.candidatesPerLevel)
    var levels: [LevelCandidates] = []
    for index in 0..<logits.count {
      let level = logits[index]
      let best = try search.best(of: level, level: index + 3)
      levels.append(LevelCandidates(best: best, of: level))
    }
    return levels
  }

  /// Detections of one picture whose candidates are known.
  ///
  /// - Parameters:
  ///   - levels: what `candidates` found.
  ///   - regressions: of all levels, at least at the candidates' cells.
  ///   - geometry: the picture's sizes.
  /// - Returns: as `detections(_:_:)`.
  /// - Throws: `DetectionError.nonFiniteOutput` if the box of any candidate is.
  package func detections(
    _ levels: [LevelCandidates], _ regressions: BlockedImages, _ geometry: InputGeometry
  ) throws(DetectionError) -> [Detection] {
    let grid = anchors.grid(
      paddedHeight: geometry.paddedHeight, paddedWidth: geometry.paddedWidth,
      gridSizes: regressions.map { (rows: $0.height, columns: $0.width) })
    var candidates: [Detection] = []
    for (index, level) in grid.levels.enumerated() {
      candidates += try boxes(
        of: levels[index].best, regressions[index], level, level: index + 3, geometry)
    }
    if rules.suppressionFrame == .picture { scale(&candidates, geometry) }
    if rules.emptyBoxes == .dropBeforeSuppression { dropEmpty(&candidates) }
    // Equal scores meet in suppression in the order they are reported.
    candidates.sort { $0.precedes($1) }
    var detections = suppress(candidates)
    if rules.suppressionFrame == .input { scale(&detections, geometry) }
    clip(&detections, width: geometry.originalWidth, height: geometry.originalHeight)
    if rules.emptyBoxes == .dropAtEnd { dropEmpty(&detections) }
    // Soft suppression has seen to that.
    guard rules.suppressesAcrossClassesAtEnd, selection.scoreDecay == nil else { return detections }
    return suppressAcrossClasses(detections)
  }

  /// Gives candidates of one level their boxes, in pixels of the resized picture.
  private func boxes(
    of candidates: [CandidateSearch.Candidate], _ regression: BlockedImage,
    _ grid: AnchorGrid.Level, level: Int, _ geometry: InputGeometry
  ) throws(DetectionError) -> [Detection] {
    let classCount = selection.scoreThresholds.count
    var detections: [Detection] = []
    detections.reserveCapacity(candidates.count)
    for candidate in candidates {
      let (anchor, classIndex) = candidate.index.quotientAndRemainder(dividingBy: classCount)
      let (cell, anchorInCell) = anchor.quotientAndRemainder(dividingBy: grid.cellAnchors.count)
      let (row, column) = cell.quotientAndRemainder(dividingBy: grid.columns)
      let deltas = regression[channels: anchorInCell * 4, y: row, x: column]
      let box = coder.decode(
        BoxDeltas(dx: deltas[0], dy: deltas[1], dw: deltas[2], dh: deltas[3]),
        relativeTo: grid.anchor(row: row, column: column, anchorInCell: anchorInCell))
      guard box.isFinite else {
        throw .nonFiniteOutput(what: "box regressions", level: level)
      }
      detections.append(
        Detection(
          classIndex: classIndex, score: candidate.score, box: box,
          anchorIndex: grid.firstIndex + anchor))
    }
    if rules.clipping == .beforeSuppression {
      clip(&detections, width: geometry.resizedWidth, height: geometry.resizedHeight)
    }
    return detections
  }

  /// Those that stay.
  private func suppress(_ candidates: [Detection]) -> [Detection] {
    let boxes = candidates.map(\.box)
    let scores = candidates.map(\.score)
    if let decay = selection.scoreDecay { return suppressSoftly(candidates, boxes, scores, decay) }
    if selection.classAgnosticNMS {
      return nonMaximumSuppression(
        boxes: boxes, scores: scores, threshold: selection.nmsThreshold,
        limit: selection.maxDetections
      ).map { candidates[$0] }
    }
    return classwiseNonMaximumSuppression(
      boxes: boxes, scores: scores, classIndices: candidates.map(\.classIndex),
      separation: rules.classSeparation, threshold: selection.nmsThreshold,
      limit: selection.maxDetections
    ).map { candidates[$0] }
  }

  /// Those whose lowered scores are still above their class's threshold, with these scores.
  private func suppressSoftly(
    _ candidates: [Detection], _ boxes: [Box], _ scores: [Float], _ decay: ScoreDecay
  ) -> [Detection] {
    let isClassAgnostic = selection.classAgnosticNMS || rules.suppressesAcrossClassesAtEnd
    return softNonMaximumSuppression(
      boxes: boxes, scores: scores,
      classIndices: isClassAgnostic ? nil : candidates.map(\.classIndex), decay: decay,
      leastScores: candidates.map { selection.scoreThresholds[$0.classIndex] },
      limit: selection.maxDetections
    ).map { decayed in
      var detection = candidates[decayed.index]
      detection.score = decayed.score
      return detection
    }.sorted { $0.precedes($1) }
  }

  private func suppressAcrossClasses(_ detections: [Detection]) -> [Detection] {
    nonMaximumSuppression(
      boxes: detections.map(\.box), scores: detections.map(\.score),
      threshold: selection.nmsThreshold
    ).map { detections[$0] }
  }

  /// From the resized picture to the picture: float32 ratios, x and y apart.
  private func scale(_ detections: inout [Detection], _ geometry: InputGeometry) {
    let ratioX = Float(geometry.originalWidth) / Float(geometry.resizedWidth)
    let ratioY = Float(geometry.originalHeight) / Float(geometry.resizedHeight)
    for index in detections.indices {
      detections[index].box.minX *= ratioX
      detections[index].box.minY *= ratioY
      detections[index].box.maxX *= ratioX
      detections[index].box.maxY *= ratioY
    }
  }

  /// In the end of those too that were clipped before: a ratio that was rounded up can carry an edge beyond the last
  /// pixel.
  private func clip(_ detections: inout [Detection], width: Int, height: Int) {
    for index in detections.indices {
      detections[index].box = detections[index].box.clipped(
        width: Float(width), height: Float(height))
    }
  }

  private func dropEmpty(_ detections: inout [Detection]) {
    detections.removeAll { $0.box.width <= 0 || $0.box.height <= 0 }
  }
}

extension AnchorGenerator {
  /// The anchors of a model.
  package init(_ description: ModelDescription) {
    self.init(
      sizes: description.anchors.sizes, aspectRatios: description.anchors.aspectRatios,
      rules: description.conventions.anchors)
  }
}

extension Box {
  fileprivate var isFinite: Bool {
    minX.isFinite && minY.isFinite && maxX.isFinite && maxY.isFinite
  }

  fileprivate func clipped(width: Float, height: Float) -> Box {
    Box(
      minX: min(max(minX, 0), width), minY: min(max(minY, 0), height),
      maxX: min(max(maxX, 0), width), maxY: min(max(maxY, 0), height))
  }
}
