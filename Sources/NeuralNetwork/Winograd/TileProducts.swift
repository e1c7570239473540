/// The multiplication of one Winograd point, compiled for numbers of tiles: for a whole chunk, for what the last one of all
/// tiles has and, where tiles are computed on demand, for every `step` in between.
struct TileProducts {
  /// Of an area's last tiles, up to this many less one are multiplied for nothing.
  private static let step = 16

  /// Tiles that are transformed and multiplied together, at most.
  let chunk: Int
  /// Layout of one point's weights, [outputs, inputs, 1, 1].
  let weights: TensorLayout
  /// By how many tiles they multiply, the last of a whole chunk. A rest is multiplied by the first that is large enough.
  let kernels: [(capacity: Int, kernel: PrimitiveKernel)]

  /// - Parameters:
  ///   - tiles: how many there are.
  ///   - chunk: how many go together, if there are as many.
  ///   - isOnDemand: whether fewer may be wanted.
  ///   - compile: makes the product of so many tiles.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    of tiles: Int, chunk: Int, isOnDemand: Bool,
    compile: (Int) throws(NeuralNetworkError) -> DirectConvolution.Compiled
  ) throws(NeuralNetworkError) {
    let chunk = min(chunk, tiles)
    let whole = try compile(chunk)
    var capacities: Set<Int> = [tiles % chunk]
    if isOnDemand { capacities.formUnion(stride(from: 0, to: chunk, by: Self.step)) }
    var kernels: [(capacity: Int, kernel: PrimitiveKernel)] = []
    for capacity in capacities.sorted() where capacity > 0 {
      let part = try compile(capacity)
      // Should it want its weights otherwise, a larger one does its work, some of it for nothing.
      if part.weights == whole.weights { kernels.append((capacity, part.kernel)) }
    }
    self.chunk = chunk
    self.weights = whole.weights
    self.kernels = kernels + [(chunk, whole.kernel)]
  }

  /// Bytes of scratch memory that one of them uses.
  var scratchByteCount: Int { kernels.map(\.kernel.scratchByteCount).max() ?? 0 }
}
