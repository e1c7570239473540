import Media

/// Turns pictures into the network's input exactly as the model's program does: normalised by channel and resized
/// bilinearly, in either order, then padded with zeros at the right and at the bottom.
///
/// Normalisation is a table of 256 entries per channel, looked up where pixels are read (torchvision, where it comes
/// first: work follows the output's size) or where resized bytes are spread over the input's channels (the others).
public struct Preprocessor: Sendable {
  /// Normalised value of each byte: 256 of red, of green, of blue.
  private let table: [Float]
  let rules: Conventions.Input

  /// Prepares the tables: (byte / 255 - mean) / standard deviation in float32, in this order; (byte - mean) /
  /// standard deviation where the scale is that of bytes.
  public init(_ rules: Conventions.Input) {
    precondition(
      rules.mean.count == 3 && rules.standardDeviation.count == 3,
      "mean and standard deviation of three channels")
    self.rules = rules
    table = (0..<3).flatMap { channel in
      (0..<256).map { byte in
        let value =
          switch rules.scale {
          case .unit: Float(byte) / 255
          case .byte: Float(byte)
          }
        return (value - rules.mean[channel]) / rules.standardDeviation[channel]
      }
    }
  }

  /// Writes the network's input.
  ///
  /// - Parameters:
  ///   - pixels: height x width x 3 bytes, red first; or those of a lattice alone.
  ///   - lattice: the rows and columns that `pixels` has, as `lattice(_:)` says; nil: all.
  ///   - geometry: the sizes.
  ///   - input: [3, paddedHeight, paddedWidth], every number of which is written.
  public func write(
    _ pixels: Span<UInt8>, of lattice: PictureLattice? = nil, _ geometry: InputGeometry,
    to input: inout MutableSpan<Float>
  ) {
    precondition(
      pixels.count == 3 * (lattice?.count ?? geometry.originalHeight * geometry.originalWidth),
      "\(pixels.count) bytes for \(geometry.originalWidth)x\(geometry.originalHeight) RGB")
    precondition(
      input.count == 3 * geometry.paddedHeight * geometry.paddedWidth,
      "\(input.count) numbers for \(geometry.paddedWidth)x\(geometry.paddedHeight)")
    input.withUnsafeMutableBufferPointer { input in
      input.update(repeating: 0)
      switch rules.resampling {
      case .float: resizeNormalised(pixels, lattice, geometry, input)
      case .pillow: resizeBytes(pixels, geometry, PillowResize(geometry).resize, input)
      case .opencv: resizeBytes(pixels, geometry, OpenCVResize(geometry, lattice).resize, input)
      }
    }
  }

  /// The channel of the input that holds red (0), green (1) or blue (2).
  private func plane(_ channel: Int) -> Int {
    switch rules.channelOrder {
    case .rgb: channel
    case .bgr: 2 - channel
    }
  }

  /// Resizes bytes, unless they have their size, then normalises.
  private func resizeBytes(
    _ pixels: Span<UInt8>, _ geometry: InputGeometry,
    _ resize: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Void,
    _ input: UnsafeMutableBufferPointer<Float>
  ) {
    let (height, width) = (geometry.resizedHeight, geometry.resizedWidth)
    pixels.withUnsafeBufferPointer { pixels in
      if height == geometry.originalHeight, width == geometry.originalWidth {
        return spread(pixels, geometry, input)
      }
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: height * width * 3) { bytes in
        resize(pixels, bytes)
        spread(UnsafeBufferPointer(bytes), geometry, input)
      }
    }
  }

  /// Normalises bytes of the resized picture's size.
  private func spread(
    _ bytes: UnsafeBufferPointer<UInt8>, _ geometry: InputGeometry,
    _ input: UnsafeMutableBufferPointer<Float>
  ) {
    let width = geometry.resizedWidth
    table.withUnsafeBufferPointer { table in
      for channel in 0..<3 {
        for y in 0..<geometry.resizedHeight {
          let start = (plane(channel) * geometry.paddedHeight + y) * geometry.paddedWidth
          for x in 0..<width {
            input[start + x] = table[channel * 256 + Int(bytes[(y * width + x) * 3 + channel])]
          }
        }
      }
    }
  }

  /// Normalises, then resizes as torchvision does.
  private func resizeNormalised(
    _ pixels: Span<UInt8>, _ lattice: PictureLattice?, _ geometry: InputGeometry,
    _ input: UnsafeMutableBufferPointer<Float>
  ) {
    var rows = Self.taps(from: geometry.originalHeight, to: geometry.resizedHeight)
    var columns = Self.taps(from: geometry.originalWidth, to: geometry.resizedWidth)
    if let lattice {
      rows = rows.map { $0.within(lattice.rows) }
      columns = columns.map { $0.within(lattice.columns) }
    }
    let rowWidth = lattice?.columns.count ?? geometry.originalWidth
    let width = geometry.resizedWidth
    // Two rows of the picture, already resized to the output's width, three channels one after another.
    var upper = ResizedRow(width: width)
    var lower = ResizedRow(width: width)
    for (y, tap) in rows.enumerated() {
      if lower.source == tap.first { swap(&upper, &lower) }
      upper.fill(from: pixels, row: tap.first, rowWidth, columns, table)
      let isOneRow = tap.second == tap.first
      if !isOneRow { lower.fill(from: pixels, row: tap.second, rowWidth, columns, table) }
      for channel in 0..<3 {
        let start = (plane(channel) * geometry.paddedHeight + y) * geometry.paddedWidth
        let output = UnsafeMutableBufferPointer(rebasing: input[start..<start + width])
        if tap.secondWeight == 0 {
          _ = output.update(fromContentsOf: upper.values[channel * width..<(channel + 1) * width])
        } else {
          blend(upper, isOneRow ? upper : lower, channel, tap, into: output)
        }
      }
    }
  }

  private func blend(
    _ upper: ResizedRow, _ lower: ResizedRow, _ channel: Int, _ tap: Tap,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    let first = channel * output.count
    upper.values.withUnsafeBufferPointer { upper in
      lower.values.withUnsafeBufferPointer { lower in
        for x in 0..<output.count {
          output[x] = upper[first + x] * tap.firstWeight + lower[first + x] * tap.secondWeight
        }
      }
    }
  }

  /// Where one output position reads along one axis, and how much of each.
  struct Tap: Equatable {
    var first: Int
    var second: Int
    var firstWeight: Float
    var secondWeight: Float

    /// With the numbers that both places have among those of a lattice.
    func within(_ places: [Int]) -> Tap {
      Tap(
        first: places.index(of: first), second: places.index(of: second),
        firstWeight: firstWeight, secondWeight: secondWeight)
    }
  }

  /// PyTorch's bilinear positions with half-pixel centres (`UpSample.h`), in float32: source position
  /// ratio * (i + 0.5) - 0.5, not below 0, with ratio = source / target of the whole numbers.
  static func taps(from source: Int, to target: Int) -> [Tap] {
    let ratio = Float(source) / Float(target)
    return (0..<target).map { index in
      let position = max(ratio * (Float(index) + 0.5) - 0.5, 0)
      // Bounded: 0 to the sides of a picture.
      let first = min(Int(position), source - 1)
      let secondWeight = min(max(position - Float(first), 0), 1)
      return Tap(
        // One that has no weight need not be read.
        first: first, second: secondWeight == 0 ? first : min(first + 1, source - 1),
        firstWeight: 1 - secondWeight, secondWeight: secondWeight)
    }
  }
}

/// One row of a picture, normalised and resized to the output's width.
private struct ResizedRow {
  /// The picture's row it holds.
  private(set) var source: Int?
  private(set) var values: [Float]

  init(width: Int) {
    values = [Float](repeating: 0, count: 3 * width)
  }

  mutating func fill(
    from pixels: Span<UInt8>, row: Int, _ rowWidth: Int, _ columns: [Preprocessor.Tap],
    _ table: [Float]
  ) {
    if source == row { return }
    source = row
    let width = columns.count
    let start = row * rowWidth * 3
    values.withUnsafeMutableBufferPointer { values in
      table.withUnsafeBufferPointer { table in
        columns.withUnsafeBufferPointer { columns in
          for x in 0..<width {
            let tap = columns[x]
            let first = start + tap.first * 3
            let second = start + tap.second * 3
            for channel in 0..<3 {
              // In range: `row` and the taps lie in the picture or its lattice, whose size was checked.
              let a = table[channel * 256 + Int(pixels[unchecked: first + channel])]
              // Every one of them where a picture becomes a third as wide, as 1920 columns 640.
              if tap.secondWeight == 0 {
                values[channel * width + x] = a
                continue
              }
              let b = table[channel * 256 + Int(pixels[unchecked: second + channel])]
              values[channel * width + x] = a * tap.firstWeight + b * tap.secondWeight
            }
          }
        }
      }
    }
  }
}
