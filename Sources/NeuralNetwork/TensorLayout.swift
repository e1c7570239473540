import COneDNN

/// Shape and order of a float32 tensor in memory: oneDNN's memory descriptor as a value.
struct TensorLayout: Hashable, @unchecked Sendable {
  // `@unchecked Sendable`: a C struct of integers, without pointers.
  var descriptor: dnnl_memory_desc_t

  /// Plain order: the last dimension is contiguous.
  static func plain(_ shape: [Int]) throws(NeuralNetworkError) -> TensorLayout {
    let tags = [dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd]
    precondition((1...4).contains(shape.count), "a plain layout of shape \(shape)")
    return try TensorLayout(shape: shape, tag: tags[shape.count - 1])
  }

  /// Images of one block of channels per pixel: [N, C/block, H, W, block], channels padded with zeros to
  /// whole blocks. `shape` is [N, C, H, W]; `block` 8 or 16.
  static func blocked(_ shape: [Int], block: Int) throws(NeuralNetworkError) -> TensorLayout {
    precondition(shape.count == 4 && (block == 8 || block == 16), "blocks of \(block): \(shape)")
    return try TensorLayout(shape: shape, tag: block == 16 ? dnnl_nChw16c : dnnl_nChw8c)
  }

  /// Whatever order a primitive likes best.
  static func any(_ shape: [Int]) throws(NeuralNetworkError) -> TensorLayout {
    try TensorLayout(shape: shape, tag: dnnl_format_tag_any)
  }

  init(_ descriptor: dnnl_memory_desc_t) {
    self.descriptor = descriptor
  }

  private init(shape: [Int], tag: dnnl_format_tag_t) throws(NeuralNetworkError) {
    descriptor = dnnl_memory_desc_t()
    let dimensions = shape.map { dnnl_dim_t($0) }
    try check(
      dnnl_memory_desc_init_by_tag(&descriptor, Int32(shape.count), dimensions, dnnl_f32, tag),
      "dnnl_memory_desc_init_by_tag")
  }

  /// Size in bytes with all padding.
  var byteCount: Int {
    withUnsafePointer(to: descriptor) { dnnl_memory_desc_get_size($0) }
  }

  static func == (a: TensorLayout, b: TensorLayout) -> Bool {
    withUnsafePointer(to: a.descriptor) { a in
      withUnsafePointer(to: b.descriptor) { b in dnnl_memory_desc_equal(a, b) != 0 }
    }
  }

  func hash(into hasher: inout Hasher) {
    // Equal layouts have equal sizes and ranks; the few that collide are told apart by ==.
    hasher.combine(byteCount)
    hasher.combine(descriptor.ndims)
  }
}

/// A layout bound to an address: oneDNN's memory object. Does not own the address.
final class TensorMemory {
  let handle: dnnl_memory_t

  init(
    _ layout: TensorLayout, at address: UnsafeMutableRawPointer, engine: Engine
  ) throws(NeuralNetworkError) {
    var handle: dnnl_memory_t?
    let status = withUnsafePointer(to: layout.descriptor) {
      dnnl_memory_create(&handle, $0, engine.handle, address)
    }
    try check(status, "dnnl_memory_create")
    self.handle = try unwrap(handle, "dnnl_memory_create")
  }

  deinit {
    dnnl_memory_destroy(handle)
  }
}
