import TestSupport

@testable import NeuralNetwork

/// A 3x3 convolution of stride 1 and padding 1 over several maps, by the naive formula in float64 and by Winograd's
/// transforms with a plain loop for the product.
struct WinogradConvolution {
  let sizes: [(height: Int, width: Int)]
  let inputs, outputs, block: Int
  /// By map: (channel, y, x).
  var sources: [[Float]]
  /// (output channel, input channel, 3, 3).
  var weights: [Float]
  /// One for each output channel.
  var bias: [Float]

  var tiles: WinogradTiles { WinogradTiles(sizes) }
  var inputBlocks: Int { (inputs + block - 1) / block }
  var outputBlocks: Int { (outputs + block - 1) / block }
  private var transforms: WinogradTransforms { WinogradTransforms(tiles: tiles, block: block) }

  /// Numbers of a normal distribution, the weights as small as makes the outputs' variance about 2.
  init(
    _ sizes: [(height: Int, width: Int)], inputs: Int, outputs: Int, block: Int,
    _ generator: inout SeededGenerator
  ) {
    (self.sizes, self.inputs, self.outputs, self.block) = (sizes, inputs, outputs, block)
    sources = sizes.map { size in
      (0..<inputs * size.height * size.width).map { _ in generator.normal() }
    }
    let deviation = (2 / Float(9 * inputs)).squareRoot()
    weights = (0..<outputs * inputs * 9).map { _ in deviation * generator.normal() }
    bias = (0..<outputs).map { _ in 0.1 * generator.normal() }
  }

  // MARK: Naive, in float64

  /// The sum over input channels and taps, and the bias: by map (channel, y, x).
  func naive() -> [[Double]] {
    zip(sizes, sources).map { size, source in
      Self.correlate(
        source, channels: inputs, size: size, outputs: outputs,
        weight: { weights[($0 * inputs + $1) * 9 + $2] }
      ).enumerated().map { $1 + Double(bias[$0 / (size.height * size.width)]) }
    }
  }

  /// The gradient by the sources of that by the outputs.
  func naiveSourceGradient(_ gradients: [[Float]]) -> [[Double]] {
    zip(sizes, gradients).map { size, gradient in
      Self.correlate(
        gradient, channels: outputs, size: size, outputs: inputs,
        weight: { weights[($1 * inputs + $0) * 9 + 8 - $2] })
    }
  }

  private static func correlate(
    _ source: [Float], channels: Int, size: (height: Int, width: Int), outputs: Int,
    weight: (_ output: Int, _ input: Int, _ tap: Int) -> Float
  ) -> [Double] {
    let (height, width) = size
    var result = [Double](repeating: 0, count: outputs * height * width)
    for output in 0..<outputs {
      for input in 0..<channels {
        for tap in 0..<9 {
          let (dy, dx) = (tap / 3 - 1, tap % 3 - 1)
          let factor = Double(weight(output, input, tap))
          for y in max(0, -dy)..<max(0, -dy, min(height, height - dy)) {
            for x in max(0, -dx)..<max(0, -dx, min(width, width - dx)) {
              result[(output * height + y) * width + x] +=
                factor * Double(source[(input * height + y + dy) * width + x + dx])
            }
          }
        }
      }
    }
    return result
  }

  /// The gradient by the weights of that by the outputs.
  func naiveWeightGradient(_ gradients: [[Float]]) -> [Double] {
    var result = [Double](repeating: 0, count: weights.count)
    for (map, (height, width)) in sizes.enumerated() {
      for output in 0..<outputs {
        for input in 0..<inputs {
          for tap in 0..<9 {
            let (dy, dx) = (tap / 3 - 1, tap % 3 - 1)
            var sum = 0.0
            for y in max(0, -dy)..<max(0, -dy, min(height, height - dy)) {
              for x in max(0, -dx)..<max(0, -dx, min(width, width - dx)) {
                sum +=
                  Double(gradients[map][(output * height + y) * width + x])
                  * Double(sources[map][(input * height + y + dy) * width + x + dx])
              }
            }
            result[(output * inputs + input) * 9 + tap] += sum
          }
        }
      }
    }
    return result
  }

  // MARK: By Winograd

  /// The outputs, padded channels included, in chunks of `chunk` tiles, with room for `spare` tiles more.
  func forward(
    chunk: Int, spare: Int = 0, addingTo held: [[Float]]? = nil, usesBias: Bool = true,
    relu: Bool = false
  ) -> [[Float]] {
    run(
      sources.indices.map { blocked(sources[$0], map: $0, channels: inputs) }, outputs: outputs,
      turned: false, chunk: chunk, spare: spare, bias: usesBias ? bias : nil,
      held: held?.indices.map { blocked(held?[$0] ?? [], map: $0, channels: outputs) }, relu: relu)
  }

  /// The gradient by the sources of that by the outputs, padded channels included.
  func sourceGradient(_ gradients: [[Float]], chunk: Int) -> [[Float]] {
    run(
      gradients.indices.map { blocked(gradients[$0], map: $0, channels: outputs) },
      outputs: inputs, turned: true, chunk: chunk, spare: 0, bias: nil, held: nil, relu: false)
  }

  private func run(
    _ sources: [[Float]], outputs: Int, turned: Bool, chunk: Int, spare: Int, bias: [Float]?,
    held: [[Float]]?, relu: Bool
  ) -> [[Float]] {
    let columns = turned ? outputBlocks * block : inputBlocks * block
    let rows = turned ? inputBlocks * block : outputBlocks * block
    let u = transformedWeights(rows: rows, columns: columns, turned: turned)
    var results =
      held
      ?? sizes.map { [Float](repeating: .nan, count: rows * $0.height * $0.width) }
    let capacity = chunk + spare
    // What nobody writes must not be read.
    var v = [Float](repeating: .nan, count: 36 * columns * capacity)
    var m = [Float](repeating: .nan, count: 36 * rows * capacity)
    let padding = (bias ?? []) + [Float](repeating: 0, count: rows - outputs)
    for first in stride(from: 0, to: tiles.count, by: chunk) {
      let range = first..<min(first + chunk, tiles.count)
      withPointers(to: sources) {
        transforms.input(
          $0, channelBlocks: columns / block, tiles: range, capacity: capacity, to: &v)
      }
      Self.product(u, v, &m, rows, columns, block, capacity: capacity, count: range.count)
      withMutablePointers(to: &results) { results in
        padding.withUnsafeBufferPointer {
          transforms.output(
            m, channelBlocks: rows / block, tiles: range, capacity: capacity,
            bias: bias == nil ? nil : $0.baseAddress, addsToOutput: held != nil, relu: relu,
            to: results)
        }
      }
    }
    return results
  }

  /// U as [point][row][column]; `turned` for the gradient by the sources, whose rows are the convolution's inputs.
  private func transformedWeights(rows: Int, columns: Int, turned: Bool) -> [Float] {
    var g = [Float](repeating: 0, count: 9 * rows * columns)
    for (index, weight) in weights.enumerated() {
      let (output, input, tap) = (index / 9 / inputs, index / 9 % inputs, index % 9)
      let pair = turned ? input * columns + output : output * columns + input
      g[(turned ? 8 - tap : tap) * rows * columns + pair] = weight
    }
    var u = [Float](repeating: .nan, count: 36 * rows * columns)
    WinogradTransforms.weights(g, count: rows * columns, to: &u)
    return u
  }

  /// M = U V for each point.
  private static func product(
    _ u: [Float], _ v: [Float], _ m: inout [Float], _ rows: Int, _ columns: Int, _ block: Int,
    capacity: Int, count: Int
  ) {
    u.withUnsafeBufferPointer { u in
      v.withUnsafeBufferPointer { v in
        m.withUnsafeMutableBufferPointer { m in
          for point in 0..<36 {
            for tile in 0..<count {
              let first = point * columns * capacity + tile * block
              for row in 0..<rows {
                var sum: Float = 0
                for start in stride(from: 0, to: columns, by: block) {
                  for lane in 0..<block {
                    sum +=
                      u[(point * rows + row) * columns + start + lane]
                      * v[first + start * capacity + lane]
                  }
                }
                let place = (point * rows + row / block * block) * capacity
                m[place + tile * block + row % block] = sum
              }
            }
          }
        }
      }
    }
  }

  /// The gradient by the weights of that by the outputs.
  func weightGradient(_ gradients: [[Float]], chunk: Int) -> [Float] {
    let (rows, columns) = (outputBlocks * block, inputBlocks * block)
    let v = 36 * columns * chunk
    let dm = 36 * rows * chunk
    var du = [Float](repeating: 0, count: 36 * rows * columns)
    for first in stride(from: 0, to: tiles.count, by: chunk) {
      let range = first..<min(first + chunk, tiles.count)
      var vs = [Float](repeating: .nan, count: v)
      var dms = [Float](repeating: .nan, count: dm)
      withPointers(to: sources.indices.map { blocked(sources[$0], map: $0, channels: inputs) }) {
        transforms.input($0, channelBlocks: inputBlocks, tiles: range, capacity: chunk, to: &vs)
      }
      withPointers(to: gradients.indices.map { blocked(gradients[$0], map: $0, channels: outputs) })
      {
        transforms.outputGradient(
          $0, channelBlocks: outputBlocks, tiles: range, capacity: chunk, to: &dms)
      }
      for point in 0..<36 {
        for row in 0..<rows {
          for column in 0..<columns {
            for tile in 0..<range.count {
              du[(point * rows + row) * columns + column] +=
                dms[(point * rows + row / block * block) * chunk + tile * block + row % block]
                * vs[
                  (point * columns + column / block * block) * chunk + tile * block + column % block
                ]
            }
          }
        }
      }
    }
    var taps = [Float](repeating: .nan, count: 9 * rows * columns)
    WinogradTransforms.weightGradient(du, count: rows * columns, to: &taps)
    return weights.indices.map {
      let (output, input, tap) = ($0 / 9 / inputs, $0 / 9 % inputs, $0 % 9)
      return taps[(tap * rows + output) * columns + input]
    }
  }

  // MARK: Layout

  private func blocked(_ plain: [Float], map: Int, channels: Int) -> [Float] {
    let pixels = sizes[map].height * sizes[map].width
    var result = [Float](repeating: 0, count: (channels + block - 1) / block * block * pixels)
    for channel in 0..<channels {
      for pixel in 0..<pixels {
        result[(channel / block * pixels + pixel) * block + channel % block] =
          plain[channel * pixels + pixel]
      }
    }
    return result
  }

  /// The channels of a blocked map as (channel, y, x), padded channels included.
  func plain(_ blocked: [Float], map: Int) -> [Float] {
    let pixels = sizes[map].height * sizes[map].width
    return blocked.indices.map {
      let (channel, pixel) = $0.quotientAndRemainder(dividingBy: pixels)
      return blocked[(channel / block * pixels + pixel) * block + channel % block]
    }
  }
}

/// Copies `arrays` one behind the other, and passes pointers to them.
private func withPointers(to arrays: [[Float]], _ body: ([UnsafePointer<Float>]) -> Void) {
  var arrays = arrays
  withMutablePointers(to: &arrays) { body($0.map { UnsafePointer($0) }) }
}

/// Passes pointers to copies of `arrays`, with guards around them that must not be written, and copies them back.
private func withMutablePointers(
  to arrays: inout [[Float]], _ body: ([UnsafeMutablePointer<Float>]) -> Void
) {
  let guardCount = 16
  let counts = arrays.map(\.count)
  var memory = [Float](
    repeating: .nan, count: counts.reduce(guardCount) { $0 + $1 + guardCount })
  var starts: [Int] = []
  var end = guardCount
  for array in arrays {
    starts.append(end)
    memory.replaceSubrange(end..<end + array.count, with: array)
    end += array.count + guardCount
  }
  memory.withUnsafeMutableBufferPointer { memory in
    guard let base = memory.baseAddress else { return }
    body(starts.map { base + $0 })
  }
  for (index, start) in starts.enumerated() {
    precondition(memory[start - guardCount..<start].allSatisfy(\.isNaN), "written before a map")
    arrays[index] = Array(memory[start..<start + counts[index]])
  }
  precondition(memory[(end - guardCount)...].allSatisfy(\.isNaN), "written after a map")
}

extension SeededGenerator {
  /// Of a normal distribution (the sum of twelve even ones), mean 0 and deviation 1.
  mutating func normal() -> Float {
    var sum: Float = -6
    for _ in 0..<12 { sum += unitFloat() }
    return sum
  }
}
