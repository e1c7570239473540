extension WinogradTransforms {
  /// dM = A dY Aᵀ of the tiles `range`, laid out as the input's transform: for the gradient by the weights.
  func outputGradient(
    _ sources: [UnsafePointer<Float>], channelBlocks: Int, tiles range: Range<Int>, capacity: Int,
    to dm: UnsafeMutablePointer<Float>
  ) {
    if block == 16 {
      outputGradient(sources, channelBlocks, range, capacity, to: dm, lanes: 16)
    } else {
      outputGradient(sources, channelBlocks, range, capacity, to: dm, lanes: 8)
    }
  }

  @inline(__always)
  private func outputGradient(
    _ sources: [UnsafePointer<Float>], _ channelBlocks: Int, _ range: Range<Int>, _ capacity: Int,
    to dm: UnsafeMutablePointer<Float>, lanes: Int
  ) {
    let group = Self.groupWidth / lanes
    let stride = 4 * Self.groupWidth
    let pointStride = channelBlocks * capacity * lanes
    Self.withScratch(7 * stride, 0) { scratch, _ in
      let zeros = scratch + 6 * stride
      zeros.update(repeating: 0, count: stride)
      for channelBlock in 0..<channelBlocks {
        var target = dm + channelBlock * capacity * lanes
        var first = range.lowerBound
        while first < range.upperBound {
          let count = min(group, range.upperBound - first)
          var start = 0
          tiles.forEachRun(of: first..<first + count) { run in
            let map =
              sources[run.map] + ((channelBlock * run.height + run.y) * run.width + run.x) * lanes
            @inline(__always)
            func row(_ index: Int) -> UnsafePointer<Float> {
              run.y + index < run.height
                ? map + index * run.width * lanes : UnsafePointer(zeros)
            }
            let columns = scratch + start
            let inside = min(4 * run.count, run.width - run.x) * lanes
            Self.outputGradient(
              (row(0), row(1), row(2), row(3)), count: inside, to: columns, stride: stride)
            Self.clear(
              columns + inside, count: 4 * run.count * lanes - inside, rows: 6, stride: stride)
            start += 4 * run.count * lanes
          }
          for row in 0..<6 {
            let (line, points) = (scratch + row * stride, target + 6 * row * pointStride)
            for tile in 0..<count {
              let y = UnsafePointer(line + 4 * tile * lanes)
              Self.outputGradient(
                (y, y + lanes, y + 2 * lanes, y + 3 * lanes), count: lanes,
                to: points + tile * lanes, stride: pointStride)
            }
          }
          target += count * lanes
          first += count
        }
      }
    }
  }

  /// A of `count` neighbouring numbers of four rows.
  @inline(__always)
  private static func outputGradient(
    _ rows: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
    ), count: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var at = 0
    while at < count {
      let sums = WinogradArithmetic.outputGradient(
        (
          rows.0.vector(at: at), rows.1.vector(at: at), rows.2.vector(at: at),
          rows.3.vector(at: at)
        ))
      target.store(sums, at: at, stride: stride)
      at &+= WinogradArithmetic.Vector.scalarCount
    }
  }
}
