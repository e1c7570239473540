import COneDNN

/// A copy of a tensor from one layout to another, compiled once.
struct Reorder: Sendable {
  private let primitive: Primitive
  private let source: TensorLayout
  private let destination: TensorLayout
  private let engine: Engine

  /// - Parameters:
  ///   - source: where numbers come from.
  ///   - destination: where they go; padding is filled with zeros.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    from source: TensorLayout, to destination: TensorLayout, engine: Engine
  ) throws(NeuralNetworkError) {
    self.source = source
    self.destination = destination
    self.engine = engine
    primitive = try PrimitiveDescription("dnnl_reorder_primitive_desc_create") {
      onednn_reorder($0, engine.handle, source.handle, destination.handle, $1)
    }.makePrimitive()
  }

  /// Copies tensors, on the calling thread.
  ///
  /// - Parameter copies: where each begins and where it goes.
  /// - Throws: `NeuralNetworkError`.
  func run(
    _ copies: [(from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer)]
  ) throws(NeuralNetworkError) {
    runSingleThreaded()
    let stream = try ExecutionStream(engine: engine)
    let scratch = try AlignedBuffer(byteCount: primitive.scratchpad.byteCount)
    let scratchpad = try TensorMemory(primitive.scratchpad, at: scratch.address, engine: engine)
    for (from, to) in copies {
      let memories = [
        (DNNL_ARG_FROM, try TensorMemory(source, at: from, engine: engine)),
        (DNNL_ARG_TO, try TensorMemory(destination, at: to, engine: engine)),
        (DNNL_ARG_SCRATCHPAD, scratchpad),
      ]
      try primitive.execute(
        memories.map { dnnl_exec_arg_t(arg: $0.0, memory: $0.1.handle) }, on: stream)
      withExtendedLifetime(memories) {}
    }
    withExtendedLifetime(scratch) {}
  }

  /// Copies one tensor.
  func run(
    _ from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer
  ) throws(NeuralNetworkError) {
    try run([(from, to)])
  }
}
