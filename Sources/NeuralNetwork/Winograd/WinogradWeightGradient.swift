/// The gradient by the weights of a 3x3 convolution of stride 1, by Winograd: inputs and gradients by the outputs are
/// transformed tile by tile, multiplied for each of the 36 points by oneDNN's backward 1x1 convolution, which sums over
/// tiles, and the sums are transformed back.
///
/// Operands: input, gradient by the output, gradient by the weights in PyTorch's order.
struct WinogradWeightGradient: Kernel {
  private let tiles: WinogradTiles
  private let transforms: WinogradTransforms
  private let map: MapSize
  private let batch: Int
  private let block: Int
  private let inputBlocks: Int
  private let outputBlocks: Int
  private let shape: ConvolutionShape
  private let adds: Bool
  private let product: PrimitiveKernel
  private let productLayout: TensorLayout
  private let plainLayout: TensorLayout
  private let reorder: Reorder

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
    inputBlocks = (shape.inputChannels + block - 1) / block
    outputBlocks = (shape.outputChannels + block - 1) / block
    tiles = WinogradTiles(
      [(height: Int, width: Int)](repeating: (map.height, map.width), count: batch))
    transforms = WinogradTransforms(tiles: tiles, block: block)
    let pointwise = ConvolutionShape(
      inputChannels: inputBlocks * block, outputChannels: outputBlocks * block, kernel: 1)
    let compiled = try DirectConvolution(
      shape: pointwise,
      input: .blocked([1, pointwise.inputChannels, 1, tiles.count], block: block),
      output: .blocked([1, pointwise.outputChannels, 1, tiles.count], block: block),
      engine: engine
    ).backwardWeights(layout: nil)
    product = compiled.kernel
    productLayout = compiled.weights
    plainLayout = try .plain(pointwise.weightsShape)
    reorder = try Reorder(from: productLayout, to: plainLayout, engine: engine)
  }

  /// Numbers of one point's inputs and outputs.
  private var perPoint: (input: Int, output: Int) {
    (inputBlocks * block * tiles.count, outputBlocks * block * tiles.count)
  }

  private var transformedBytes: Int {
    WinogradTransforms.points * (perPoint.input + perPoint.output) * MemoryLayout<Float>.stride
  }

  private var productBytes: Int { WinogradTransforms.points * productLayout.byteCount }
  private var plainBytes: Int { WinogradTransforms.points * plainLayout.byteCount }

  /// What is to be added is made here first.
  private var partBytes: Int {
    adds ? (shape.weightCount * MemoryLayout<Float>.stride).rounded(toMultipleOf: 64) : 0
  }

  var scratchByteCount: Int {
    transformedBytes + productBytes + plainBytes + partBytes + product.scratchByteCount
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let sources = images(memory, 0, inputBlocks)
    let gradients = images(memory, 1, outputBlocks)
    let v = memory.scratch.assumingMemoryBound(to: Float.self)
    let dm = v + WinogradTransforms.points * perPoint.input
    let du = memory.scratch + transformedBytes
    let plain = du + productBytes
    let target = memory.numbers(2)
    let part = adds ? (plain + plainBytes).assumingMemoryBound(to: Float.self) : target
    let bound = try product.bind(
      [memory.scratch, memory.scratch, du], scratch: plain + plainBytes + partBytes,
      memory.stream)
    return { () throws(NeuralNetworkError) in
      let all = 0..<tiles.count
      transforms.input(
        sources, channelBlocks: inputBlocks, tiles: all, capacity: tiles.count, to: v)
      transforms.outputGradient(
        gradients, channelBlocks: outputBlocks, tiles: all, capacity: tiles.count, to: dm)
      for point in 0..<WinogradTransforms.points {
        try bound.move(0, to: v + point * perPoint.input)
        try bound.move(1, to: dm + point * perPoint.output)
        try bound.move(2, to: du + point * productLayout.byteCount)
        try bound.run()
      }
      try reorder.run(du, to: plain, count: WinogradTransforms.points)
      WinogradTransforms.weightGradient(
        plain.assumingMemoryBound(to: Float.self), outputChannels: shape.outputChannels,
        inputChannels: shape.inputChannels, rows: outputBlocks * block,
        columns: inputBlocks * block, to: part)
      if adds { for index in 0..<shape.weightCount { target[index] += part[index] } }
    }
  }

  private func images(
    _ memory: KernelMemory, _ operand: Int, _ blocks: Int
  ) -> [UnsafePointer<Float>] {
    (0..<batch).map { UnsafePointer(memory.numbers(operand) + $0 * blocks * block * map.pixels) }
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
