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

/// Turns the network's outputs into detections as torchvision's `postprocess_detections` does
/// (`models/detection/retinanet.py`): threshold, best candidates of each level, boxes, clipping, suppression,
/// limit, scaling to the picture.
package struct OutputDecoder: Sendable {
  private let selection: OutputSelection
  private let anchors: AnchorGenerator

  package init(
    _ description: ModelDescription, _ options: DetectionOptions
  ) throws(UnknownLabelError) {
    selection = try OutputSelection(options, for: description)
    anchors = AnchorGenerator(
      sizes: description.anchors.sizes, aspectRatios: description.anchors.aspectRatios)
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
    let grid = anchors.grid(
      paddedHeight: geometry.paddedHeight, paddedWidth: geometry.paddedWidth,
      gridSizes: outputs.logits.map { (rows: $0.height, columns: $0.width) })
    var search = CandidateSearch(
      thresholds: selection.scoreThresholds, limit: selection.candidatesPerLevel)
    var candidates: [Detection] = []
    for (index, level) in grid.levels.enumerated() {
      let best = try search.best(of: outputs.logits[index], level: index + 3)
      candidates += try boxes(
        of: best, outputs.regressions[index], level, level: index + 3, geometry)
    }
    sortByScore(&candidates)
    return suppress(candidates).map { scaled(candidates[$0], geometry) }
  }

  /// Gives candidates of one level their boxes, in pixels of the resized picture, clipped to it.
  private func boxes(
    of candidates: [CandidateSearch.Candidate], _ regression: BlockedImage,
    _ grid: AnchorGrid.Level, level: Int, _ geometry: InputGeometry
  ) throws(DetectionError) -> [Detection] {
    let classCount = selection.scoreThresholds.count
    let width = Float(geometry.resizedWidth)
    let height = Float(geometry.resizedHeight)
    var detections: [Detection] = []
    detections.reserveCapacity(candidates.count)
    for candidate in candidates {
      let (anchor, classIndex) = candidate.index.quotientAndRemainder(dividingBy: classCount)
      let (cell, anchorInCell) = anchor.quotientAndRemainder(dividingBy: grid.cellAnchors.count)
      let (row, column) = cell.quotientAndRemainder(dividingBy: grid.columns)
      let deltas = regression[channels: anchorInCell * 4, y: row, x: column]
      let box = BoxCoder.decode(
        BoxDeltas(dx: deltas[0], dy: deltas[1], dw: deltas[2], dh: deltas[3]),
        relativeTo: grid.anchor(row: row, column: column, anchorInCell: anchorInCell))
      guard box.isFinite else {
        throw .nonFiniteOutput(what: "box regressions", level: level)
      }
      detections.append(
        Detection(
          classIndex: classIndex, score: candidate.score,
          box: box.clipped(width: width, height: height), anchorIndex: grid.firstIndex + anchor))
    }
    return detections
  }

  /// Falling score, then class, then anchor: equal scores meet in suppression in the order they are reported.
  private func sortByScore(_ detections: inout [Detection]) {
    detections.sort {
      ($1.score, $0.classIndex, $0.anchorIndex) < ($0.score, $1.classIndex, $1.anchorIndex)
    }
  }

  /// Indices of those that stay.
  private func suppress(_ candidates: [Detection]) -> [Int] {
    let boxes = candidates.map(\.box)
    let scores = candidates.map(\.score)
    if selection.classAgnosticNMS {
      return nonMaximumSuppression(
        boxes: boxes, scores: scores, threshold: selection.nmsThreshold,
        limit: selection.maxDetections)
    }
    return torchvisionNonMaximumSuppression(
      boxes: boxes, scores: scores, classIndices: candidates.map(\.classIndex),
      threshold: selection.nmsThreshold, limit: selection.maxDetections)
  }

  /// From the resized picture to the picture: float32 ratios, x and y apart. Clipped once more, as a ratio that
  /// was rounded up can carry an edge beyond the last pixel.
  private func scaled(_ detection: Detection, _ geometry: InputGeometry) -> Detection {
    let width = Float(geometry.originalWidth)
    let height = Float(geometry.originalHeight)
    let ratioX = width / Float(geometry.resizedWidth)
    let ratioY = height / Float(geometry.resizedHeight)
    let box = detection.box
    var detection = detection
    detection.box = Box(
      minX: box.minX * ratioX, minY: box.minY * ratioY, maxX: box.maxX * ratioX,
      maxY: box.maxY * ratioY
    ).clipped(width: width, height: height)
    return detection
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
