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

/// What a primitive does to each result before it is stored, in order.
enum PostOperation {
  /// Adds what the destination held before, `scale` times; its numbers are of this type, as large as the destination's.
  case sum(scale: Float, ElementType)
  /// Multiplies by another tensor, an operand after the others.
  case multiply(TensorLayout)
  /// max(x, 0).
  case relu
}

/// A primitive that oneDNN found an implementation for, before its code is generated: says which layouts the
/// implementation wants.
final class PrimitiveDescription {
  let handle: dnnl_primitive_desc_t

  /// - Parameters:
  ///   - name: what it is, for errors.
  ///   - postOperations: what the primitive does to each result before it is stored.
  ///   - make: one of oneDNN's functions that make a description; gets the attributes.
  /// - Throws: `NeuralNetworkError.oneDNN`, also where nothing implements the operation.
  init(
    _ name: String, _ postOperations: [PostOperation] = [],
    make: (UnsafeMutablePointer<dnnl_primitive_desc_t?>, dnnl_primitive_attr_t) -> dnnl_status_t
  ) throws(NeuralNetworkError) {
    // oneDNN divides the work, and sizes the scratchpad, for the threads of the thread that compiles.
    runSingleThreaded()
    var made: dnnl_primitive_attr_t?
    try check(dnnl_primitive_attr_create(&made), "dnnl_primitive_attr_create")
    let attributes = try unwrap(made, "dnnl_primitive_attr_create")
    defer { dnnl_primitive_attr_destroy(attributes) }
    try check(
      dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
      "dnnl_primitive_attr_set_scratchpad_mode")
    if !postOperations.isEmpty { try Self.set(postOperations, attributes) }
    var handle: dnnl_primitive_desc_t?
    try check(make(&handle, attributes), name)
    self.handle = try unwrap(handle, name)
  }

  deinit {
    dnnl_primitive_desc_destroy(handle)
  }

  private static func set(
    _ postOperations: [PostOperation], _ attributes: dnnl_primitive_attr_t
  ) throws(NeuralNetworkError) {
    var made: dnnl_post_ops_t?
    try check(dnnl_post_ops_create(&made), "dnnl_post_ops_create")
    let operations = try unwrap(made, "dnnl_post_ops_create")
    defer { dnnl_post_ops_destroy(operations) }
    for operation in postOperations {
      switch operation {
      case .sum(let scale, let type):
        try check(
          onednn_append_sum(operations, scale, type.code), "dnnl_post_ops_append_sum")
      case .multiply(let factors):
        try check(
          onednn_append_multiply(operations, factors.handle), "dnnl_post_ops_append_binary")
      case .relu: try check(onednn_append_relu(operations), "dnnl_post_ops_append_eltwise")
      }
    }
    try check(
      dnnl_primitive_attr_set_post_ops(attributes, operations), "dnnl_primitive_attr_set_post_ops")
  }

  /// The layout of one of the primitive's tensors.
  func layout(_ what: dnnl_query_t) throws(NeuralNetworkError) -> TensorLayout {
    try TensorLayout(of: handle, what)
  }

  /// Generates the code. Takes 0.2 to 2 ms.
  func makePrimitive() throws(NeuralNetworkError) -> Primitive {
    try Primitive(self)
  }
}

/// A primitive as a step of a plan: its operands are its arguments, in order.
struct PrimitiveKernel: Kernel {
  private let primitive: Primitive
  private let arguments: [(index: Int32, layout: TensorLayout)]
  private let engine: Engine

  /// Compiles a description.
  ///
  /// - Parameters:
  ///   - description: what to compile.
  ///   - arguments: what each operand is to oneDNN, without the scratchpad.
  ///   - engine: where it runs.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  init(
    _ description: PrimitiveDescription, _ arguments: [(index: Int32, layout: TensorLayout)],
    engine: Engine
  ) throws(NeuralNetworkError) {
    primitive = try description.makePrimitive()
    self.arguments = arguments
    self.engine = engine
  }

  var scratchByteCount: Int { primitive.scratchpad.byteCount }

  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel {
    let bound = try bind(memory.operands, scratch: memory.scratch, memory.stream)
    return { () throws(NeuralNetworkError) in try bound.run() }
  }

  /// Binds the kernel to memory that can change from run to run.
  func bind(
    _ operands: [UnsafeMutableRawPointer], scratch: UnsafeMutableRawPointer,
    _ stream: ExecutionStream
  ) throws(NeuralNetworkError) -> BoundPrimitive {
    precondition(
      operands.count == arguments.count,
      "\(operands.count) operands for \(arguments.count) arguments")
    var memories: [TensorMemory] = []
    for ((_, layout), address) in zip(
      arguments + [(DNNL_ARG_SCRATCHPAD, primitive.scratchpad)], operands + [scratch])
    {
      memories.append(try TensorMemory(layout, at: address, engine: engine))
    }
    return BoundPrimitive(
      primitive, arguments.map(\.index) + [DNNL_ARG_SCRATCHPAD], memories, stream)
  }
}

/// A primitive with one thread's memory.
final class BoundPrimitive {
  private let primitive: Primitive
  private let memories: [TensorMemory]
  private let arguments: [dnnl_exec_arg_t]
  private let stream: ExecutionStream

  fileprivate init(
    _ primitive: Primitive, _ indices: [Int32], _ memories: [TensorMemory],
    _ stream: ExecutionStream
  ) {
    self.primitive = primitive
    self.memories = memories
    self.stream = stream
    arguments = zip(indices, memories).map { dnnl_exec_arg_t(arg: $0, memory: $1.handle) }
  }

  /// Points an operand elsewhere; its layout must have no padding, or oneDNN would write it.
  func move(_ operand: Int, to address: UnsafeMutableRawPointer) throws(NeuralNetworkError) {
    try memories[operand].move(to: address)
  }

  func run() throws(NeuralNetworkError) { try primitive.execute(arguments, on: stream) }
}
