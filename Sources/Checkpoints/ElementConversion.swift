// The one place where bytes of checkpoints become numbers, and back, through raw pointers. Machines are taken to be
// little-endian, as all that Swift runs on are.

extension ElementType {
  /// Converts numbers of this type to Float: F64 and large integers are rounded, true is 1.
  ///
  /// - Parameters:
  ///   - bytes: at least as many numbers as `values` has.
  ///   - values: where to.
  func convert(_ bytes: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Float>) {
    switch self {
    case .bool: convert(bytes, to: values, from: UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: convert(bytes, to: values, from: UInt8.self) { Float($0) }
    case .int8: convert(bytes, to: values, from: Int8.self) { Float($0) }
    case .uint16: convert(bytes, to: values, from: UInt16.self) { Float($0) }
    case .int16: convert(bytes, to: values, from: Int16.self) { Float($0) }
    case .uint32: convert(bytes, to: values, from: UInt32.self) { Float($0) }
    case .int32: convert(bytes, to: values, from: Int32.self) { Float($0) }
    case .uint64: convert(bytes, to: values, from: UInt64.self) { Float($0) }
    case .int64: convert(bytes, to: values, from: Int64.self) { Float($0) }
    case .float16: convert(bytes, to: values, from: Float16.self) { Float($0) }
    case .bfloat16:
      convert(bytes, to: values, from: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .float32:
      let target = UnsafeMutableRawBufferPointer(values)
      checkCount(of: bytes, for: values, width: MemoryLayout<Float>.stride)
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<target.count]))
    case .float64: convert(bytes, to: values, from: Double.self) { Float($0) }
    case .complex64, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float6E2M3, .float6E3M2, .float4:
      preconditionFailure("numbers of type \(rawValue) are not read")
    }
  }

  private func convert<Number: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Float>,
    from type: Number.Type, _ convertOne: (Number) -> Float
  ) {
    let width = MemoryLayout<Number>.stride
    checkCount(of: bytes, for: values, width: width)
    for index in 0..<values.count {
      values[index] = convertOne(
        bytes.loadUnaligned(fromByteOffset: index * width, as: Number.self))
    }
  }

  /// Slices and loads of raw memory are checked in debug builds only.
  private func checkCount(
    of bytes: UnsafeRawBufferPointer, for values: UnsafeMutableBufferPointer<Float>, width: Int
  ) {
    precondition(
      bytes.count >= values.count * width, "\(values.count) numbers in \(bytes.count) bytes")
  }
}

extension SafetensorsFile.Storage {
  /// The bytes of numbers stored this way, rounded to nearest, ties to even; nil where a finite number would
  /// become infinite.
  func bytes(of values: [Float]) -> [UInt8]? {
    switch self {
    case .float32: values.withUnsafeBytes { Array($0) }
    case .float16:
      store(values) { value in
        let half = Float16(value)
        return half.isFinite || !value.isFinite ? half.bitPattern : nil
      }
    case .bfloat16:
      store(values) { value in
        guard value.isFinite else {
          // The quiet bit keeps a NaN a NaN when its payload is cut off.
          return UInt16(value.bitPattern >> 16) | (value.isNaN ? 0x40 : 0)
        }
        let bits = value.bitPattern
        let rounded = UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
        return rounded & 0x7f80 == 0x7f80 ? nil : rounded
      }
    }
  }

  private func store<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ values: [Float], _ convertOne: (Float) -> Bits?
  ) -> [UInt8]? {
    let width = MemoryLayout<Bits>.stride
    var isRepresentable = true
    let bytes = [UInt8](unsafeUninitializedCapacity: values.count * width) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for (index, value) in values.enumerated() {
        let bits = convertOne(value)
        if bits == nil { isRepresentable = false }
        raw.storeBytes(of: bits ?? 0, toByteOffset: index * width, as: Bits.self)
      }
      count = values.count * width
    }
    return isRepresentable ? bytes : nil
  }
}
