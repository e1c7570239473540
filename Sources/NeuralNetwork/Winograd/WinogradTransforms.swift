/// The transforms of activations for Winograd F(4x4, 3x3): see `WinogradArithmetic` for the mathematics.
///
/// Maps lie as [channel / block][height][width][block], and transformed tiles as
/// [point 0 ..< 36][channel block][tile][block], with room for `capacity` tiles of each channel block, so that each point
/// is a map of capacity pixels for a 1x1 convolution. What is over a map's edge counts as 0.
///
/// Each transform works on groups of tiles, first by the tiles' columns into a scratch that stays in the cache, then by
/// their rows: so each of the 36 points is read and written in runs of 1024 bytes; runs of one vector are several times
/// slower. The bits of a tile do not depend on the others in its group.
struct WinogradTransforms: Sendable {
  /// Numbers that a tile has for a channel.
  static let points = 36

  /// The tiles of all maps.
  let tiles: WinogradTiles
  /// Channels of a block: 8 or 16.
  let block: Int

  /// Floats of a group of tiles, for a channel block and a point.
  static let groupWidth = 256

  /// Prepares the transforms of maps whose blocks have 8 or 16 channels.
  init(tiles: WinogradTiles, block: Int) {
    precondition(block == 8 || block == 16, "blocks of \(block) channels")
    self.tiles = tiles
    self.block = block
  }

  /// Lends memory for floats (from a multiple of 64 bytes on, so that no vector crosses a cache line) and for integers.
  @inline(__always)
  static func withScratch(
    _ count: Int, _ integers: Int,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Int>) -> Void
  ) {
    let floatBytes = count * MemoryLayout<Float>.stride
    let bytes = floatBytes + integers * MemoryLayout<Int>.stride
    withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      body(
        base.bindMemory(to: Float.self, capacity: count),
        (base + floatBytes).bindMemory(to: Int.self, capacity: integers))
    }
  }

  @inline(__always)
  static func clear(
    _ target: UnsafeMutablePointer<Float>, count: Int, rows: Int, stride: Int
  ) {
    guard count > 0 else { return }
    for row in 0..<rows { (target + row * stride).update(repeating: 0, count: count) }
  }
}
