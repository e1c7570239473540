import COneDNN

/// What a tensor's numbers are.
enum ElementType: Sendable {
  case float32
  case bfloat16
  case uint8
  case int8

  var byteCount: Int {
    switch self {
    case .float32: 4
    case .bfloat16: 2
    case .uint8, .int8: 1
    }
  }

  var code: dnnl_data_type_t {
    switch self {
    case .float32: dnnl_f32
    case .bfloat16: dnnl_bf16
    case .uint8: dnnl_u8
    case .int8: dnnl_s8
    }
  }
}

/// Type, shape and order of a tensor in memory: oneDNN's memory descriptor as a value.
struct TensorLayout: Hashable, Sendable {
  /// oneDNN's object, freed with its last user.
  ///
  /// `@unchecked Sendable`: never changed after it is made.
  private final class Descriptor: @unchecked Sendable {
    let handle: onednn_layout_t

    init(_ handle: onednn_layout_t) { self.handle = handle }

    deinit { onednn_layout_destroy(handle) }
  }

  private let descriptor: Descriptor
  /// Size in bytes with all padding.
  let byteCount: Int

  var handle: onednn_layout_t { descriptor.handle }

  /// Plain order: the last dimension is contiguous.
  static func plain(
    _ shape: [Int], _ type: ElementType = .float32
  ) throws(NeuralNetworkError) -> TensorLayout {
    let tags = [dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde]
    precondition(tags.indices.contains(shape.count - 1), "a plain layout of shape \(shape)")
    return try TensorLayout(shape: shape, type, tag: tags[shape.count - 1])
  }

  /// Images of one block of channels per pixel: [N, C/block, H, W, block], channels padded with zeros to
  /// whole blocks. `shape` is [N, C, H, W]; `block` 8 or 16.
  static func blocked(
    _ shape: [Int], _ type: ElementType = .float32, block: Int
  ) throws(NeuralNetworkError) -> TensorLayout {
    precondition(shape.count == 4 && (block == 8 || block == 16), "blocks of \(block): \(shape)")
    return try TensorLayout(shape: shape, type, tag: block == 16 ? dnnl_nChw16c : dnnl_nChw8c)
  }

  /// Images with all channels of a pixel side by side, [N, H, W, C]: the order of 8-bit convolutions.
  static func channelsLast(
    _ shape: [Int], _ type: ElementType
  ) throws(NeuralNetworkError) -> TensorLayout {
    try TensorLayout(shape: shape, type, tag: dnnl_nhwc)
  }

  /// Whatever order a primitive likes best.
  static func any(
    _ shape: [Int], _ type: ElementType = .float32
  ) throws(NeuralNetworkError) -> TensorLayout {
    try TensorLayout(shape: shape, type, tag: dnnl_format_tag_any)
  }

  /// Float32 numbers at any distance from each other.
  ///
  /// - Parameters:
  ///   - shape: the dimensions.
  ///   - strides: the distance, in numbers, between neighbours in each dimension.
  /// - Returns: the layout.
  /// - Throws: `NeuralNetworkError.oneDNN`.
  static func strided(_ shape: [Int], _ strides: [Int]) throws(NeuralNetworkError) -> TensorLayout {
    var handle: onednn_layout_t?
    try check(
      onednn_layout_create_strided(
        &handle, Int32(shape.count), shape.map(Int64.init), strides.map(Int64.init)),
      "memory descriptor")
    return TensorLayout(try unwrap(handle, "memory descriptor"))
  }

  private init(
    shape: [Int], _ type: ElementType, tag: dnnl_format_tag_t
  ) throws(NeuralNetworkError) {
    var handle: onednn_layout_t?
    try check(
      onednn_layout_create(&handle, Int32(shape.count), shape.map(Int64.init), type.code, tag),
      "memory descriptor")
    self.init(try unwrap(handle, "memory descriptor"))
  }

  /// The layout of one of a primitive's tensors.
  init(
    of description: dnnl_primitive_desc_t, _ what: dnnl_query_t
  ) throws(NeuralNetworkError) {
    var handle: onednn_layout_t?
    try check(onednn_layout_of(&handle, description, what), "dnnl_primitive_desc_query_md")
    self.init(try unwrap(handle, "dnnl_primitive_desc_query_md"))
  }

  private init(_ handle: onednn_layout_t) {
    descriptor = Descriptor(handle)
    byteCount = onednn_layout_size(handle)
  }

  static func == (a: TensorLayout, b: TensorLayout) -> Bool {
    a.descriptor === b.descriptor || onednn_layout_equal(a.handle, b.handle) != 0
  }

  func hash(into hasher: inout Hasher) {
    // Equal layouts have equal sizes; the few of one size are told apart by ==.
    hasher.combine(byteCount)
  }
}

/// A layout bound to an address: oneDNN's memory object. Does not own the address.
final class TensorMemory {
  let handle: dnnl_memory_t

  init(
    _ layout: TensorLayout, at address: UnsafeMutableRawPointer, engine: Engine
  ) throws(NeuralNetworkError) {
    var handle: dnnl_memory_t?
    try check(
      onednn_memory_create(&handle, layout.handle, engine.handle, address), "dnnl_memory_create")
    self.handle = try unwrap(handle, "dnnl_memory_create")
  }

  deinit {
    dnnl_memory_destroy(handle)
  }

  /// Points the object elsewhere, at memory of the same layout.
  func move(to address: UnsafeMutableRawPointer) throws(NeuralNetworkError) {
    try check(dnnl_memory_set_data_handle(handle, address), "dnnl_memory_set_data_handle")
  }
}
