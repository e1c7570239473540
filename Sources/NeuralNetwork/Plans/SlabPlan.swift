/// Places buffers with known lifetimes into one slab, so that buffers that are never needed at the same time
/// share memory.
struct SlabPlan {
  /// One buffer: needed from step `firstStep` to step `lastStep`, both included.
  struct Buffer {
    var byteCount: Int
    var firstStep: Int
    var lastStep: Int
  }

  /// Where each buffer begins, in bytes, a multiple of 64.
  let offsets: [Int]
  /// The size of the whole.
  let byteCount: Int

  /// Greatest first, each at the lowest place that is free during its whole life: within a few percent of the
  /// greatest sum of live buffers for networks of this kind (Pisarchyk and Lee 2020, greedy by size).
  init(_ buffers: [Buffer]) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    var end = 0
    let order = buffers.indices.sorted {
      (buffers[$1].byteCount, $0) < (buffers[$0].byteCount, $1)
    }
    for index in order {
      let buffer = buffers[index]
      let size = (buffer.byteCount + 63) / 64 * 64
      let neighbours =
        placed
        .filter {
          buffers[$0].firstStep <= buffer.lastStep && buffer.firstStep <= buffers[$0].lastStep
        }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for neighbour in neighbours {
        if offset + size <= offsets[neighbour] { break }
        offset = max(offset, offsets[neighbour] + (buffers[neighbour].byteCount + 63) / 64 * 64)
      }
      offsets[index] = offset
      placed.append(index)
      end = max(end, offset + size)
    }
    self.offsets = offsets
    byteCount = end
  }
}
