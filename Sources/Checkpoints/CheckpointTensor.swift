/// A tensor of a checkpoint: where its numbers are in the file, to be read when they are asked for.
public struct CheckpointTensor: Sendable {
  /// Sizes, outermost first; empty for a single number.
  public let shape: [Int]
  /// How many numbers it has.
  public let elementCount: Int
  /// Type of its numbers in the file.
  public let elementType: ElementType

  /// How the numbers lie in the file.
  enum Encoding: Sendable {
    case raw
    /// As code points 0...255 of a UTF-8 text: what Python 3 makes of bytes in pickles for Python 2.
    case latin1Text
    /// Not at all: each is this one.
    case constant(Float)
  }

  private let file: CheckpointFile
  private let range: FileRange
  private let encoding: Encoding
  /// Steps along each dimension in elements; nil where they lie in order without gaps.
  private let strides: [Int]?

  /// Creates a tensor over bytes of a file, after checking that they are there.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - name: the tensor's name, for errors.
  ///   - shape: sizes, not negative.
  ///   - strides: steps in elements, not negative; nil for C order without gaps.
  ///   - elementType: type of the numbers.
  ///   - range: the bytes that may be read; with text, the text.
  ///   - encoding: how the numbers lie there.
  /// - Throws: `CheckpointError` for a shape that does not fit its bytes.
  init(
    _ file: CheckpointFile, name: String, shape: [Int], strides: [Int]? = nil,
    elementType: ElementType, range: FileRange, encoding: Encoding = .raw
  ) throws(CheckpointError) {
    func malformed(_ what: String) -> CheckpointError {
      file.error(.malformed("tensor '\(name)' of shape \(shape): \(what)"))
    }
    guard shape.count <= 16, shape.allSatisfy({ $0 >= 0 }), strides?.allSatisfy({ $0 >= 0 }) ?? true
    else { throw malformed("impossible shape or strides") }
    let count: Int
    do {
      count = try checkedProduct(shape)
      // An expanded view (stride 0) can be larger than its storage; larger than its file is absurd.
      guard try checkedProduct([count, elementType.bitCount]) / 8 <= max(file.size, 8) else {
        throw malformed("larger than the file")
      }
      let used =
        if count == 0 { 0 } else if let strides {
          try checkedSum(zip(shape, strides).map { try checkedProduct([$0 - 1, $1]) } + [1])
        } else { count }
      let bits = try checkedProduct([used, elementType.bitCount])
      let fits =
        switch encoding {
        case .raw: (bits + 7) / 8 <= range.count
        // One or two bytes of text for each byte.
        case .latin1Text: bits / 8 <= range.count
        case .constant: true
        }
      guard fits else {
        throw malformed("\(bits / 8) bytes needed, \(range.count) there")
      }
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw malformed("larger than anything")
    }
    self.file = file
    self.shape = shape
    elementCount = count
    self.elementType = elementType
    self.range = range
    self.encoding = encoding
    // The step along a dimension of one says nothing (PyTorch writes all kinds there).
    let steps = strides.map { zip(shape, $0).map { $0 == 1 ? 0 : $1 } }
    let isInOrder = count == 0 || steps == Self.orderedStrides(shape)
    self.strides = isInOrder ? nil : steps
  }

  /// A tensor of this one's shape whose numbers are all the same and stand in no file.
  ///
  /// - Parameter value: each number.
  /// - Returns: such a tensor.
  public func filled(with value: Float) -> CheckpointTensor { CheckpointTensor(self, value) }

  private init(_ other: CheckpointTensor, _ value: Float) {
    file = other.file
    shape = other.shape
    elementCount = other.elementCount
    range = FileRange(offset: 0, count: 0)
    elementType = .float32
    encoding = .constant(value)
    strides = nil
  }

  /// Its numbers in C order, as Float: F64 and large integers are rounded, true is 1.
  ///
  /// - Returns: `elementCount` numbers.
  /// - Throws: `CheckpointError` where the file cannot be read any more, or where its type is not read.
  public func floats() throws(CheckpointError) -> [Float] {
    guard let width = elementType.readableByteCount else {
      throw file.error(.unsupported("tensors of type \(elementType.rawValue)"))
    }
    let spanned =
      strides.map { zip(shape, $0).reduce(1) { $0 + ($1.0 - 1) * $1.1 } } ?? elementCount
    let stored: [Float]
    switch encoding {
    case .constant(let value):
      return Array(repeating: value, count: elementCount)
    case .raw where elementType == .float32:
      stored = try readFloats(count: spanned)
    case .raw:
      stored = convert(try file.bytes(at: range.offset, count: spanned * width), count: spanned)
    case .latin1Text:
      let bytes = try latin1Bytes()
      guard bytes.count == spanned * width else {
        throw file.error(
          .malformed("an array of \(spanned * width) bytes is stored as \(bytes.count)"))
      }
      stored = convert(bytes, count: spanned)
    }
    return strides.map { gathered(stored, strides: $0) } ?? stored
  }

  private func readFloats(count: Int) throws(CheckpointError) -> [Float] {
    var failure: CheckpointError?
    let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(CheckpointError) {
        try file.read(at: range.offset, into: UnsafeMutableRawBufferPointer(buffer))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  private func convert(_ bytes: [UInt8], count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      bytes.withUnsafeBytes { bytes in
        elementType.convert(
          bytes, to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      }
      initialized = count
    }
  }

  private func latin1Bytes() throws(CheckpointError) -> [UInt8] {
    let text = try file.bytes(at: range.offset, count: range.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte < 0x80 {
        bytes.append(byte)
        index += 1
      } else if byte == 0xc2 || byte == 0xc3, index + 1 < text.count, text[index + 1] & 0xc0 == 0x80
      {
        bytes.append(byte << 6 | text[index + 1] & 0x3f)
        index += 2
      } else {
        throw file.error(.malformed("the text of an array has a letter beyond 255"))
      }
    }
    return bytes
  }

  /// Brings numbers that lie with strides into C order.
  private func gathered(_ stored: [Float], strides: [Int]) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(elementCount)
    var index = [Int](repeating: 0, count: shape.count)
    var position = 0
    for _ in 0..<elementCount {
      result.append(stored[position])
      var dimension = shape.count - 1
      while dimension >= 0 {
        index[dimension] += 1
        position += strides[dimension]
        if index[dimension] < shape[dimension] { break }
        position -= strides[dimension] * shape[dimension]
        index[dimension] = 0
        dimension -= 1
      }
    }
    return result
  }

  /// Steps of C order without gaps; 0 along dimensions of one.
  private static func orderedStrides(_ shape: [Int]) -> [Int] {
    var strides: [Int] = []
    var step = 1
    for size in shape.reversed() {
      strides.append(size == 1 ? 0 : step)
      step *= size
    }
    return strides.reversed()
  }
}

/// A product or a sum of forged sizes that Int cannot hold.
struct SizeOverflow: Error {}

/// The product of numbers that are not negative.
func checkedProduct(_ factors: [Int]) throws -> Int {
  // A zero makes the product zero whatever the others are.
  if factors.contains(0) { return 0 }
  return try factors.reduce(1) { product, factor in
    let (result, overflow) = product.multipliedReportingOverflow(by: factor)
    if overflow { throw SizeOverflow() }
    return result
  }
}

/// The sum of numbers that are not negative.
func checkedSum(_ terms: [Int]) throws -> Int {
  try terms.reduce(0) { sum, term in
    let (result, overflow) = sum.addingReportingOverflow(term)
    if overflow { throw SizeOverflow() }
    return result
  }
}
