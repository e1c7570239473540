import Glibc

/// A direct convolution over a map, or, where the map is on demand and the convolution's stride 1, over the bands of its
/// rows that hold some of what is wanted.
///
/// oneDNN compiles a convolution for one size. So a band is copied out of the input together with the rows around it that
/// the kernel reaches, zeros beyond the map's edges, and its outputs are copied back: the same sums in the same order,
/// bits included.
///
/// Operands: as `DirectConvolution.forward`.
struct BandedConvolution: Kernel {
  /// Rows of a band. Each layer needs a little more of the one before it, in whole bands: small ones keep that little.
  private static let rows = 2

  private let whole: PrimitiveKernel
  private let band: PrimitiveKernel?
  /// Where the map's area stands; nil: all is computed.
  private let area: Int?
  private let input: Rows
  private let output: Rows
  private let outputOperand: Int
  private let margin: Int

  /// Layout of the weights.
  let weights: TensorLayout

  /// What of its input an area of the output takes.
  static func reach(_ shape: ConvolutionShape, _ output: MapSize) -> Reach {
    .windows(ofTiles: MapSize(height: rows, width: output.width), margin: shape.padding)
  }

  /// - Parameters:
  ///   - convolution: of the whole map.
  ///   - input: what it reads.
  ///   - output: what it writes; nothing that it held before is read where there is an area.
  ///   - hasBias: whether a bias is added.
  ///   - postOperations: applied after the bias.
  ///   - areas: of the map, where no more is computed than the bands that hold an area that each run says.
  ///   - block: channels per block.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ convolution: DirectConvolution, input: Plan.Tensor, output: Plan.Tensor, hasBias: Bool,
    postOperations: [PostOperation], areas: [Int], block: Int
  ) throws(NeuralNetworkError) {
    let compiled = try convolution.forward(hasBias: hasBias, postOperations: postOperations)
    whole = compiled.kernel
    weights = compiled.weights
    area = areas.first
    margin = convolution.shape.padding
    self.input = Rows(input, block: block)
    self.output = Rows(output, block: block)
    outputOperand = hasBias ? 3 : 2
    guard area != nil, output.size.height > Self.rows else {
      band = nil
      return
    }
    var part = convolution
    part.padsRows = false
    part.input = try input.layout(rows: Self.rows + 2 * margin, block: block)
    part.output = try output.layout(rows: Self.rows, block: block)
    let compiledPart = try part.forward(hasBias: hasBias, postOperations: postOperations)
    // Should it want its weights otherwise, the whole map is computed.
    band = compiledPart.weights == weights ? compiledPart.kernel : nil
  }

  private var inputBytes: Int {
    input.byteCount(rows: Self.rows + 2 * margin).rounded(toMultipleOf: 64)
  }
  private var bandBytes: Int {
    inputBytes + output.byteCount(rows: Self.rows).rounded(toMultipleOf: 64)
  }

  var scratchByteCount: Int {
    max(whole.scratchByteCount, band.map { bandBytes + $0.scratchByteCount } ?? 0)
  }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    try bind(memory.operands, memory)
  }

  /// Binds it to operands other than the memory's.
  func bind(
    _ operands: [UnsafeMutableRawPointer], _ memory: KernelMemory
  ) throws(NeuralNetworkError) -> BoundKernel {
    let whole = try whole.bind(operands, scratch: memory.scratch, memory.stream)
    guard let band, let area else { return { () throws(NeuralNetworkError) in try whole.run() } }
    let (source, target) = (operands[0], operands[outputOperand])
    let (bandInput, bandOutput) = (memory.scratch, memory.scratch + inputBytes)
    var bandOperands = operands
    bandOperands[0] = bandInput
    bandOperands[outputOperand] = bandOutput
    let part = try band.bind(bandOperands, scratch: memory.scratch + bandBytes, memory.stream)
    let areas = memory.areas
    let bands = MapSize(height: Self.rows, width: output.width)
    return { () throws(NeuralNetworkError) in
      var starts: [Int] = []
      areas[area].forEachRun(ofTiles: bands) { row, _, _ in starts.append(row * Self.rows) }
      // Copying costs something: most of a map is computed as fast as a whole.
      if starts.count * Self.rows * 4 > output.height * 3 { return try whole.run() }
      for start in starts {
        input.copyOut(source, from: start - margin, count: Self.rows + 2 * margin, to: bandInput)
        try part.run()
        output.copyBack(bandOutput, rows: Self.rows, to: target, at: start)
      }
    }
  }
}

/// How the rows of a map lie in memory: in each block of channels one after another.
private struct Rows {
  let height: Int
  let width: Int
  /// Blocks of channels; one where all channels of a pixel lie side by side.
  let planes: Int
  let rowBytes: Int

  init(_ tensor: Plan.Tensor, block: Int) {
    let lanes = tensor.storage.isChannelsLast ? tensor.channels : block
    height = tensor.size.height
    width = tensor.size.width
    planes = (tensor.channels + lanes - 1) / lanes
    rowBytes = width * lanes * tensor.storage.type.byteCount
  }

  func byteCount(rows: Int) -> Int { planes * rows * rowBytes }

  /// Copies rows, zeros for those beyond the edges.
  func copyOut(
    _ map: UnsafeMutableRawPointer, from first: Int, count: Int, to target: UnsafeMutableRawPointer
  ) {
    let inside = (first..<first + count).clamped(to: 0..<height)
    let (above, below) = (inside.lowerBound - first, first + count - inside.upperBound)
    for plane in 0..<planes {
      let rows = target + plane * count * rowBytes
      memset(rows, 0, above * rowBytes)
      memcpy(
        rows + above * rowBytes, map + (plane * height + inside.lowerBound) * rowBytes,
        inside.count * rowBytes)
      memset(rows + (count - below) * rowBytes, 0, below * rowBytes)
    }
  }

  /// Copies a band of rows to where they are in the map, but for those beyond its edge.
  func copyBack(
    _ band: UnsafeMutableRawPointer, rows: Int, to map: UnsafeMutableRawPointer, at first: Int
  ) {
    for plane in 0..<planes {
      memcpy(
        map + (plane * height + first) * rowBytes, band + plane * rows * rowBytes,
        min(rows, height - first) * rowBytes)
    }
  }
}

extension Plan.Tensor {
  /// The layout of so many rows of one image, in the map's order.
  fileprivate func layout(rows: Int, block: Int) throws(NeuralNetworkError) -> TensorLayout {
    let shape = [1, channels, rows, size.width]
    return storage.isChannelsLast
      ? try .channelsLast(shape, storage.type) : try .blocked(shape, storage.type, block: block)
  }
}
