import CTransforms

/// A 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3) or F(4x4, 3x3) with products of 8 bits or of bfloat16 ("LoWino",
/// Li et al. 2021): the transforms are float32, and what they give is rounded with a step for each point, which
/// calibration chose; weights likewise, for each point and output channel. 4/9 or 1/4 of the direct products.
///
/// The output is Aᵀ ((M + shift) s) A + bias, + summand, ReLU, rounded to its storage: M is exact, the rest float32.
///
/// Operands: weights (`ReducedWinogradWeights`), their steps, their shifts, then a bias (`CorrectedBias`), an input and an
/// output for each map: all biases, all inputs, all outputs. Of bfloat16 weights there are no steps and shifts; any
/// address will do.
struct ReducedWinogradConvolution: Kernel {
  /// One of the maps that are computed together.
  struct Map {
    var input: Plan.Tensor
    var output: Plan.Tensor
    /// The storage of what the output holds before, where that is added.
    var summand: Storage?
    /// By point, what becomes the greatest 8-bit number; empty for bfloat16.
    var largest: [Float]
  }

  private let side: Int
  private let type: ElementType
  private let maps: [Map]
  private let block: Int
  private let relu: Bool
  /// Where the areas of the maps stand; none: all is computed.
  private let areas: [Int]
  /// Those of the whole maps.
  private let tiles: WinogradTiles
  private let inputs: Int
  private let outputs: Int
  private let products: TileProducts

  /// Layout of one point's weights, [outputs, inputs, 1, 1].
  var weights: TensorLayout { products.weights }

  /// What the input's 0 is in an 8-bit product: without VNNI 7 bits must do, or two products saturate.
  static var zero: Int { InstructionSet.hasVNNI ? 128 : 64 }

  private var points: Int { (side + 2) * (side + 2) }

  /// - Parameters:
  ///   - shape: 3x3, stride 1, one group, input channels that are a multiple of 16.
  ///   - side: outputs of a tile in each direction, 2 or 4; 4 for bfloat16.
  ///   - type: of the weights, int8 or bfloat16.
  ///   - maps: what is computed together.
  ///   - block: channels per block of float32 and bfloat16 maps, 8 or 16.
  ///   - relu: whether the results go through a ReLU, last.
  ///   - areas: of the maps, where no more is computed than the tiles of an area that each run says.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ shape: ConvolutionShape, side: Int, type: ElementType, maps: [Map], block: Int, relu: Bool,
    areas: [Int] = [], engine: Engine
  ) throws(NeuralNetworkError) {
    precondition(shape.hasQuantizedWinograd, "no Winograd convolution for \(shape)")
    self.side = side
    self.type = type
    self.maps = maps
    self.block = block
    self.relu = relu
    self.areas = areas
    inputs = shape.inputChannels
    outputs = shape.outputChannels.rounded(toMultipleOf: 16)
    tiles = WinogradTiles(
      maps.map { ($0.output.size.height, $0.output.size.width) }, side: side)
    let product = ConvolutionShape(inputChannels: inputs, outputChannels: outputs, kernel: 1)
    products = try TileProducts(
      of: tiles.count, chunk: side == 4 ? 64 : 128, isOnDemand: !areas.isEmpty
    ) { pixels throws(NeuralNetworkError) in
      try DirectConvolution(
        shape: product,
        input: .channelsLast([1, product.inputChannels, 1, pixels], type == .int8 ? .uint8 : type),
        output: .channelsLast([1, product.outputChannels, 1, pixels], .float32), engine: engine,
        weightsType: type
      ).forward(hasBias: type == .int8, postOperations: [])
    }
  }

  // MARK: Memory

  private var chunk: Int { products.chunk }
  private var inputSize: Int { type == .int8 ? 1 : 2 }
  // One cache line more than the numbers take: so that the points' lines do not fall onto each other in the cache.
  private var inputStride: Int { chunk * inputs + 64 / inputSize }
  private var productStride: Int { chunk * outputs + 16 }
  private var inputBytes: Int { (points * inputStride * inputSize).rounded(toMultipleOf: 64) }
  private var transformedBytes: Int {
    inputBytes + points * productStride * MemoryLayout<Float>.stride
  }

  var scratchByteCount: Int {
    transformedBytes + products.scratchByteCount
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let bound = try Bound(self, memory)
    return { () throws(NeuralNetworkError) in try bound.run() }
  }

  /// The kernel with one thread's memory.
  private final class Bound {
    private let kernel: ReducedWinogradConvolution
    private let loops = InstructionSet.loops
    private let memory: KernelMemory
    private let images: [(input: ctransforms_image, output: ctransforms_image)]
    /// For each map, by point: 1 / step of the input; by point and channel: the step of a product.
    private let steps: AlignedBuffer
    private let products: [(capacity: Int, product: BoundPrimitive)]
    private let weightsStride: Int

    init(
      _ kernel: ReducedWinogradConvolution, _ memory: KernelMemory
    ) throws(NeuralNetworkError) {
      self.kernel = kernel
      self.memory = memory
      let count = kernel.maps.count
      images = kernel.maps.indices.map { map in
        (
          kernel.maps[map].input.image(memory.operands[3 + count + map], block: kernel.block),
          kernel.maps[map].output.image(memory.operands[3 + 2 * count + map], block: kernel.block)
        )
      }
      weightsStride = kernel.weights.byteCount.rounded(toMultipleOf: 64)
      var operands = [memory.scratch, memory.operands[0], memory.scratch]
      if kernel.type == .int8 { operands.insert(memory.operands[2], at: 2) }
      let scratch = memory.scratch + kernel.transformedBytes
      var products: [(capacity: Int, product: BoundPrimitive)] = []
      for (capacity, product) in kernel.products.kernels {
        products.append(
          (capacity, try product.bind(operands, scratch: scratch, memory.stream)))
      }
      self.products = products
      steps = try AlignedBuffer(
        byteCount: count * kernel.stepCount * MemoryLayout<Float>.stride)
      guard kernel.type == .int8 else { return }
      for (map, target) in kernel.maps.indices.map({ ($0, inverseSteps($0)) }) {
        for point in 0..<kernel.points {
          let step = kernel.maps[map].largest[point] / Float(ReducedWinogradConvolution.zero - 1)
          target[point] = 1 / step
          for channel in 0..<kernel.outputs {
            let place = point * kernel.outputs + channel
            scales(map)[place] = memory.numbers(1)[place] * step
          }
        }
      }
    }

    private func inverseSteps(_ map: Int) -> UnsafeMutablePointer<Float> {
      steps.address.assumingMemoryBound(to: Float.self) + map * kernel.stepCount
    }

    private func scales(_ map: Int) -> UnsafeMutablePointer<Float> {
      inverseSteps(map) + ReducedWinogradConvolution.pointRoom
    }

    func run() throws(NeuralNetworkError) {
      let tiles =
        kernel.areas.isEmpty
        ? kernel.tiles
        : WinogradTiles(kernel.areas.map { memory.areas[$0] }, side: kernel.side)
      let v = memory.scratch
      let m = (memory.scratch + kernel.inputBytes).assumingMemoryBound(to: Float.self)
      var start = 0
      while start < tiles.count {
        let rest = min(tiles.count - start, kernel.chunk)
        guard let product = products.first(where: { $0.capacity >= rest })?.product else {
          preconditionFailure("no product of \(rest) tiles")
        }
        let range = start..<start + rest
        transformInput(tiles, range, to: v)
        for point in 0..<kernel.points {
          try product.move(0, to: v + point * kernel.inputStride * kernel.inputSize)
          try product.move(1, to: memory.operands[0] + point * weightsStride)
          if kernel.type == .int8 {
            try product.move(2, to: memory.numbers(2) + point * kernel.outputs)
          }
          try product.move(kernel.type == .int8 ? 3 : 2, to: m + point * kernel.productStride)
          try product.run()
        }
        transformOutput(tiles, range, m)
        start = range.upperBound
      }
    }

    private func transformInput(
      _ tiles: WinogradTiles, _ range: Range<Int>, to v: UnsafeMutableRawPointer
    ) {
      var target = ctransforms_tiles(
        data: v, point_stride: kernel.inputStride, channels: Int32(kernel.inputs))
      tiles.forEachRun(of: range) { run in
        withUnsafePointer(to: images[run.map].input) {
          ctransforms_input(
            loops, $0, kernel.run(run), kernel.type == .int8 ? ctransforms_u8 : ctransforms_bf16,
            Int32(ReducedWinogradConvolution.zero), inverseSteps(run.map), &target)
        }
        target.data += run.count * kernel.inputs * kernel.inputSize
      }
    }

    private func transformOutput(
      _ tiles: WinogradTiles, _ range: Range<Int>, _ m: UnsafeMutablePointer<Float>
    ) {
      var source = ctransforms_tiles(
        data: m, point_stride: kernel.productStride, channels: Int32(kernel.outputs))
      tiles.forEachRun(of: range) { run in
        let summand = kernel.maps[run.map].summand
        withUnsafePointer(to: images[run.map].output) {
          ctransforms_output(
            loops, &source, kernel.run(run), kernel.type == .int8 ? scales(run.map) : nil,
            memory.numbers(3 + run.map), summand == nil ? 0 : 1,
            (summand ?? .float32).type.loopType, summand?.step ?? 1, kernel.relu ? 1 : 0, $0)
        }
        source.data += run.count * kernel.outputs * MemoryLayout<Float>.stride
      }
    }
  }

  /// Room for a number for each point, whole cache lines.
  private static let pointRoom = 48
  /// Of one map.
  private var stepCount: Int { Self.pointRoom + points * outputs }

  private func run(_ run: WinogradTiles.Run) -> ctransforms_run {
    ctransforms_run(
      side: Int32(side), y: Int32(run.y), x: Int32(run.x), count: Int32(run.count))
  }
}
