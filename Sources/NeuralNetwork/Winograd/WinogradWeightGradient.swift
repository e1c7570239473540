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
  /// The product of a whole chunk, and of the last one.
  private let products: (whole: PrimitiveKernel, last: PrimitiveKernel)
  private let counts: (whole: Int, last: Int)
  /// Of one point's sums.
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
    let product = ConvolutionShape(
      inputChannels: taps.inputs, outputChannels: taps.outputs, kernel: 1)
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
    unpacking = try Reorder(from: layout, to: try taps.layout(turned: false), engine: engine)
  }

  /// Where things lie in the scratch memory, in bytes.
  private var places: (dm: Int, sums: Int, part: Int, taps: Int, padded: Int, added: Int, end: Int)
  {
    let float = MemoryLayout<Float>.stride
    let dm = WinogradTransforms.points * taps.inputs * counts.whole * float
    let sums = dm + WinogradTransforms.points * taps.outputs * counts.whole * float
    let part = sums + WinogradTransforms.points * layout.byteCount
    let packed = part + (tiles.count > counts.whole ? layout.byteCount : 0)
    let padded = packed + WinogradTransforms.taps * layout.byteCount
    let added = padded + taps.unpaddingCount * float
    let end = added + (adds ? (shape.weightCount * float).rounded(toMultipleOf: 64) : 0)
    return (dm, sums, part, packed, padded, added, end)
  }

  var scratchByteCount: Int {
    places.end + max(products.whole.scratchByteCount, products.last.scratchByteCount)
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let places = places
    func numbers(_ place: Int) -> UnsafeMutablePointer<Float> {
      (memory.scratch + place).assumingMemoryBound(to: Float.self)
    }
    let sources = images(memory, 0, channels: taps.inputs)
    let gradients = images(memory, 1, channels: taps.outputs)
    let (v, dm) = (numbers(0), numbers(places.dm))
    let target = memory.numbers(2)
    let operands = [UnsafeMutableRawPointer](repeating: memory.scratch, count: 3)
    let whole = try products.whole.bind(
      operands, scratch: memory.scratch + places.end, memory.stream)
    let last = try products.last.bind(
      operands, scratch: memory.scratch + places.end, memory.stream)
    return { () throws(NeuralNetworkError) in
      var start = 0
      while start < tiles.count {
        let isLast = start + counts.whole >= tiles.count
        let count = isLast ? counts.last : counts.whole
        let range = start..<start + count
        transforms.input(
          sources, channelBlocks: taps.inputs / block, tiles: range, capacity: count, to: v)
        transforms.outputGradient(
          gradients, channelBlocks: taps.outputs / block, tiles: range, capacity: count, to: dm)
        let product = isLast ? last : whole
        for point in 0..<WinogradTransforms.points {
          let sum = memory.scratch + places.sums + point * layout.byteCount
          let result = start == 0 ? sum : memory.scratch + places.part
          try product.move(0, to: v + point * taps.inputs * count)
          try product.move(1, to: dm + point * taps.outputs * count)
          try product.move(2, to: result)
          try product.run()
          guard start > 0 else { continue }
          NumberLoops.add(
            numbers(places.part), to: sum.assumingMemoryBound(to: Float.self),
            count: layout.byteCount / MemoryLayout<Float>.stride)
        }
        start = range.upperBound
      }
      WinogradTransforms.weightGradient(
        numbers(places.sums), count: layout.byteCount / MemoryLayout<Float>.stride,
        to: numbers(places.taps))
      let result = adds ? numbers(places.added) : target
      try taps.writeUnpadded(to: result, scratch: numbers(places.padded)) {
        weights throws(NeuralNetworkError) in
        try unpacking.run(
          (0..<WinogradTransforms.taps).map {
            (
              memory.scratch + places.taps + $0 * layout.byteCount,
              UnsafeMutableRawPointer(weights + $0)
            )
          })
      }
      if adds { for index in 0..<shape.weightCount { target[index] += result[index] } }
    }
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
