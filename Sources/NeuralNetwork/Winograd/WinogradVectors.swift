/// Vectors from and to memory: floats of neighbouring channels, from one or several rows.
extension UnsafePointer<Float> {
  typealias Vector = WinogradArithmetic.Vector

  @inline(__always)
  func vector(at offset: Int) -> Vector {
    UnsafeRawPointer(self + offset).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  func sixVectors(at offset: Int, stride: Int) -> (Vector, Vector, Vector, Vector, Vector, Vector) {
    (
      vector(at: offset), vector(at: offset &+ stride), vector(at: offset &+ 2 &* stride),
      vector(at: offset &+ 3 &* stride), vector(at: offset &+ 4 &* stride),
      vector(at: offset &+ 5 &* stride)
    )
  }
}

extension UnsafeMutablePointer<Float> {
  typealias Vector = WinogradArithmetic.Vector

  @inline(__always)
  func store(_ vector: Vector, at offset: Int) {
    UnsafeMutableRawPointer(self + offset).storeBytes(of: vector, as: Vector.self)
  }

  @inline(__always)
  func store(_ vectors: (Vector, Vector, Vector, Vector), at offset: Int, stride: Int) {
    store(vectors.0, at: offset)
    store(vectors.1, at: offset &+ stride)
    store(vectors.2, at: offset &+ 2 &* stride)
    store(vectors.3, at: offset &+ 3 &* stride)
  }

  @inline(__always)
  func store(
    _ vectors: (Vector, Vector, Vector, Vector, Vector, Vector), at offset: Int, stride: Int
  ) {
    store((vectors.0, vectors.1, vectors.2, vectors.3), at: offset, stride: stride)
    store(vectors.4, at: offset &+ 4 &* stride)
    store(vectors.5, at: offset &+ 5 &* stride)
  }
}
