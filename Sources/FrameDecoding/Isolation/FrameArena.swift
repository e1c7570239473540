import CLinux
import Glibc
import Media
import SystemPackage
import Workers

/// Memory that a decoder process writes frames into and this process reads them from.
///
/// The parent alone decides what lies where: a slot is taken before a frame is asked for, belongs to the child until it
/// says that the frame is there, and to the picture made of it from then on, whose end gives it back. How many slots
/// there are at a time is bounded by whoever keeps pictures (`FrameQueue`). A child that writes into slots which are not
/// its own changes its own pictures and nothing else: no other process has this memory, and nobody reads addresses or
/// lengths from it.
final class FrameArena: Sendable {
  /// Of the file in memory; its size is sealed.
  let descriptor: FileDescriptor
  /// Bytes of address space: two of the largest pictures. Memory is taken page by page as frames are written.
  let capacity: Int

  // Read only, and valid until `deinit`; the mutable state is in the monitor.
  private nonisolated(unsafe) let memory: UnsafeRawPointer
  private let layout = Monitor(Layout())

  private struct Layout: Sendable {
    /// By offset.
    var taken: [Range<Int>] = []
    /// No page from here on holds memory.
    var touchedEnd = 0

    /// Takes the first hole that is large enough.
    mutating func take(_ size: Int, of capacity: Int) -> FrameSlot? {
      var start = 0
      for (number, range) in taken.enumerated() {
        if range.lowerBound - start >= size {
          taken.insert(start..<start + size, at: number)
          return FrameSlot(offset: start, capacity: size)
        }
        start = range.upperBound
      }
      guard capacity - start >= size else { return nil }
      taken.append(start..<start + size)
      touchedEnd = max(touchedEnd, start + size)
      return FrameSlot(offset: start, capacity: size)
    }
  }

  private static let page = 1 << 16
  /// Bytes beyond the last frame that keep their pages, so that not every frame takes and clears new ones.
  private static let spare = 64 << 20

  /// Bytes of address space for pictures of at most so many pixels.
  static func capacity(forPixels maxPixels: Int) -> Int {
    let (largest, isAbsurd) = maxPixels.multipliedReportingOverflow(by: 3)
    // Bounded: no process has more than 2^46 bytes of address space to give.
    return 2 * pages(min(isAbsurd ? .max : largest, 1 << 44) + Scaler.padding)
  }

  /// Makes memory for pictures of at most so many pixels.
  ///
  /// - Throws: why there is none.
  init(maxPixels: Int) throws(Errno) {
    capacity = Self.capacity(forPixels: maxPixels)
    let file = clinux_memory_file("detect-batch frames", capacity)
    guard file >= 0 else { throw Errno(rawValue: -file) }
    descriptor = FileDescriptor(rawValue: file)
    guard let mapped = mmap(nil, capacity, PROT_READ, MAP_SHARED, file, 0), mapped != MAP_FAILED
    else {
      let error = Errno(rawValue: errno)
      close(file)
      throw error
    }
    memory = UnsafeRawPointer(mapped)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: memory), capacity)
    close(descriptor.rawValue)
  }

  /// Takes the first place that is large enough for a picture of so many bytes, waiting until there is one; nil if that
  /// is more than all of it.
  func take(forPicture bytes: Int) -> FrameSlot? {
    guard let size = size(forPicture: bytes) else { return nil }
    return layout.wait { $0.take(size, of: self.capacity) }
  }

  /// The same, of what is free now; nil where nothing is.
  func takeFree(forPicture bytes: Int) -> FrameSlot? {
    guard let size = size(forPicture: bytes) else { return nil }
    return layout.withLock { $0.take(size, of: capacity) }
  }

  /// Bytes of a slot for a picture of so many; nil if that is more than all of it.
  private func size(forPicture bytes: Int) -> Int? {
    let (wanted, isAbsurd) = bytes.addingReportingOverflow(Scaler.padding)
    guard bytes >= 0, !isAbsurd, wanted <= capacity else { return nil }
    let size = Self.pages(wanted)
    return size <= capacity ? size : nil
  }

  /// Gives a slot back, and pages that have become many to the system.
  func giveBack(_ slot: FrameSlot) {
    layout.withLock { layout in
      layout.taken.removeAll { $0.lowerBound == slot.offset }
      let kept = (layout.taken.last?.upperBound ?? 0) + Self.spare
      guard kept < layout.touchedEnd else { return }
      // Under the lock, for the next frame may be given these very pages. Where it fails, they are kept longer.
      _ = clinux_punch_hole(descriptor.rawValue, kept, layout.touchedEnd - kept)
      layout.touchedEnd = kept
    }
  }

  /// The first bytes of a slot, which belong to the child, which may change them: read each once.
  func bytes(of slot: FrameSlot, count: Int) -> UnsafeBufferPointer<UInt8> {
    precondition(count <= slot.capacity && slot.offset + slot.capacity <= capacity)
    return UnsafeBufferPointer(
      start: (memory + slot.offset).assumingMemoryBound(to: UInt8.self), count: count)
  }

  private static func pages(_ bytes: Int) -> Int { (bytes + page - 1) / page * page }
}

/// The pixels of one picture in a decoder process's memory; their place is free when nobody holds them.
final class SharedPixels: PixelMemory {
  /// Bytes.
  let count: Int
  private let arena: FrameArena
  private let slot: FrameSlot

  /// Takes over a slot that holds `count` bytes of a picture.
  init(_ arena: FrameArena, _ slot: FrameSlot, count: Int) {
    self.arena = arena
    self.slot = slot
    self.count = count
  }

  deinit { arena.giveBack(slot) }

  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(arena.bytes(of: slot, count: count))
  }
}
