/// How a batch of maps lies in memory: [batch, blocks of channels, height, width, block]. Channels that fill the last
/// block up are 0.
struct BlockedShape: Sendable {
  var batch: Int
  var channels: Int
  var size: MapSize
  /// Channels per block: 8 or 16, or all of them.
  var block: Int

  /// Blocks of channels of one image.
  var blocks: Int { (channels + block - 1) / block }
  /// Maps of one block of channels, of all images.
  var planes: Int { batch * blocks }
  /// Numbers in one of these.
  var planeStride: Int { size.pixels * block }
  /// Numbers in one image.
  var imageStride: Int { blocks * planeStride }

  /// Adds up each channel over all pixels of all images: rows in float32, rows together in float64.
  ///
  /// - Parameters:
  ///   - numbers: in this shape.
  ///   - sums: one for each channel.
  ///   - adds: whether to add to what is there.
  func addChannelSums(
    _ numbers: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    let rowStride = size.width * block
    for channelBlock in 0..<blocks {
      for lane in stride(from: 0, to: block, by: 8) {
        var total = SIMD8<Double>.zero
        for image in 0..<batch {
          let plane = numbers + image * imageStride + channelBlock * planeStride + lane
          for y in 0..<size.height {
            let row = plane + y * rowStride
            var sum = SIMD8<Float>.zero
            for x in 0..<size.width { sum += NumberLoops.load(row + x * block) }
            total += SIMD8<Double>(sum)
          }
        }
        let first = channelBlock * block + lane
        for index in 0..<8 where first + index < channels {
          sums[first + index] = Float(total[index] + (adds ? Double(sums[first + index]) : 0))
        }
      }
    }
  }
}

extension PlanBuilder {
  /// How a tensor in blocks of channels lies.
  func shape(_ tensor: Tensor) -> BlockedShape {
    BlockedShape(
      batch: batch, channels: tensor.channels, size: tensor.size,
      block: tensor.storage.isChannelsLast ? tensor.channels : block)
  }
}
