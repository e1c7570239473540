import BoxGeometry
import Testing

@testable import RetinaNetModel

/// Other input sizes, mirror images and soft suppression of one picture.
@Suite struct LookTests {
  private let fixture: PictureFixture
  private let model: DetectionModel

  init() throws {
    fixture = try PictureFixture(model: .v1ResNet18, name: "landscape")
    model = try ModelFixture.v1ResNet18.makeModel()
  }

  private func detect(_ options: DetectionOptions, _ pixels: [UInt8]? = nil) throws -> [Detection] {
    try Detector(model: model, options: options).makeWorker()
      .detect(pixels ?? fixture.pixels, width: fixture.width, height: fixture.height)
  }

  @Test func `the mirror image is looked at too`() throws {
    var mirrored: [UInt8] = []
    for y in 0..<fixture.height {
      for x in (0..<fixture.width).reversed() {
        let start = (y * fixture.width + x) * 3
        mirrored += fixture.pixels[start..<start + 3]
      }
    }
    let width = Float(fixture.width)
    let plain = DetectionOptions(
      scoreThreshold: 0.3, nmsThreshold: 0.5, maxDetections: 1000)
    let seen = try detect(plain)
    // In the picture's frame.
    let seenMirrored = try detect(plain, mirrored).map { detection in
      let box = Box(
        minX: width - detection.box.maxX, minY: detection.box.minY,
        maxX: width - detection.box.minX, maxY: detection.box.maxY)
      return (detection.score, box, detection.classIndex)
    }
    var kept: [(score: Float, box: Box, classIndex: Int)] = []
    let all = seen.map { ($0.score, $0.box, $0.classIndex) } + seenMirrored
    for (score, box, classIndex) in all.sorted(by: { $0.0 > $1.0 })
    where !kept.contains(where: {
      $0.classIndex == classIndex && $0.box.intersectionOverUnion(box) > 0.5
    }) {
      kept.append((score, box, classIndex))
    }
    var both = plain
    both.flip = true
    let found = try detect(both)
    try #require(found.count == kept.count)
    #expect(found.count > seen.count / 2)
    #expect(
      found.contains { $0.anchorIndex >= 1 << 32 } && found.contains { $0.anchorIndex < 1 << 32 })
    for (detection, expected) in zip(found, kept) {
      #expect(abs(detection.score - expected.score) < 1e-3)
      #expect(detection.classIndex == expected.classIndex)
      #expect(abs(detection.box.minX - expected.box.minX) < 0.1)
      #expect(abs(detection.box.maxX - expected.box.maxX) < 0.1)
    }
  }

  @Test func `soft suppression lowers scores, and none is reported below its threshold`() throws {
    let hard = try detect(DetectionOptions(scoreThreshold: 0.2))
    for softNMS in [DetectionOptions.SoftNMS.linear, .gaussian(sigma: 0.5)] {
      let soft = try detect(
        DetectionOptions(scoreThreshold: 0.2, maxDetections: 2000, softNMS: softNMS))
      #expect(soft.count > hard.count)
      #expect(soft.allSatisfy { $0.score > 0.2 })
      #expect(soft == soft.sorted { $0.precedes($1) })
      // The best has nothing above it.
      #expect(soft.first == hard.first)
    }
  }

  @Test func `another size is that of another model`() throws {
    var description = model.description
    description.preprocessing = .init(minSize: 128, maxSize: 214)
    let other = try Detector(description: description, values: model.values).makeWorker()
    let expected = try other.detect(
      fixture.pixels, width: fixture.width, height: fixture.height)
    #expect(
      try detect(DetectionOptions(shorterSide: 128, longerSide: 214)) == expected)
    #expect(try detect(.init()) != expected)
  }

  @Test func `sizes keep the model's proportion, and have to suit it`() throws {
    var description = model.description
    description.preprocessing = .init(minSize: 800, maxSize: 1333)
    func sizes(_ shorter: Int?, _ longer: Int?) throws -> [Int] {
      let sizes = try DetectionOptions(shorterSide: shorter, longerSide: longer)
        .applied(to: description).preprocessing
      return [sizes.minSize, sizes.maxSize]
    }
    #expect(try sizes(nil, nil) == [800, 1333])
    #expect(try sizes(400, nil) == [400, 667])
    #expect(try sizes(nil, 900) == [800, 900])
    #expect(try sizes(600, 600) == [600, 600])
    #expect(throws: InputSizeError.self) { try sizes(nil, 700) }
    #expect(throws: InputSizeError.self) { try sizes(900, 899) }
    #expect(throws: InputSizeError.self) { try sizes(16_384, nil) }
    description.classes = .init(repeating: "x", count: 264)
    description.anchors = .init()
    #expect(throws: InputSizeError.self) { try sizes(16_384, 16_384) }
    description.conventions.input.resize = .stretch
    description.preprocessing = .init(minSize: 800, maxSize: 800)
    #expect(try sizes(512, nil) == [512, 512])
    let error = #expect(throws: InputSizeError.self) { try sizes(nil, 512) }
    #expect(
      error?.description
        == "the model stretches every picture to a square: --size says its side, and --max-size nothing"
    )
  }

  @Test func `pictures that shrink by more than half are remarked on`() throws {
    var description = model.description
    description.preprocessing = .init(minSize: 800, maxSize: 1333)
    description.anchors = .init()
    let detector = try Detector(description: description, values: model.values)
    #expect(detector.remark(width: 2666, height: 1500) == nil)
    #expect(detector.remark(width: 100, height: 100) == nil)
    #expect(
      detector.remark(width: 4000, height: 3000)
        == "4000x3000 is looked at as 1066x800, where objects below about 60 pixels are lost: --tile 800 looks at "
        + "parts of it at their own resolution")
    let tiled = try Detector(
      description: description, options: DetectionOptions(tiling: Tiling(side: 800)),
      values: model.values)
    #expect(tiled.remark(width: 4000, height: 3000) == nil)
  }
}
