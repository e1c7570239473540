import BoxGeometry
import TestSupport
import Testing

@testable import Training

@Suite struct BoxLossTests {
  struct Case: Decodable {
    let deltas: [Float]
    let anchor: [Float]
    let target: [Float]
    let l1: [Double]
    let smooth011: [Double]
    let smooth1: [Double]
    let giou: [Double]
  }

  @Test func equalsPyTorchInFloat64() throws {
    let cases = try TrainingFixture.read("boxes", as: [Case].self)
    #expect(cases.count == 31)
    for (index, expected) in cases.enumerated() {
      for (loss, answers) in [
        (BoxLoss.l1, expected.l1), (.smoothL1(beta: 0.11), expected.smooth011),
        (.smoothL1(beta: 1), expected.smooth1), (.giou, expected.giou),
      ] {
        let (value, gradient) = loss.evaluate(
          BoxDeltas(expected.deltas), anchor: Box(expected.anchor), target: Box(expected.target))
        // Targets are encoded in float32, by which differences of encoded deltas are off.
        let comment: Comment = "case \(index), \(loss)"
        expectClose(value, answers[0], relative: 1e-6, absolute: 1e-6, comment)
        for component in 0..<4 {
          expectClose(
            gradient[component], answers[component + 1], relative: 1e-5, absolute: 2e-6, comment)
        }
      }
    }
  }

  @Test(arguments: [BoxLoss.l1, .smoothL1(beta: 0.11), .smoothL1(beta: 1), .giou])
  func gradientsAreThoseOfTheValues(_ loss: BoxLoss) {
    var generator = SeededGenerator(seed: 11)
    func number(_ scale: Float) -> Float { (generator.unitFloat() - 0.5) * scale }
    let step = Float(0x1p-10)
    var compared = 0
    for _ in 0..<200 {
      let anchor = Box(minX: 10, minY: 10, maxX: 40 + number(20), maxY: 30 + number(20))
      let target = Box(
        minX: 12 + number(30), minY: 8 + number(20), maxX: 50 + number(20), maxY: 40 + number(20))
      let start = [number(1), number(1), number(1), number(1)]
      let (middle, gradient) = loss.evaluate(BoxDeltas(start), anchor: anchor, target: target)
      for component in 0..<4 {
        func slope(_ step: Float) -> Double {
          var moved = start
          moved[component] += step
          let value = loss.evaluate(BoxDeltas(moved), anchor: anchor, target: target).value
          return (value - middle) / Double(moved[component] - start[component])
        }
        let (above, below) = (slope(step), slope(-step))
        // Where the two sides differ there is a kink between.
        guard abs(above - below) < 0.02 else { continue }
        compared += 1
        expectClose((above + below) / 2, gradient[component], relative: 1e-3, absolute: 1e-3)
      }
    }
    #expect(compared > 700)
  }
}

extension Box {
  init(_ corners: [Float]) {
    self.init(minX: corners[0], minY: corners[1], maxX: corners[2], maxY: corners[3])
  }
}

extension BoxDeltas {
  init(_ numbers: [Float]) {
    self.init(dx: numbers[0], dy: numbers[1], dw: numbers[2], dh: numbers[3])
  }
}
