import Glibc
import Media

/// OpenCV's `resize` with INTER_LINEAR on bytes, to the bit (`modules/imgproc/src/resize.cpp`, the same from 4.5 to 5.0):
/// weights of 11 bits, no antialiasing. Exactly half on both axes is the mean of 2x2 pixels.
///
/// Each output pixel reads four, so the work follows the output's size.
struct OpenCVResize {
  /// Where one output position reads along one axis, and how much of each, in 1/2048.
  private struct Tap {
    var first: Int
    var second: Int
    var firstWeight: Int32
    var secondWeight: Int32

    /// With the numbers that both places have among those of a lattice.
    func within(_ places: [Int]) -> Tap {
      Tap(
        first: places.index(of: first), second: places.index(of: second),
        firstWeight: firstWeight, secondWeight: secondWeight)
    }
  }

  private let source: (height: Int, width: Int)
  private let target: (height: Int, width: Int)
  /// What of the picture the pixels are; nil: all.
  private let lattice: PictureLattice?

  init(_ geometry: InputGeometry, _ lattice: PictureLattice? = nil) {
    source = (geometry.originalHeight, geometry.originalWidth)
    target = (geometry.resizedHeight, geometry.resizedWidth)
    self.lattice = lattice
  }

  /// The rows and columns that are read; nil: all.
  var places: (rows: [Int], columns: [Int])? {
    if isHalf || source == target { return nil }
    func places(_ taps: [Tap]) -> [Int] { Set(taps.flatMap { [$0.first, $0.second] }).sorted() }
    return (
      places(Self.taps(from: source.height, to: target.height, edgesAreExact: false)),
      places(Self.taps(from: source.width, to: target.width, edgesAreExact: true))
    )
  }

  private var isHalf: Bool {
    source.height == 2 * target.height && source.width == 2 * target.width
  }

  /// Resizes.
  ///
  /// - Parameters:
  ///   - pixels: height x width x 3 bytes.
  ///   - output: as many for the target's size.
  func resize(_ pixels: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>)
  {
    if isHalf { return halve(pixels, into: output) }
    var rows = Self.taps(from: source.height, to: target.height, edgesAreExact: false)
    var columns = Self.taps(from: source.width, to: target.width, edgesAreExact: true)
    if let lattice {
      rows = rows.map { $0.within(lattice.rows) }
      columns = columns.map { $0.within(lattice.columns) }
    }
    var upper = Row(width: target.width)
    var lower = Row(width: target.width)
    for (y, tap) in rows.enumerated() {
      if lower.index == tap.first { swap(&upper, &lower) }
      fill(&upper, tap.first, pixels, columns)
      fill(&lower, tap.second, pixels, columns)
      let line = output.extracting(y * target.width * 3..<(y + 1) * target.width * 3)
      blend(upper.values, lower.values, tap, into: line)
    }
  }

  /// A row of the picture at the target's width, times 2048.
  private struct Row {
    var index: Int?
    var values: [Int32]

    init(width: Int) { values = [Int32](repeating: 0, count: 3 * width) }
  }

  private func fill(
    _ row: inout Row, _ index: Int, _ pixels: UnsafeBufferPointer<UInt8>, _ columns: [Tap]
  ) {
    if row.index == index { return }
    row.index = index
    let start = index * (lattice?.columns.count ?? source.width) * 3
    row.values.withUnsafeMutableBufferPointer { values in
      for (x, tap) in columns.enumerated() {
        for channel in 0..<3 {
          let a = Int32(pixels[start + tap.first * 3 + channel])
          let b = Int32(pixels[start + tap.second * 3 + channel])
          values[x * 3 + channel] = a * tap.firstWeight + b * tap.secondWeight
        }
      }
    }
  }

  private func blend(
    _ upper: [Int32], _ lower: [Int32], _ tap: Tap, into line: UnsafeMutableBufferPointer<UInt8>
  ) {
    for index in 0..<line.count {
      let first = (tap.firstWeight * (upper[index] >> 4)) >> 16
      let second = (tap.secondWeight * (lower[index] >> 4)) >> 16
      // At most 255: weights are 2048 together.
      line[index] = UInt8(truncatingIfNeeded: (first + second + 2) >> 2)
    }
  }

  private func halve(
    _ pixels: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
  ) {
    let stride = source.width * 3
    for y in 0..<target.height {
      for x in 0..<target.width {
        for channel in 0..<3 {
          let place = 2 * y * stride + 2 * x * 3 + channel
          let sum =
            Int(pixels[place]) + Int(pixels[place + 3]) + Int(pixels[place + stride])
            + Int(pixels[place + stride + 3])
          output[(y * target.width + x) * 3 + channel] = UInt8((sum + 2) >> 2)
        }
      }
    }
  }

  /// Positions in double precision, rounded to float32; beyond an edge a column reads that edge alone, while a row keeps
  /// its weights over one and the same row, which rounds differently.
  private static func taps(from source: Int, to target: Int, edgesAreExact: Bool) -> [Tap] {
    let scale = 1 / (Double(target) / Double(source))
    return (0..<target).map { index in
      let position = Float((Double(index) + 0.5) * scale - 0.5)
      // Bounded: between -1 and the side of a picture.
      var first = Int(position.rounded(.down))
      var part = position - Float(first)
      if edgesAreExact, first < 0 || first >= source - 1 {
        first = min(max(first, 0), source - 1)
        part = 0
      }
      // Bounded: 0 to 2048.
      let secondWeight = Int32((part * 2048).rounded(.toNearestOrEven))
      let near = min(max(first, 0), source - 1)
      return Tap(
        // One that has no weight need not be read.
        first: near, second: secondWeight == 0 ? near : min(max(first + 1, 0), source - 1),
        // Bounded: 0 to 2048.
        firstWeight: Int32(((1 - part) * 2048).rounded(.toNearestOrEven)),
        secondWeight: secondWeight)
    }
  }
}
