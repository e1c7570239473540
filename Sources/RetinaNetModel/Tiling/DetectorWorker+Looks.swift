import BoxGeometry
import Media

extension Detector {
  /// The regions of a picture that are looked at.
  package func regions(width: Int, height: Int) -> PictureRegions {
    PictureRegions(width: width, height: height, tiling: looks.tiling)
  }

  /// Puts together what was found in several regions of one picture.
  ///
  /// - Parameter found: in their order, as `DetectorWorker.look(_:at:width:height:)` gives it; regions in which nothing was
  ///   found may be missing.
  /// - Returns: by falling score, then class, then anchor.
  package func merge(_ found: [[Detection]]) -> [Detection] {
    looks.tileMerger?.merge(found, limit: looks.limit) ?? Array(found.joined())
  }
}

/// How often a detector looks at a picture, and what becomes of that: resolved once for all pictures.
struct Looks: Sendable {
  let tiling: Tiling?
  /// Of what tiles found; nil without tiles.
  let tileMerger: LookMerger?
  /// Of what was found in a region and in its mirror image; nil where it is not looked at.
  let mirrorMerger: LookMerger?
  /// Detections of a picture, at most.
  let limit: Int

  /// Each look's anchors are numbered from a multiple of this on: no network has as many.
  static let anchorsOfOneLook = 1 << 32

  /// What a worker holds of a picture beside the picture.
  var tileBytes: Int { tiling.map { 3 * $0.side * $0.side } ?? 0 }

  init(
    _ options: DetectionOptions, _ selection: OutputSelection, _ rules: Conventions.Detections
  ) {
    // Whatever one look does at its end, all of them together do: DeepForest's `predict_tile` suppresses across classes.
    let isClassAgnostic = selection.classAgnosticNMS || rules.suppressesAcrossClassesAtEnd
    func merger(_ measure: OverlapMeasure, _ threshold: Double) -> LookMerger {
      LookMerger(
        measure: measure, threshold: threshold, isClassAgnostic: isClassAgnostic,
        sparesOneLook: selection.scoreDecay != nil)
    }
    tiling = options.tiling
    tileMerger = options.tiling.map { merger($0.measure, $0.threshold) }
    mirrorMerger = options.flip ? merger(.iou, selection.nmsThreshold) : nil
    limit = selection.pictureLimit
  }
}

extension DetectorWorker {
  /// In how many looks a picture is looked at, its mirror image aside: 1, or as many as it has tiles, and the whole.
  ///
  /// - Parameters:
  ///   - width: columns of the picture.
  ///   - height: rows of the picture.
  /// - Returns: at least 1.
  public func lookCount(width: Int, height: Int) -> Int {
    detector.regions(width: width, height: height).count
  }

  /// Makes one of the looks at a picture, as a part of `detect` that several workers can share out among them.
  ///
  /// - Parameters:
  ///   - number: below `lookCount`.
  ///   - pixels: height x width x 3 bytes, red first, upright.
  ///   - width: columns.
  ///   - height: rows.
  /// - Returns: what `merge` puts together.
  /// - Throws: as `detect`.
  public func look(
    _ number: Int, at pixels: Span<UInt8>, width: Int, height: Int
  ) throws -> [Detection] {
    times = Times()
    let region = detector.regions(width: width, height: height)[number]
    return try look(at: region, number: number, of: pixels, pictureWidth: width)
  }

  /// Puts together what several looks have found.
  ///
  /// - Parameter found: of the looks in their order; those that found nothing may be missing.
  /// - Returns: by falling score, then class index, then anchor index.
  public func merge(_ found: [[Detection]]) -> [Detection] { detector.merge(found) }

  /// Looks at one region of a picture, and at its mirror image where that is asked for.
  ///
  /// - Parameters:
  ///   - region: lies in the picture.
  ///   - number: its place among the picture's regions.
  ///   - pixels: of the picture: rows of `pictureWidth` times three bytes.
  ///   - pictureWidth: columns of the picture.
  /// - Returns: by falling score, then class, then anchor; boxes in pixels of the picture.
  /// - Throws: as `detect`.
  func look(
    at region: PictureRegion, number: Int, of pixels: Span<UInt8>, pictureWidth: Int
  ) throws -> [Detection] {
    if region.width == pictureWidth, region.height * pictureWidth * 3 == pixels.count {
      return try look(at: region, number: number, ownPixels: pixels, nil)
    }
    // A tile's own pixels: what is held beside the picture has a tile's size. The picture itself is not copied.
    let tile = copy(region, of: pixels, pictureWidth: pictureWidth)
    return try look(at: region, number: number, ownPixels: tile.span, nil)
  }

  /// Looks at a region of which these are all pixels, or those of a lattice.
  func look(
    at region: PictureRegion, number: Int, ownPixels pixels: Span<UInt8>,
    _ lattice: PictureLattice?
  ) throws -> [Detection] {
    let geometry = detector.geometry(width: region.width, height: region.height)
    var found = try detections(pixels, lattice, geometry, isMirrored: false)
    if let merger = detector.looks.mirrorMerger {
      let mirrored = try detections(pixels, lattice, geometry, isMirrored: true).map {
        $0.mirrored(width: region.width).numbered(1)
      }
      found = merger.merge([found, mirrored])
    }
    return found.map { $0.moved(x: region.x, y: region.y).numbered(2 * number) }
  }

  private func copy(
    _ region: PictureRegion, of pixels: Span<UInt8>, pictureWidth: Int
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(region.height * region.width * 3)
    for row in region.y..<region.y + region.height {
      let start = (row * pictureWidth + region.x) * 3
      pixels.extracting(start..<start + region.width * 3).withUnsafeBufferPointer {
        bytes += $0
      }
    }
    return bytes
  }
}

extension Detection {
  fileprivate func moved(x: Int, y: Int) -> Detection {
    var moved = self
    moved.box.minX += Float(x)
    moved.box.minY += Float(y)
    moved.box.maxX += Float(x)
    moved.box.maxY += Float(y)
    return moved
  }

  /// Seen in a mirror image of so many columns, as it is in the picture.
  fileprivate func mirrored(width: Int) -> Detection {
    var mirrored = self
    mirrored.box.minX = Float(width) - box.maxX
    mirrored.box.maxX = Float(width) - box.minX
    return mirrored
  }

  fileprivate func numbered(_ look: Int) -> Detection {
    var numbered = self
    numbered.anchorIndex += look * Looks.anchorsOfOneLook
    return numbered
  }
}
