import Foundation
import TestSupport
import Testing

@testable import RetinaNetModel

/// What `scripts/parity/pieces.py` wrote.
private struct Pieces: Decodable {
  struct Resize: Decodable {
    var from, to: [Int]
    var source: [UInt8]
    var expected: [Float]
  }

  /// Width and height of a picture, then of what torchvision resizes it to.
  var sizes: [[Int]]
  var resize: [Resize]

  static func read() throws -> Pieces {
    try JSONDecoder().decode(Pieces.self, from: Data(contentsOf: ModelFixture.url("pieces.json")))
  }
}

@Suite struct InputGeometryTests {
  @Test func sizesAreTorchvisions() throws {
    let sizes = try Pieces.read().sizes
    #expect(sizes.count > 50)
    for size in sizes {
      let geometry = InputGeometry(
        height: size[1], width: size[0], preprocessing: .init(), rules: .init())
      #expect([geometry.resizedWidth, geometry.resizedHeight] == size[2...], "\(size)")
    }
  }

  @Test func paddingGoesToMultiplesOf32() {
    let geometry = InputGeometry(height: 480, width: 640, preprocessing: .init(), rules: .init())
    #expect(geometry.paddedHeight == 800 && geometry.paddedWidth == 1088)
    let exact = InputGeometry(
      originalHeight: 1, originalWidth: 1, resizedHeight: 64, resizedWidth: 1)
    #expect(exact.paddedHeight == 64 && exact.paddedWidth == 32)
  }

  /// torchvision would stop here; a strip of pixels has a record all the same.
  @Test func noSideVanishes() {
    let geometry = InputGeometry(height: 1, width: 5000, preprocessing: .init(), rules: .init())
    #expect(geometry.resizedHeight == 1 && geometry.resizedWidth == 1333)
  }
}

@Suite struct PreprocessorTests {
  private func write(
    _ pixels: [UInt8], _ geometry: InputGeometry, _ rules: Conventions.Input
  ) -> [Float] {
    var input = [Float](repeating: .nan, count: 3 * geometry.paddedHeight * geometry.paddedWidth)
    var span = input.mutableSpan
    Preprocessor(rules).write(pixels.span, geometry, to: &span)
    return input
  }

  /// Bytes as they are, so that the resize stands alone.
  private let plain = Conventions.Input(
    mean: [0, 0, 0], standardDeviation: [1 / 255, 1 / 255, 1 / 255])

  @Test func resizeIsTorchvisions() throws {
    let cases = try Pieces.read().resize
    #expect(cases.count == 9)
    for test in cases {
      let geometry = InputGeometry(
        originalHeight: test.from[1], originalWidth: test.from[0], resizedHeight: test.to[1],
        resizedWidth: test.to[0])
      // Green holds the case, red and blue something else.
      let pixels = test.source.flatMap { [255 - $0, $0, 7] as [UInt8] }
      let input = write(pixels, geometry, plain)
      let plane = geometry.paddedHeight * geometry.paddedWidth
      for y in 0..<geometry.paddedHeight {
        for x in 0..<geometry.paddedWidth {
          let place = y * geometry.paddedWidth + x
          let isInside = y < geometry.resizedHeight && x < geometry.resizedWidth
          let expected = isInside ? test.expected[y * geometry.resizedWidth + x] : 0
          #expect(abs(input[plane + place] - expected) <= 3e-5 * 255, "\(test.from) \(x),\(y)")
          #expect(
            abs(input[place] - (isInside ? 255 - expected : 0)) <= 3e-5 * 255,
            "\(test.from) \(x),\(y)")
          #expect(abs(input[2 * plane + place] - (isInside ? 7 : 0)) <= 1e-4)
        }
      }
    }
  }

  /// The whole transform of a fixture's picture.
  @Test func inputIsTorchvisions() throws {
    let fixture = try PictureFixture(model: .v1ResNet18, name: "portrait")
    let input = write(
      fixture.pixels, fixture.geometry, try ModelFixture.v1ResNet18.description.conventions.input)
    let expected = try fixture.values("input")
    #expect(input.count == expected.count)
    let greatest = zip(input, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(greatest <= 2e-5, "values go to about 2.6")
  }

  /// The formula, one number at a time in float64, for shrinking and growing by odd ratios.
  @Test(arguments: [(37, 53, 20, 31), (5, 200, 9, 77), (64, 48, 64, 48), (3, 2, 100, 90)])
  func equalsTheFormula(_ sizes: (Int, Int, Int, Int)) {
    let geometry = InputGeometry(
      originalHeight: sizes.0, originalWidth: sizes.1, resizedHeight: sizes.2,
      resizedWidth: sizes.3)
    let settings = Conventions.Input()
    let seed: UInt64 = 51
    var generator = SeededGenerator(seed: seed)
    let pixels = (0..<sizes.0 * sizes.1 * 3).map { _ in UInt8(generator.below(256)) }
    let input = write(pixels, geometry, settings)
    func source(_ place: Int, _ from: Int, _ to: Int) -> (Int, Int, Double) {
      let position = max((Double(place) + 0.5) * Double(from) / Double(to) - 0.5, 0)
      let first = min(Int(position), from - 1)
      return (first, min(first + 1, from - 1), position - Double(first))
    }
    var greatest = 0.0
    for channel in 0..<3 {
      for y in 0..<sizes.2 {
        for x in 0..<sizes.3 {
          let (top, bottom, down) = source(y, sizes.0, sizes.2)
          let (left, right, along) = source(x, sizes.1, sizes.3)
          func value(_ y: Int, _ x: Int) -> Double {
            (Double(pixels[(y * sizes.1 + x) * 3 + channel]) / 255
              - Double(settings.mean[channel])) / Double(settings.standardDeviation[channel])
          }
          let expected =
            (1 - down) * ((1 - along) * value(top, left) + along * value(top, right))
            + down * ((1 - along) * value(bottom, left) + along * value(bottom, right))
          let place = (channel * geometry.paddedHeight + y) * geometry.paddedWidth + x
          greatest = max(greatest, abs(Double(input[place]) - expected))
        }
      }
    }
    #expect(greatest < 1e-4, "seed \(seed)")
  }
}

/// Resizing of bytes, by the vectors of Pillow 13 and OpenCV 5 (`PIL.Image.resize(BILINEAR)`, `cv2.resize`).
@Suite struct ByteResizeTests {
  private typealias Resize = (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Void

  /// Green of the resized picture; red is its complement, blue is 7.
  private func resized(
    _ source: [UInt8], _ geometry: InputGeometry, _ resize: Resize
  ) -> [UInt8] {
    let pixels = source.flatMap { [255 - $0, $0, 7] as [UInt8] }
    var output = [UInt8](repeating: 0, count: 3 * geometry.resizedHeight * geometry.resizedWidth)
    pixels.withUnsafeBufferPointer { pixels in
      output.withUnsafeMutableBufferPointer { resize(pixels, $0) }
    }
    #expect(stride(from: 2, to: output.count, by: 3).allSatisfy { output[$0] == 7 })
    return stride(from: 1, to: output.count, by: 3).map { output[$0] }
  }

  /// Source rows and columns, target rows and columns, bytes, Pillow's, OpenCV's.
  @Test(
    arguments: [
      (
        [1, 6, 1, 9], [10, 60, 200, 30, 90, 250], [10, 35, 83, 177, 115, 40, 80, 170, 250],
        [10, 35, 83, 177, 115, 40, 80, 170, 250]
      ),
      ([1, 6, 1, 4], [10, 60, 200, 30, 90, 250], [29, 134, 69, 190], [23, 165, 45, 210]),
      (
        [3, 3, 4, 5], [0, 100, 200, 50, 150, 250, 255, 5, 60],
        [
          0, 40, 100, 160, 200, 31, 71, 131, 191, 231, 127, 114, 96, 146, 179, 255, 155, 5, 38, 60,
        ],
        [
          0, 40, 100, 160, 200, 31, 71, 131, 191, 231, 127, 114, 96, 146, 179, 255, 155, 5, 38, 60,
        ]
      ),
      ([2, 2, 1, 1], [1, 2, 2, 4], [3], [2]),
    ] as [([Int], [UInt8], [UInt8], [UInt8])])
  func equalsTheLibraries(_ sides: [Int], _ source: [UInt8], _ pillow: [UInt8], _ opencv: [UInt8]) {
    let geometry = InputGeometry(
      originalHeight: sides[0], originalWidth: sides[1], resizedHeight: sides[2],
      resizedWidth: sides[3])
    #expect(resized(source, geometry, PillowResize(geometry).resize) == pillow)
    #expect(resized(source, geometry, OpenCVResize(geometry).resize) == opencv)
  }

  /// 62x3 pixels: Detectron2 makes 64 rows of it, MMDetection 65; torchvision cuts where both round.
  @Test func sizesFollowTheRule() {
    func sides(_ rule: Conventions.Input.Resize, _ width: Int, _ height: Int) -> [Int] {
      let geometry = InputGeometry(
        height: height, width: width, preprocessing: .init(), rules: .init(resize: rule))
      return [geometry.resizedWidth, geometry.resizedHeight]
    }
    #expect(sides(.roundInSteps, 62, 3) == [1333, 64])
    #expect(sides(.round, 62, 3) == [1333, 65])
    #expect(sides(.truncate, 62, 3)[1] == 64)
    #expect(sides(.truncate, 640, 480) == [1066, 800])
    #expect(sides(.round, 640, 480) == [1067, 800])
    #expect(sides(.roundInSteps, 640, 480) == [1067, 800])
    #expect(sides(.stretch, 640, 480) == [800, 800])
  }
}
