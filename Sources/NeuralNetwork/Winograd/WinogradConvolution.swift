/// A 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3) (Lavin and Gray 2016): tiles of the input are transformed,
/// for each of the 36 points all channels are multiplied by oneDNN's 1x1 convolution, and the products are transformed
/// back. A quarter of the direct convolution's products, on every instruction set.
///
/// Each output depends on its own tile alone, so its bits are the same whatever images or levels share a call.
///
/// Operands: weights (`WinogradWeights`), bias if there is one, an input for each map, an output for each map.
struct WinogradConvolution: Kernel {
  /// Tiles that are transformed together. 96 is within 3 % of the best for all layers of a ResNet: more gains 2 to
  /// 3 % at 256 channels and loses up to 23 % at 64 to 128, where the chunk leaves the second cache.
  static let chunk = 96

  private let maps: [MapSize]
  private let batch: Int
  private let block: Int
  private let tiles: WinogradTiles
  private let transforms: WinogradTransforms
  private let inputBlocks: Int
  private let outputBlocks: Int
  private let hasBias: Bool
  private let addsToOutput: Bool
  private let relu: Bool
  /// The product of a whole chunk, and of the last one.
  private let products: (whole: PrimitiveKernel, last: PrimitiveKernel)
  private let counts: (whole: Int, last: Int)

  /// Layout of one point's weights, [outputs, inputs, 1, 1].
  let weights: TensorLayout

  /// - Parameters:
  ///   - shape: 3x3, stride 1, one group.
  ///   - maps: sizes of the maps that are computed together.
  ///   - batch: images of each map.
  ///   - block: channels per block, 8 or 16.
  ///   - hasBias: whether a bias is added.
  ///   - addsToOutput: whether what the outputs held is added, after the bias.
  ///   - relu: whether the result goes through a ReLU, last.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, maps: [MapSize], batch: Int, block: Int, hasBias: Bool,
    addsToOutput: Bool, relu: Bool, engine: Engine
  ) throws(NeuralNetworkError) {
    precondition(shape.hasWinograd, "no Winograd convolution for \(shape)")
    self.maps = maps
    self.batch = batch
    self.block = block
    self.hasBias = hasBias
    self.addsToOutput = addsToOutput
    self.relu = relu
    inputBlocks = (shape.inputChannels + block - 1) / block
    outputBlocks = (shape.outputChannels + block - 1) / block
    tiles = WinogradTiles(
      maps.flatMap { [(height: Int, width: Int)](repeating: ($0.height, $0.width), count: batch) })
    transforms = WinogradTransforms(tiles: tiles, block: block)

    let product = ConvolutionShape(
      inputChannels: inputBlocks * block, outputChannels: outputBlocks * block, kernel: 1)
    func compile(_ pixels: Int) throws(NeuralNetworkError) -> DirectConvolution.Compiled {
      try DirectConvolution(
        shape: product,
        input: .blocked([1, product.inputChannels, 1, pixels], block: block),
        output: .blocked([1, product.outputChannels, 1, pixels], block: block), engine: engine
      ).forward(hasBias: false, postOperations: [])
    }
    let whole = min(Self.chunk, tiles.count)
    let compiled = try compile(whole)
    weights = compiled.weights
    let rest = tiles.count % whole
    let last = rest == 0 ? compiled : try compile(rest)
    // Should the last chunk want its weights otherwise, it is multiplied as a whole one, the rest of it for nothing.
    let isSame = last.weights == compiled.weights
    products = (compiled.kernel, isSame ? last.kernel : compiled.kernel)
    counts = (whole, rest == 0 || !isSame ? whole : rest)
  }

  private var pointBytes: (input: Int, output: Int) {
    let perBlock = counts.whole * block * MemoryLayout<Float>.stride
    return (inputBlocks * perBlock, outputBlocks * perBlock)
  }

  private var transformedBytes: Int {
    WinogradTransforms.points * (pointBytes.input + pointBytes.output)
  }

  var scratchByteCount: Int {
    transformedBytes + max(products.whole.scratchByteCount, products.last.scratchByteCount)
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let weights = memory.operands[0]
    let bias = hasBias ? UnsafePointer(memory.numbers(1)) : nil
    let first = hasBias ? 2 : 1
    let sources = images(memory, from: first, blocks: inputBlocks).map { UnsafePointer($0) }
    let destinations = images(memory, from: first + maps.count, blocks: outputBlocks)
    let v = memory.scratch.assumingMemoryBound(to: Float.self)
    let m = v + WinogradTransforms.points * pointBytes.input / MemoryLayout<Float>.stride
    let operands = [memory.scratch, weights, memory.scratch]
    let productScratch = memory.scratch + transformedBytes
    let whole = try products.whole.bind(operands, scratch: productScratch, memory.stream)
    let last = try products.last.bind(operands, scratch: productScratch, memory.stream)
    return { () throws(NeuralNetworkError) in
      var start = 0
      while start < tiles.count {
        let isLast = start + counts.whole >= tiles.count
        let capacity = isLast ? counts.last : counts.whole
        let range = start..<min(start + counts.whole, tiles.count)
        transforms.input(
          sources, channelBlocks: inputBlocks, tiles: range, capacity: capacity, to: v)
        let product = isLast ? last : whole
        for point in 0..<WinogradTransforms.points {
          try product.move(0, to: v + point * inputBlocks * capacity * block)
          try product.move(1, to: weights + point * self.weights.byteCount)
          try product.move(2, to: m + point * outputBlocks * capacity * block)
          try product.run()
        }
        transforms.output(
          m, channelBlocks: outputBlocks, tiles: range, capacity: capacity, bias: bias,
          addsToOutput: addsToOutput, relu: relu, to: destinations)
        start = range.upperBound
      }
    }
  }

  /// Each image of each map, as the tiles number them.
  private func images(
    _ memory: KernelMemory, from operand: Int, blocks: Int
  ) -> [UnsafeMutablePointer<Float>] {
    maps.indices.flatMap { map in
      (0..<batch).map { memory.numbers(operand + map) + $0 * blocks * block * maps[map].pixels }
    }
  }
}
