import BoxGeometry
import TestSupport
import Testing

@Suite struct BoxCoderTests {
  struct Answers: Decodable {
    let seed: UInt64
    let count: Int
    let encoded: [[Float]]
    let decoded: [[Float]]
  }

  static let anchors = [
    Box(minX: -23, minY: -11, maxX: 23, maxY: 11),
    Box(minX: 100, minY: 100, maxX: 164, maxY: 164),
  ]

  @Test func decodesTheRecordedVectors() {
    let first = BoxCoder().decode(
      BoxDeltas(dx: 0.1, dy: 0.2, dw: 0.3, dh: 0.4), relativeTo: Self.anchors[0])
    expectClose(
      corners(first), [-26.446755, -12.010073, 35.646755, 20.810072], relativeTo: 46)
    // dh = 5 is clamped to ln(1000/16): 62.5 times 64 pixels high.
    let second = BoxCoder().decode(
      BoxDeltas(dx: -0.5, dy: 0.25, dw: -1, dh: 5), relativeTo: Self.anchors[1])
    expectClose(corners(second), [88.227859, -1852.000122, 111.772141, 2148], relativeTo: 4000)
  }

  @Test func encodesTheRecordedVectors() {
    let first = BoxCoder().encode(
      Box(minX: 10, minY: 20, maxX: 60, maxY: 50), relativeTo: Self.anchors[0])
    expectClose(
      numbers(first), [0.760869563, 1.590909123, 0.083381593, 0.310154945], relativeTo: 1)
    let second = BoxCoder().encode(
      Box(minX: 90, minY: 110, maxX: 180, maxY: 150), relativeTo: Self.anchors[1])
    expectClose(numbers(second), [0.046875, -0.03125, 0.340926588, -0.470003635], relativeTo: 1)
  }

  @Test func equalsTorchvisionOnRandomBoxes() throws {
    let answers = try GeometryFixture.read("coder", as: Answers.self)
    var generator = SeededGenerator(seed: answers.seed)
    let anchors = GeometryFixture.randomBoxes(
      &generator, count: answers.count, extent: 900, grid: 1)
    let truth = GeometryFixture.randomBoxes(
      &generator, count: answers.count, extent: 900, grid: 1)
    var clamped = 0
    for index in 0..<answers.count {
      let encoded = BoxCoder().encode(truth[index], relativeTo: anchors[index])
      // The shifts have no exp or log in them: equal to the bit.
      #expect(encoded.dx == answers.encoded[index][0])
      #expect(encoded.dy == answers.encoded[index][1])
      expectClose(numbers(encoded), answers.encoded[index], relativeTo: 1)

      let deltas = [Float(4), 4, 12, 12].map { (generator.unitFloat() - 0.5) * $0 }
      if deltas[2] > BoxCoder().logRatioLimit { clamped += 1 }
      let decoded = BoxCoder().decode(
        BoxDeltas(dx: deltas[0], dy: deltas[1], dw: deltas[2], dh: deltas[3]),
        relativeTo: anchors[index])
      let size = max(decoded.width, decoded.height, 1000)
      expectClose(corners(decoded), answers.decoded[index], relativeTo: size)
    }
    #expect(clamped > 0, "no case reached the clamp")
  }

  @Test func clampsLargeRatiosOnly() {
    let anchor = Box(minX: 0, minY: 0, maxX: 16, maxY: 16)
    let huge = BoxCoder().decode(
      BoxDeltas(dx: 0, dy: 0, dw: 1000, dh: -1000), relativeTo: anchor)
    #expect(abs(huge.width - 1000) < 1e-3)
    #expect(huge.height == 0)
    let broken = BoxCoder().decode(BoxDeltas(dx: 0, dy: 0, dw: .nan, dh: 0), relativeTo: anchor)
    #expect(broken.minX.isNaN && broken.maxX.isNaN && broken.minY == 0)
  }

  /// Within two units in the last place of the largest number involved: `exp` and `log` of two C libraries.
  private func expectClose(
    _ actual: [Float], _ expected: [Float], relativeTo size: Float,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (a, e) in zip(actual, expected) {
      #expect(
        abs(a - e) <= 2 * size.ulp, "\(actual) against \(expected)", sourceLocation: sourceLocation)
    }
  }

  private func corners(_ box: Box) -> [Float] { [box.minX, box.minY, box.maxX, box.maxY] }
  private func numbers(_ deltas: BoxDeltas) -> [Float] {
    [deltas.dx, deltas.dy, deltas.dw, deltas.dh]
  }
}
