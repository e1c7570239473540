/// The gradient by the weights of a 3x3 convolution of stride 1, by Winograd: inputs and gradients by the outputs are
/// transformed tile by tile, multiplied for each of the 36 points by oneDNN's backward 1x1 convolution, which sums over
/// tiles, and the sums are transformed back.
///
/// Operands: input, gradient by the output, gradient by the weights in PyTorch's order.
struct WinogradWeightGradient: Kernel {
  /// Tiles that are multiplied together: from here on the chunks' sums cost less to add than more tiles cost in cache.
  private static let chunk = 256

  private let tiles: WinogradTiles
  private let transforms: WinogradTransforms
  private let map: MapSize
  private let batch: Int
  private let block: Int
  private let shape: ConvolutionShape
  private let taps: WinogradTaps
  /// Whether to add to the gradient that is there.
  private let adds: Bool
  /// Output channels that are multiplied together; they divide all.
  private let part: Int
  /// The product of a whole chunk, and of the last one, by a part of the output channels.
  private let products: (whole: PrimitiveKernel, last: PrimitiveKernel)
  private let counts: (whole: Int, last: Int)
  /// Of one point's sums by a part of the output channels.
  private let layout: TensorLayout
  private let unpacking: Reorder

  /// - Parameters:
  ///   - shape: 3x3, stride 1, one group.
  ///   - map: size of input and output.
  ///   - batch: images.
  ///   - block: channels per block, 8 or 16.
  ///   - adds: whether to add to what is there.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, map: MapSize, batch: Int, block: Int, adds: Bool, engine: Engine
  ) throws(NeuralNetworkError) {
    precondition(shape.hasWinograd, "no Winograd convolution for \(shape)")
    self.shape = shape
    self.map = map
    self.batch = batch
    self.block = block
    self.adds = adds
    tiles = WinogradTiles(
      [(height: Int, width: Int)](repeating: (map.height, map.width), count: batch))
    transforms = WinogradTransforms(tiles: tiles, block: block)
    taps = WinogradTaps(shape, block: block)
    part = Self.part(of: taps.outputs, tiles: tiles.count)
    let product = ConvolutionShape(inputChannels: taps.inputs, outputChannels: part, kernel: 1)
    func compile(
      _ pixels: Int, _ layout: TensorLayout?
    ) throws(NeuralNetworkError) -> DirectConvolution.Compiled {
      try DirectConvolution(
        shape: product,
        input: .blocked([1, product.inputChannels, 1, pixels], block: block),
        output: .blocked([1, product.outputChannels, 1, pixels], block: block), engine: engine
      ).backwardWeights(layout: layout)
    }
    let whole = min(Self.chunk, tiles.count)
    let rest = tiles.count % whole
    let compiled = try compile(whole, nil)
    layout = compiled.weights
    products = (
      compiled.kernel, rest == 0 ? compiled.kernel : try compile(rest, compiled.weights).kernel
    )
    counts = (whole, rest == 0 ? whole : rest)
    unpacking = try Reorder(from: layout, to: try taps.layout(outputs: part), engine: engine)
  }

  /// How many output channels are multiplied together. Their sums are 36 times as large as one point's weights: where
  /// there is one chunk they are transformed back part by part, and stay in the cache meanwhile. Few tiles a product
  /// go with 64 channels, more with 128; several chunks need the sums of all channels anyhow.
  private static func part(of outputs: Int, tiles: Int) -> Int {
    guard tiles <= chunk else { return outputs }
    let wanted = tiles <= 64 ? 64 : 128
    return outputs > wanted && outputs.isMultiple(of: wanted) ? wanted : outputs
  }

  /// Numbers in one point's sums by a part of the output channels.
  private var partCount: Int { layout.byteCount / MemoryLayout<Float>.stride }

  /// Where things lie in the scratch memory, in numbers.
  private struct Places {
    var dm, sums, chunkSum, taps, padded, added, end: Int
  }

  private var places: Places {
    let (points, inputs, outputs) = (WinogradTransforms.points, taps.inputs, taps.outputs)
    let dm = points * inputs * counts.whole
    let sums = dm + points * outputs * counts.whole
    let chunkSum = sums + points * partCount
    let packed = chunkSum + (tiles.count > counts.whole ? partCount : 0)
    let padded = packed + WinogradTransforms.taps * partCount
    let added = padded + taps.unpaddingCount
    let end = added + (adds ? shape.weightCount.rounded(toMultipleOf: 16) : 0)
    return Places(
      dm: dm, sums: sums, chunkSum: chunkSum, taps: packed, padded: padded, added: added, end: end)
  }

  var scratchByteCount: Int {
    places.end * MemoryLayout<Float>.stride
      + max(products.whole.scratchByteCount, products.last.scratchByteCount)
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let places = places
    let v = memory.scratch.assumingMemoryBound(to: Float.self)
    let sources = images(memory, 0, channels: taps.inputs)
    let gradients = images(memory, 1, channels: taps.outputs)
    let target = memory.numbers(2)
    let operands = [UnsafeMutableRawPointer](repeating: memory.scratch, count: 3)
    let productScratch = UnsafeMutableRawPointer(v + places.end)
    let whole = try products.whole.bind(operands, scratch: productScratch, memory.stream)
    let last = try products.last.bind(operands, scratch: productScratch, memory.stream)
    let result = adds ? v + places.added : target
    return { () throws(NeuralNetworkError) in
      try taps.writeUnpadded(to: result, scratch: v + places.padded) {
        weights throws(NeuralNetworkError) in
        var start = 0
        while start < tiles.count {
          let isLast = start + counts.whole >= tiles.count
          let count = isLast ? counts.last : counts.whole
          transforms.input(
            sources, channelBlocks: taps.inputs / block, tiles: start..<start + count,
            capacity: count, to: v)
          transforms.outputGradient(
            gradients, channelBlocks: taps.outputs / block, tiles: start..<start + count,
            capacity: count, to: v + places.dm)
          for first in stride(from: 0, to: taps.outputs, by: part) {
            try multiply(isLast ? last : whole, v, count, first, isFirst: start == 0)
            guard isLast else { continue }
            try transformBack(v, to: weights + first * taps.inputs * WinogradTransforms.taps)
          }
          start += count
        }
      }
      if adds { for index in 0..<shape.weightCount { target[index] += result[index] } }
    }
  }

  /// Sums a chunk's products by the output channels from `first` on.
  private func multiply(
    _ product: BoundPrimitive, _ v: UnsafeMutablePointer<Float>, _ count: Int, _ first: Int,
    isFirst: Bool
  ) throws(NeuralNetworkError) {
    let places = places
    for point in 0..<WinogradTransforms.points {
      let sum = v + places.sums + point * partCount
      try product.move(0, to: v + point * taps.inputs * count)
      try product.move(1, to: v + places.dm + (point * taps.outputs + first) * count)
      try product.move(2, to: isFirst ? sum : v + places.chunkSum)
      try product.run()
      if !isFirst { NumberLoops.add(v + places.chunkSum, to: sum, count: partCount) }
    }
  }

  /// Writes the gradient by a part of the weights, padded.
  private func transformBack(
    _ v: UnsafeMutablePointer<Float>, to weights: UnsafeMutablePointer<Float>
  ) throws(NeuralNetworkError) {
    let packed = v + places.taps
    WinogradTransforms.weightGradient(v + places.sums, count: partCount, to: packed)
    try unpacking.run(
      (0..<WinogradTransforms.taps).map {
        (
          UnsafeMutableRawPointer(packed + $0 * partCount),
          UnsafeMutableRawPointer(weights + $0)
        )
      })
  }

  private func images(
    _ memory: KernelMemory, _ operand: Int, channels: Int
  ) -> [UnsafePointer<Float>] {
    (0..<batch).map { UnsafePointer(memory.numbers(operand) + $0 * channels * map.pixels) }
  }

  /// The gradient by the folded weights, in PyTorch's order.
  struct Form: GradientForm {
    var weights: FoldedWeights

    var byteCount: Int { weights.shape.weightCount * MemoryLayout<Float>.stride }

    func unpack(
      _ source: UnsafeMutableRawPointer, to target: UnsafeMutablePointer<Float>,
      _ parameters: ParameterSlab
    ) throws {
      target.update(
        from: source.assumingMemoryBound(to: Float.self), count: weights.shape.weightCount)
      try weights.unfold(target, parameters)
    }
  }
}
