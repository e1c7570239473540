/// A 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3) (Lavin and Gray 2016): tiles of the input are transformed,
/// for each of the 36 points all channels are multiplied by oneDNN's 1x1 convolution, and the products are transformed
/// back. A quarter of the direct convolution's products, on every instruction set.
///
/// Each output depends on its own tile alone, so its bits are the same whatever images or levels share a call.
///
/// Operands: weights (`WinogradWeights`), bias if there is one, an input for each map, an output for each map.
struct WinogradConvolution: Kernel {
  /// Outputs of a tile in each direction.
  static let side = 4
  /// Tiles that are transformed together. 96 is within 3 % of the best for all layers of a ResNet: more gains 2 to
  /// 3 % at 256 channels and loses up to 23 % at 64 to 128, where the chunk leaves the second cache.
  static let chunk = 96

  private let maps: [MapSize]
  private let batch: Int
  private let block: Int
  /// Where the areas of the maps stand; none: all is computed.
  private let areas: [Int]
  /// Those of the whole maps.
  private let tiles: WinogradTiles
  private let inputBlocks: Int
  private let outputBlocks: Int
  private let hasBias: Bool
  private let addsToOutput: Bool
  private let relu: Bool
  private let products: TileProducts

  /// Layout of one point's weights, [outputs, inputs, 1, 1].
  var weights: TensorLayout { products.weights }

  /// - Parameters:
  ///   - shape: 3x3, stride 1, one group.
  ///   - maps: sizes of the maps that are computed together.
  ///   - batch: images of each map.
  ///   - block: channels per block, 8 or 16.
  ///   - hasBias: whether a bias is added.
  ///   - addsToOutput: whether what the outputs held is added, after the bias.
  ///   - relu: whether the result goes through a ReLU, last.
  ///   - areas: of the maps, where no more is computed than the tiles of an area that each run says.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, maps: [MapSize], batch: Int, block: Int, hasBias: Bool,
    addsToOutput: Bool, relu: Bool, areas: [Int] = [], engine: Engine
  ) throws(NeuralNetworkError) {
    precondition(shape.hasWinograd, "no Winograd convolution for \(shape)")
    precondition(areas.isEmpty || batch == 1 && areas.count == maps.count, "areas of batches")
    self.maps = maps
    self.batch = batch
    self.block = block
    self.areas = areas
    self.hasBias = hasBias
    self.addsToOutput = addsToOutput
    self.relu = relu
    inputBlocks = (shape.inputChannels + block - 1) / block
    outputBlocks = (shape.outputChannels + block - 1) / block
    tiles = WinogradTiles(
      maps.flatMap { [(height: Int, width: Int)](repeating: ($0.height, $0.width), count: batch) })

    let product = ConvolutionShape(
      inputChannels: inputBlocks * block, outputChannels: outputBlocks * block, kernel: 1)
    products = try TileProducts(of: tiles.count, chunk: Self.chunk, isOnDemand: !areas.isEmpty) {
      pixels throws(NeuralNetworkError) in
      try DirectConvolution(
        shape: product,
        input: .blocked([1, product.inputChannels, 1, pixels], block: block),
        output: .blocked([1, product.outputChannels, 1, pixels], block: block), engine: engine
      ).forward(hasBias: false, postOperations: [])
    }
  }

  private var chunk: Int { products.chunk }

  private var pointBytes: (input: Int, output: Int) {
    let perBlock = chunk * block * MemoryLayout<Float>.stride
    return (inputBlocks * perBlock, outputBlocks * perBlock)
  }

  private var transformedBytes: Int {
    WinogradTransforms.points * (pointBytes.input + pointBytes.output)
  }

  var scratchByteCount: Int {
    transformedBytes + products.scratchByteCount
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
    var products: [(capacity: Int, product: BoundPrimitive)] = []
    for (capacity, kernel) in self.products.kernels {
      products.append(
        (capacity, try kernel.bind(operands, scratch: productScratch, memory.stream)))
    }
    let demanded = memory.areas
    return { [products] () throws(NeuralNetworkError) in
      let tiles = areas.isEmpty ? tiles : WinogradTiles(areas.map { demanded[$0] })
      let transforms = WinogradTransforms(tiles: tiles, block: block)
      var start = 0
      while start < tiles.count {
        let rest = min(tiles.count - start, chunk)
        guard let (capacity, product) = products.first(where: { $0.capacity >= rest }) else {
          preconditionFailure("no product of \(rest) tiles")
        }
        let range = start..<start + rest
        transforms.input(
          sources, channelBlocks: inputBlocks, tiles: range, capacity: capacity, to: v)
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
