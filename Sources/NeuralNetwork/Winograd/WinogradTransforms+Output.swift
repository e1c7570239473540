extension WinogradTransforms {
  /// Y = Aᵀ M A of the tiles `range`, then bias, then sum, then ReLU, to one map in each of `destinations`.
  ///
  /// - Parameters:
  ///   - m: the products, laid out as the input's transform.
  ///   - channelBlocks: of the output.
  ///   - range: which tiles; `m` has the first of them first.
  ///   - capacity: for how many tiles `m` has room.
  ///   - bias: one number for each channel, padding included; nil for none.
  ///   - addsToOutput: whether what the destination holds is added.
  ///   - relu: whether negative results become 0. NaN stays NaN.
  ///   - destinations: the maps; those without tiles in `range` are not touched.
  func output(
    _ m: UnsafePointer<Float>, channelBlocks: Int, tiles range: Range<Int>, capacity: Int,
    bias: UnsafePointer<Float>?, addsToOutput: Bool, relu: Bool,
    to destinations: [UnsafeMutablePointer<Float>]
  ) {
    let last = Finish(bias: bias, addsToOutput: addsToOutput, relu: relu)
    if block == 16 {
      output(m, channelBlocks, range, capacity, last, to: destinations, lanes: 16)
    } else {
      output(m, channelBlocks, range, capacity, last, to: destinations, lanes: 8)
    }
  }

  /// What is done to an output after its transform.
  private struct Finish {
    let bias: UnsafePointer<Float>?
    let addsToOutput: Bool
    let relu: Bool

    /// The results of a pixel's lanes.
    @inline(__always)
    func apply(
      _ sum: WinogradArithmetic.Vector, bias: WinogradArithmetic.Vector,
      at target: UnsafeMutablePointer<Float>
    ) {
      var value = sum + bias
      if addsToOutput { value += UnsafePointer(target).vector(at: 0) }
      if relu { value.replace(with: 0, where: value .< 0) }
      target.store(value, at: 0)
    }
  }

  @inline(__always)
  private func output(
    _ m: UnsafePointer<Float>, _ channelBlocks: Int, _ range: Range<Int>, _ capacity: Int,
    _ finish: Finish, to destinations: [UnsafeMutablePointer<Float>], lanes: Int
  ) {
    let group = Self.groupWidth / lanes
    let stride = 6 * Self.groupWidth
    let pointStride = channelBlocks * capacity * lanes
    Self.withScratch(4 * stride + lanes, 0) { scratch, _ in
      let zeros = scratch + 4 * stride
      zeros.update(repeating: 0, count: lanes)
      for channelBlock in 0..<channelBlocks {
        let bias = finish.bias.map { $0 + channelBlock * lanes } ?? UnsafePointer(zeros)
        var source = m + channelBlock * capacity * lanes
        var first = range.lowerBound
        while first < range.upperBound {
          let count = min(group, range.upperBound - first)
          let width = count * lanes
          for column in 0..<6 {
            let points = source + column * pointStride
            var at = 0
            while at < width {
              let sums = WinogradArithmetic.output(
                points.sixVectors(at: at, stride: 6 * pointStride))
              scratch.store(sums, at: column &* width &+ at, stride: stride)
              at &+= WinogradArithmetic.Vector.scalarCount
            }
          }
          var start = 0
          tiles.forEachRun(of: first..<first + count) { run in
            let map =
              destinations[run.map] + ((channelBlock * run.height + run.y) * run.width + run.x)
              * lanes
            for row in 0..<min(4, run.height - run.y) {
              var line = UnsafePointer(scratch + (row * stride + start))
              var target = map + row * run.width * lanes
              // Tiles that are within the map.
              for _ in 0..<min(run.count, (run.width - run.x) / 4) {
                var lane = 0
                while lane < lanes {
                  let sums = WinogradArithmetic.output(line.sixVectors(at: lane, stride: width))
                  let shift = bias.vector(at: lane)
                  finish.apply(sums.0, bias: shift, at: target + lane)
                  finish.apply(sums.1, bias: shift, at: target + (lanes + lane))
                  finish.apply(sums.2, bias: shift, at: target + (2 * lanes + lane))
                  finish.apply(sums.3, bias: shift, at: target + (3 * lanes + lane))
                  lane &+= WinogradArithmetic.Vector.scalarCount
                }
                line += lanes
                target += 4 * lanes
              }
              let rest = run.width - run.x - 4 * (run.count - 1)
              guard rest < 4 else { continue }
              var lane = 0
              while lane < lanes {
                let sums = WinogradArithmetic.output(line.sixVectors(at: lane, stride: width))
                let shift = bias.vector(at: lane)
                finish.apply(sums.0, bias: shift, at: target + lane)
                if rest > 1 { finish.apply(sums.1, bias: shift, at: target + (lanes + lane)) }
                if rest > 2 { finish.apply(sums.2, bias: shift, at: target + (2 * lanes + lane)) }
                lane &+= WinogradArithmetic.Vector.scalarCount
              }
            }
            start += run.count * lanes
          }
          source += width
          first += count
        }
      }
    }
  }
}
