import TestSupport
import Testing

@testable import NeuralNetwork

/// Winograd's transforms against the naive convolution in float64.
@Suite struct WinogradTests {
  /// The largest and the root mean square difference, both in root mean squares of what is right.
  private struct Errors: CustomStringConvertible {
    var (greatest, squares, signal, count) = (0.0, 0.0, 0.0, 0)

    mutating func add(_ value: Float, _ right: Double) {
      let difference = abs(Double(value) - right)
      // Not `max`, which drops a NaN.
      if !(difference <= greatest) { greatest = difference }
      squares += difference * difference
      signal += right * right
      count += 1
    }

    var largest: Double { greatest / (signal / Double(count)).squareRoot() }
    var description: String { "largest \(largest), rms \((squares / signal).squareRoot())" }
  }

  /// Sizes, channels and numbers at random, from one seed.
  private static func random(_ seed: UInt64) -> (WinogradConvolution, SeededGenerator) {
    var generator = SeededGenerator(seed: seed)
    let sizes = (0..<1 + generator.below(3)).map { _ in
      generator.below(2) == 0
        ? (height: 1 + generator.below(7), width: 1 + generator.below(7))
        : (height: 1 + generator.below(14), width: 1 + generator.below(75))
    }
    let convolution = WinogradConvolution(
      sizes, inputs: 1 + generator.below(20), outputs: 1 + generator.below(20),
      block: generator.below(2) == 0 ? 8 : 16, &generator)
    return (convolution, generator)
  }

  /// By map (channel, y, x), without the padded channels, which are compared with 0.
  private func errors(
    _ results: [[Float]], _ right: [[Double]], _ convolution: WinogradConvolution, _ seed: UInt64
  ) -> Errors {
    var errors = Errors()
    for map in results.indices {
      let plain = convolution.plain(results[map], map: map)
      for (index, value) in plain.enumerated() {
        if index < right[map].count {
          errors.add(value, right[map][index])
        } else if value != 0 {
          Issue.record("seed \(seed): \(value) in the padding of map \(map)")
          return errors
        }
      }
    }
    return errors
  }

  /// How much one output may be off in units of the outputs' root mean square, for few channels: 100 roundings.
  private let tolerance = 100 * 0x1p-24 * 3

  @Test(arguments: 0..<60)
  func forward(round: Int) {
    let seed = UInt64(4400 + round)
    var (convolution, generator) = Self.random(seed)
    let usesBias = generator.below(3) > 0
    let (adds, relu) = (generator.below(2) == 0, generator.below(2) == 0)
    let held = convolution.sizes.map { size in
      (0..<convolution.outputs * size.height * size.width).map { _ in generator.normal() }
    }
    if !usesBias { convolution.bias = convolution.bias.map { _ in 0 } }
    var right = convolution.naive()
    for map in right.indices {
      for index in right[map].indices {
        if adds { right[map][index] += Double(held[map][index]) }
        if relu { right[map][index] = max(right[map][index], 0) }
      }
    }
    let results = convolution.forward(
      chunk: 1 + generator.below(40), spare: generator.below(3), addingTo: adds ? held : nil,
      usesBias: usesBias, relu: relu)
    let errors = errors(results, right, convolution, seed)
    #expect(errors.largest < tolerance, "seed \(seed), \(convolution.sizes): \(errors)")
  }

  @Test(arguments: 0..<30)
  func sourceGradient(round: Int) {
    let seed = UInt64(4500 + round)
    var (convolution, generator) = Self.random(seed)
    let gradients = convolution.sizes.map { size in
      (0..<convolution.outputs * size.height * size.width).map { _ in generator.normal() }
    }
    let results = convolution.sourceGradient(gradients, chunk: 1 + generator.below(40))
    let errors = errors(
      results, convolution.naiveSourceGradient(gradients), convolution, seed)
    #expect(errors.largest < tolerance, "seed \(seed), \(convolution.sizes): \(errors)")
  }

  @Test(arguments: 0..<30)
  func weightGradient(round: Int) {
    let seed = UInt64(4600 + round)
    var (convolution, generator) = Self.random(seed)
    let gradients = convolution.sizes.map { size in
      (0..<convolution.outputs * size.height * size.width).map { _ in generator.normal() }
    }
    let result = convolution.weightGradient(gradients, chunk: 1 + generator.below(40))
    var errors = Errors()
    for (value, right) in zip(result, convolution.naiveWeightGradient(gradients)) {
      errors.add(value, right)
    }
    #expect(errors.largest < tolerance, "seed \(seed), \(convolution.sizes): \(errors)")
  }

  /// Of the depths that ResNets have. The number of output channels makes no difference.
  @Test(arguments: [64, 256, 512], [8, 16])
  func errorOfManyChannels(inputs: Int, block: Int) {
    var generator = SeededGenerator(seed: UInt64(inputs + block))
    let convolution = WinogradConvolution(
      [(13, 19), (7, 10)], inputs: inputs, outputs: 16, block: block, &generator)
    let errors = errors(convolution.forward(chunk: 16), convolution.naive(), convolution, 0)
    #expect(errors.largest <= 2e-5, "\(errors)")
  }

  /// Chunks part rows of tiles and groups of tiles anywhere; a map alone gives what it gives among others.
  @Test(arguments: [8, 16])
  func bitsDoNotDependOnTheChunk(block: Int) {
    var generator = SeededGenerator(seed: 4700)
    let sizes = [(height: 9, width: 83), (height: 1, width: 1), (height: 30, width: 5)]
    let convolution = WinogradConvolution(
      sizes, inputs: 11, outputs: 18, block: block, &generator)
    let gradients = sizes.map { size in
      (0..<convolution.outputs * size.height * size.width).map { _ in generator.normal() }
    }
    let whole = convolution.forward(chunk: convolution.tiles.count)
    let gradient = convolution.sourceGradient(gradients, chunk: convolution.tiles.count)
    for chunk in [1, 2, 7, 16, 17, 33, 50] {
      #expect(convolution.forward(chunk: chunk, spare: chunk % 3) == whole, "chunk \(chunk)")
      #expect(convolution.sourceGradient(gradients, chunk: chunk) == gradient, "chunk \(chunk)")
    }
    for map in sizes.indices {
      var alone = WinogradConvolution(
        [sizes[map]], inputs: 11, outputs: 18, block: block, &generator)
      alone.sources = [convolution.sources[map]]
      (alone.weights, alone.bias) = (convolution.weights, convolution.bias)
      #expect(alone.forward(chunk: 5)[0] == whole[map], "map \(map)")
    }
  }

  @Test func notANumberStaysOne() {
    var generator = SeededGenerator(seed: 4800)
    var convolution = WinogradConvolution(
      [(8, 9)], inputs: 3, outputs: 5, block: 8, &generator)
    convolution.sources[0][30] = .nan
    let result = convolution.plain(convolution.forward(chunk: 4, relu: true)[0], map: 0)
    for channel in 0..<5 { #expect(result[channel * 72 + 30].isNaN, "channel \(channel)") }
  }

  @Test func tilesOfEmptyMaps() {
    let tiles = WinogradTiles([(0, 5), (3, 9), (4, 0), (5, 4)])
    var runs: [[Int]] = []
    tiles.forEachRun(of: 1..<5) { runs.append([$0.map, $0.y, $0.x, $0.count]) }
    #expect(tiles.count == 5)
    #expect(runs == [[1, 0, 4, 2], [3, 0, 0, 1], [3, 4, 0, 1]])
  }
}
