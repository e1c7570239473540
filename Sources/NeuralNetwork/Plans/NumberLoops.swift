/// Loops over numbers that several operations share, all bound by memory. Counts are multiples of 8.
enum NumberLoops {
  /// gradient = 0 where the ReLU's output is.
  static func mask(
    _ gradient: UnsafeMutablePointer<Float>, byPositive output: UnsafePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      let isOff = load(output + index) .<= 0
      store(load(gradient + index).replacing(with: 0, where: isOff), to: gradient + index)
    }
  }

  /// sum += numbers.
  static func add(
    _ numbers: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in stride(from: 0, to: count, by: 8) {
      store(load(sum + index) + load(numbers + index), to: sum + index)
    }
  }

  /// Eight numbers.
  @inline(__always)
  static func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }

  @inline(__always)
  static func store(_ vector: SIMD8<Float>, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<Float>.self)
  }
}
