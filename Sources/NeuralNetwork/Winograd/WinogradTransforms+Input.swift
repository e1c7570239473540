extension WinogradTransforms {
  /// V = Bᵀ d B of the tiles `range`, one map in each of `sources`.
  func input(
    _ sources: [UnsafePointer<Float>], channelBlocks: Int, tiles range: Range<Int>, capacity: Int,
    to v: UnsafeMutablePointer<Float>
  ) {
    // The number of lanes as a constant: inner loops of known length.
    if block == 16 {
      input(sources, channelBlocks, range, capacity, to: v, lanes: 16)
    } else {
      input(sources, channelBlocks, range, capacity, to: v, lanes: 8)
    }
  }

  @inline(__always)
  private func input(
    _ sources: [UnsafePointer<Float>], _ channelBlocks: Int, _ range: Range<Int>, _ capacity: Int,
    to v: UnsafeMutablePointer<Float>, lanes: Int
  ) {
    let group = Self.groupWidth / lanes
    // Six columns for each tile at most, if no two of them are neighbours.
    let stride = 6 * Self.groupWidth
    let pointStride = channelBlocks * capacity * lanes
    Self.withScratch(7 * stride, group) { scratch, starts in
      let zeros = scratch + 6 * stride
      zeros.update(repeating: 0, count: stride)
      for channelBlock in 0..<channelBlocks {
        var target = v + channelBlock * capacity * lanes
        var first = range.lowerBound
        while first < range.upperBound {
          let count = min(group, range.upperBound - first)
          var (tile, start) = (0, 0)
          tiles.forEachRun(of: first..<first + count) { run in
            let map = sources[run.map] + channelBlock * run.height * run.width * lanes
            let (left, right) = (run.x - 1, run.x + 4 * run.count + 1)
            let (from, to) = (max(left, 0), min(right, run.width))
            @inline(__always)
            func row(_ index: Int) -> UnsafePointer<Float> {
              let y = run.y - 1 + index
              return y < 0 || y >= run.height
                ? UnsafePointer(zeros) : map + (y * run.width + from) * lanes
            }
            let columns = scratch + start
            Self.clear(columns, count: (from - left) * lanes, rows: 6, stride: stride)
            Self.input(
              (row(0), row(1), row(2), row(3), row(4), row(5)), count: (to - from) * lanes,
              to: columns + (from - left) * lanes, stride: stride)
            Self.clear(
              columns + (to - left) * lanes, count: (right - to) * lanes, rows: 6, stride: stride)
            for index in 0..<run.count { starts[tile + index] = start + 4 * index * lanes }
            tile += run.count
            start += (right - left) * lanes
          }
          for row in 0..<6 {
            let (line, points) = (scratch + row * stride, target + 6 * row * pointStride)
            for tile in 0..<count {
              let d = UnsafePointer(line + starts[tile])
              Self.input(
                (
                  d, d + lanes, d + 2 * lanes, d + 3 * lanes, d + 4 * lanes, d + 5 * lanes
                ), count: lanes, to: points + tile * lanes, stride: pointStride)
            }
          }
          target += count * lanes
          first += count
        }
      }
    }
  }

  /// Bᵀ of `count` neighbouring numbers of six rows.
  @inline(__always)
  private static func input(
    _ rows: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>,
      UnsafePointer<Float>, UnsafePointer<Float>
    ), count: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var at = 0
    while at < count {
      let sums = WinogradArithmetic.input(
        (
          rows.0.vector(at: at), rows.1.vector(at: at), rows.2.vector(at: at),
          rows.3.vector(at: at), rows.4.vector(at: at), rows.5.vector(at: at)
        ))
      target.store(sums, at: at, stride: stride)
      at &+= WinogradArithmetic.Vector.scalarCount
    }
  }
}
