/// One form in which kernels read parameters: which tensors it is made of, and how.
///
/// Equal packings have equal bytes, so plans share what is packed.
protocol ParameterPacking: Hashable, Sendable {
  /// Size in bytes.
  var byteCount: Int { get }

  /// Makes the form from the values as they are now.
  ///
  /// - Parameters:
  ///   - parameters: the values.
  ///   - address: `byteCount` bytes, a multiple of 64 aligned to 64, all of which are written.
  /// - Throws: `NeuralNetworkError`, or what the source throws.
  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws
}

/// Any packing, as a key.
struct PackingKey: Hashable, Sendable {
  let packing: any ParameterPacking

  init(_ packing: some ParameterPacking) { self.packing = packing }

  static func == (a: PackingKey, b: PackingKey) -> Bool {
    AnyHashable(a.packing) == AnyHashable(b.packing)
  }

  func hash(into hasher: inout Hasher) { packing.hash(into: &hasher) }
}

/// Gives parameters' values.
protocol ParameterSource {
  /// Whether values that are not finite are an error: so in inference; in training they are for the trainer to find.
  var mustBeFinite: Bool { get }

  /// Hands the values of one tensor over.
  ///
  /// - Parameters:
  ///   - name: the tensor's.
  ///   - count: how many numbers it must have.
  ///   - body: gets them in PyTorch's order.
  /// - Returns: what `body` returned.
  /// - Throws: `NeuralNetworkError.parameter`, or what the loader or `body` throws.
  func read<Result>(
    _ name: String, count: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) throws -> Result
}

/// A tensor as it is.
struct PlainParameter: ParameterPacking {
  var name: String
  var count: Int

  var byteCount: Int { count * MemoryLayout<Float>.stride }

  func pack(_ parameters: some ParameterSource, to address: UnsafeMutableRawPointer) throws {
    let target = UnsafeMutableBufferPointer(
      start: address.assumingMemoryBound(to: Float.self), count: count)
    try parameters.read(name, count: count) { _ = target.update(from: $0) }
  }
}

/// How the numbers of a gradient by a parameter lie, as a step leaves them.
protocol GradientForm: Hashable, Sendable {
  /// Size in bytes.
  var byteCount: Int { get }

  /// Brings a gradient into PyTorch's order.
  ///
  /// - Parameters:
  ///   - source: the numbers in this form.
  ///   - target: where they go, all of the parameter's.
  ///   - parameters: the values that the gradient was computed with.
  /// - Throws: `NeuralNetworkError`.
  func unpack(
    _ source: UnsafeMutableRawPointer, to target: UnsafeMutablePointer<Float>,
    _ parameters: ParameterSlab
  ) throws
}

/// In PyTorch's order.
struct PlainGradient: GradientForm {
  var count: Int

  var byteCount: Int { count * MemoryLayout<Float>.stride }

  func unpack(
    _ source: UnsafeMutableRawPointer, to target: UnsafeMutablePointer<Float>,
    _ parameters: ParameterSlab
  ) {
    target.update(from: source.assumingMemoryBound(to: Float.self), count: count)
  }
}
