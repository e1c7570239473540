import BoxGeometry
import TestSupport
import Testing

@testable import RetinaNetModel

@Suite struct TilingTests {
  /// SAHI's `get_slice_bboxes` in plain loops: x1, y1, x2, y2, row by row.
  private func sliced(_ width: Int, _ height: Int, _ side: Int, _ overlap: Double) -> [[Int]] {
    let shared = Int(overlap * Double(side))
    var boxes: [[Int]] = []
    var (top, bottom) = (0, 0)
    while bottom < height {
      var (left, right) = (0, 0)
      bottom = min(top + side, height)
      top = max(0, bottom - side)
      while right < width {
        right = min(left + side, width)
        left = max(0, right - side)
        boxes.append([left, top, right, bottom])
        left = right - shared
      }
      top = bottom - shared
    }
    return boxes
  }

  @Test(arguments: [0, 0.05, 0.2, 0.29, 0.5, 0.9])
  func `tiles lie where SAHI has them`(overlap: Double) {
    for side in [32, 100, 333] {
      for (width, height) in [
        (1, 1), (32, 32), (33, 32), (100, 99), (101, 350), (640, 427), (667, 999), (1000, 33),
      ] {
        let tiling = Tiling(side: side, overlap: overlap, includesWhole: false)
        let regions = PictureRegions(width: width, height: height, tiling: tiling)
        let boxes = regions.map { [$0.x, $0.y, $0.x + $0.width, $0.y + $0.height] }
        #expect(boxes == sliced(width, height, side, overlap), "\(width)x\(height) by \(side)")
      }
    }
  }

  @Test func `the whole picture comes last, once`() {
    let tiling = Tiling(side: 100)
    let regions = PictureRegions(width: 180, height: 100, tiling: tiling)
    #expect(
      Array(regions) == [
        PictureRegion(x: 0, y: 0, width: 100, height: 100),
        PictureRegion(x: 80, y: 0, width: 100, height: 100),
        PictureRegion(x: 0, y: 0, width: 180, height: 100),
      ])
    #expect(PictureRegions(width: 100, height: 60, tiling: tiling).count == 1)
    #expect(
      Array(PictureRegions(width: 180, height: 100, tiling: nil))
        == [PictureRegion(x: 0, y: 0, width: 180, height: 100)])
    // Millions, none of which takes memory.
    let most = PictureRegions(
      width: 20_000, height: 20_000, tiling: Tiling(side: 32, overlap: 0.9))
    #expect(most.count > 20_000_000)
    #expect(most[most.count - 2] == PictureRegion(x: 19_968, y: 19_968, width: 32, height: 32))
  }

  /// The parts of a picture by themselves, moved to their places, suppressed by the definition.
  private func byHand(
    _ fixture: PictureFixture, _ options: DetectionOptions, _ tiling: Tiling
  ) throws -> [(score: Float, box: Box, classIndex: Int)] {
    var single = options
    single.tiling = nil
    single.maxDetections = nil
    let worker = try Detector(model: ModelFixture.v1ResNet18.makeModel(), options: single)
      .makeWorker()
    var found: [(score: Float, box: Box, classIndex: Int)] = []
    for region in PictureRegions(width: fixture.width, height: fixture.height, tiling: tiling) {
      var pixels: [UInt8] = []
      for y in region.y..<region.y + region.height {
        for x in region.x..<region.x + region.width {
          let start = (y * fixture.width + x) * 3
          pixels += fixture.pixels[start..<start + 3]
        }
      }
      for detection in try worker.detect(pixels, width: region.width, height: region.height) {
        let (x, y) = (Float(region.x), Float(region.y))
        found.append(
          (
            detection.score,
            Box(
              minX: detection.box.minX + x, minY: detection.box.minY + y,
              maxX: detection.box.maxX + x, maxY: detection.box.maxY + y), detection.classIndex
          ))
      }
    }
    var kept: [(score: Float, box: Box, classIndex: Int)] = []
    for candidate in found.sorted(by: { $0.score > $1.score })
    where !kept.contains(where: {
      $0.classIndex == candidate.classIndex
        && Double($0.box.overlap(candidate.box, by: tiling.measure)) > tiling.threshold
    }) {
      kept.append(candidate)
    }
    return kept
  }

  @Test(arguments: OverlapMeasure.allCases, [false, true])
  func `a tiled picture is its parts, merged`(measure: OverlapMeasure, includesWhole: Bool) throws {
    let fixture = try PictureFixture(model: .v1ResNet18, name: "landscape")
    let tiling = Tiling(
      side: 96, overlap: 0.25, measure: measure, threshold: 0.4, includesWhole: includesWhole)
    var options = DetectionOptions(scoreThreshold: 0.3, tiling: tiling)
    let expected = try byHand(fixture, options, tiling)
    #expect(expected.count > 20)
    let worker = try Detector(model: ModelFixture.v1ResNet18.makeModel(), options: options)
      .makeWorker()
    let found = try worker.detect(fixture.pixels, width: fixture.width, height: fixture.height)
    #expect(found.map(\.score) == expected.map(\.score))
    #expect(found.map(\.box) == expected.map(\.box))
    #expect(found.map(\.classIndex) == expected.map(\.classIndex))
    #expect(Set(found.map { [$0.anchorIndex, $0.classIndex] }).count == found.count)
    #expect(worker.times.network > .zero)

    options.maxDetections = 7
    let limited = try Detector(model: ModelFixture.v1ResNet18.makeModel(), options: options)
      .makeWorker().detect(fixture.pixels, width: fixture.width, height: fixture.height)
    #expect(limited == Array(found.prefix(7)))
  }

  @Test func `a picture that one tile holds is looked at as ever`() throws {
    let fixture = try PictureFixture(model: .v1ResNet18, name: "landscape")
    let model = try ModelFixture.v1ResNet18.makeModel()
    let tiled = try Detector(
      model: model, options: DetectionOptions(tiling: Tiling(side: max(fixture.width, 32))))
    let plain = try Detector(model: model)
    #expect(
      try tiled.makeWorker().detect(fixture.pixels, width: fixture.width, height: fixture.height)
        == plain.makeWorker().detect(fixture.pixels, width: fixture.width, height: fixture.height))
  }

  @Test func `looks are merged across classes where a look's end is`() throws {
    var description = try ModelFixture.v1ResNet18.makeModel().description
    var options = DetectionOptions(tiling: Tiling(side: 256))
    options.flip = true
    for (rules, isClassAgnostic) in [
      (Conventions.Preset.torchvision, false), (.deepforest, true),
    ] {
      description.conventions.detections = rules.conventions.detections
      let looks = Looks(
        options, try OutputSelection(options, for: description), description.conventions.detections)
      #expect(looks.tileMerger?.isClassAgnostic == isClassAgnostic)
      #expect(looks.mirrorMerger?.isClassAgnostic == isClassAgnostic)
    }
  }

  @Test func `what one look shows after soft suppression stands beside itself`() {
    func detection(_ x: Float, _ score: Float, _ anchor: Int) -> Detection {
      Detection(
        classIndex: 0, score: score, box: Box(minX: x, minY: 0, maxX: x + 10, maxY: 10),
        anchorIndex: anchor)
    }
    // Two neighbours, each seen twice.
    let looks = [
      [detection(0, 0.9, 0), detection(2, 0.4, 1)],
      [detection(0.1, 0.8, 1 << 32), detection(2.1, 0.5, 1 << 32 + 1)],
    ]
    var merger = LookMerger(
      measure: .iou, threshold: 0.5, isClassAgnostic: false, sparesOneLook: true)
    // The second look's neighbour overlaps the first's best, the first's own neighbour does not count as its rival.
    #expect(merger.merge(looks).map(\.score) == [0.9, 0.4])
    merger.sparesOneLook = false
    #expect(merger.merge(looks).map(\.score) == [0.9])
    #expect(merger.merge(looks, limit: 0).isEmpty)
  }
}
