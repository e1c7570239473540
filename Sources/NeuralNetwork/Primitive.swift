import COneDNN

/// One oneDNN operation compiled for fixed shapes and layouts.
///
/// `@unchecked Sendable`: immutable after creation; with a scratchpad that belongs to the caller (mode `user`,
/// always set here) one primitive runs on several threads at once. With oneDNN's own scratchpad a primitive
/// made on one thread and run on others crashes (measured, five times of five).
final class Primitive: @unchecked Sendable {
  let handle: dnnl_primitive_t
  /// What a caller has to provide to each run.
  let scratchpad: TensorLayout

  fileprivate init(_ description: PrimitiveDescription) throws(NeuralNetworkError) {
    var handle: dnnl_primitive_t?
    try check(dnnl_primitive_create(&handle, description.handle), "dnnl_primitive_create")
    self.handle = try unwrap(handle, "dnnl_primitive_create")
    scratchpad = try description.layout(dnnl_query_scratchpad_md)
  }

  deinit {
    dnnl_primitive_destroy(handle)
  }

  /// Runs on the calling thread and returns when done.
  func execute(_ arguments: [dnnl_exec_arg_t], on stream: ExecutionStream)
    throws(NeuralNetworkError)
  {
    let status = arguments.withUnsafeBufferPointer {
      dnnl_primitive_execute(handle, stream.handle, Int32($0.count), $0.baseAddress)
    }
    try check(status, "dnnl_primitive_execute")
    try check(dnnl_stream_wait(stream.handle), "dnnl_stream_wait")
  }
}

/// A primitive that oneDNN found an implementation for, before its code is generated: says which layouts the
/// implementation wants.
final class PrimitiveDescription {
  fileprivate let handle: dnnl_primitive_desc_t

  /// - Parameters:
  ///   - operation: a pointer to one of oneDNN's operation descriptors.
  ///   - postOperations: what the primitive does to each result before it is stored.
  ///   - engine: where it runs.
  ///   - forward: of a backward operation that shares a workspace with its forward one, the latter.
  /// - Throws: `NeuralNetworkError.oneDNN`, also where nothing implements the operation.
  init(
    _ operation: UnsafeRawPointer, _ postOperations: [PostOperation], engine: Engine,
    forward: PrimitiveDescription? = nil
  ) throws(NeuralNetworkError) {
    // oneDNN divides the work, and sizes the scratchpad, for the threads of the thread that compiles.
    runSingleThreaded()
    let attributes = try Self.makeAttributes()
    defer { dnnl_primitive_attr_destroy(attributes) }
    var operations: dnnl_post_ops_t?
    try check(dnnl_post_ops_create(&operations), "dnnl_post_ops_create")
    defer { dnnl_post_ops_destroy(operations) }
    for postOperation in postOperations {
      switch postOperation {
      case .sum:
        try check(dnnl_post_ops_append_sum(operations, 1), "dnnl_post_ops_append_sum")
      case .relu:
        try check(
          dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0),
          "dnnl_post_ops_append_eltwise")
      }
    }
    try check(
      dnnl_primitive_attr_set_post_ops(attributes, operations), "dnnl_primitive_attr_set_post_ops")
    var handle: dnnl_primitive_desc_t?
    try check(
      dnnl_primitive_desc_create(
        &handle, operation, attributes, engine.handle, forward?.handle),
      "dnnl_primitive_desc_create")
    self.handle = try unwrap(handle, "dnnl_primitive_desc_create")
  }

  /// A copy from one layout to another.
  ///
  /// - Parameters:
  ///   - source: where numbers come from.
  ///   - destination: where they go; padding is filled with zeros.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    reorderFrom source: TensorLayout, to destination: TensorLayout, engine: Engine
  ) throws(NeuralNetworkError) {
    runSingleThreaded()
    let attributes = try Self.makeAttributes()
    defer { dnnl_primitive_attr_destroy(attributes) }
    var handle: dnnl_primitive_desc_t?
    let status = withUnsafePointer(to: source.descriptor) { source in
      withUnsafePointer(to: destination.descriptor) { destination in
        dnnl_reorder_primitive_desc_create(
          &handle, source, engine.handle, destination, engine.handle, attributes)
      }
    }
    try check(status, "dnnl_reorder_primitive_desc_create")
    self.handle = try unwrap(handle, "dnnl_reorder_primitive_desc_create")
  }

  deinit {
    dnnl_primitive_desc_destroy(handle)
  }

  /// Attributes that leave the scratchpad to the caller, who destroys them.
  private static func makeAttributes() throws(NeuralNetworkError) -> dnnl_primitive_attr_t {
    var attributes: dnnl_primitive_attr_t?
    try check(dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create")
    try check(
      dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
      "dnnl_primitive_attr_set_scratchpad_mode")
    return try unwrap(attributes, "dnnl_primitive_attr_create")
  }

  /// The layout of one of the primitive's tensors.
  func layout(_ what: dnnl_query_t, _ index: Int32 = 0) throws(NeuralNetworkError) -> TensorLayout {
    guard let descriptor = dnnl_primitive_desc_query_md(handle, what, index) else {
      throw .oneDNN(call: "dnnl_primitive_desc_query_md", status: "no such tensor")
    }
    return TensorLayout(descriptor.pointee)
  }

  /// Generates the code. Takes 0.2 to 2 ms.
  func makePrimitive() throws(NeuralNetworkError) -> Primitive {
    try Primitive(self)
  }
}

/// What a primitive does to each result before it is stored, in order.
enum PostOperation {
  /// Adds what the destination held before.
  case sum
  /// max(x, 0).
  case relu
}
