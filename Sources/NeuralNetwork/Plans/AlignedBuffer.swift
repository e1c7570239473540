import Glibc

/// Bytes on a 64-byte boundary (one cache line, one AVX-512 register), freed with their owner.
///
/// `@unchecked Sendable`: the address never changes, and what lies behind it is either written before the
/// buffer is shared (packed weights) or used by one worker alone (activations, scratch).
public final class AlignedBuffer: @unchecked Sendable {
  /// First byte. Valid as long as the buffer lives.
  public let address: UnsafeMutableRawPointer
  /// Size in bytes, at least what was asked for.
  public let byteCount: Int

  /// Buffers from this size on are aligned to 2 MiB and offered to the kernel for huge pages: a slab of
  /// activations has tens of thousands of 4 KiB pages otherwise.
  private static let hugePage = 2 << 20

  /// Allocates `byteCount` bytes, rounded up to whole cache lines. The contents are undefined.
  ///
  /// - Parameter byteCount: the size; 0 allocates one cache line.
  /// - Throws: `NeuralNetworkError.outOfMemory` where the system has no such block.
  public init(byteCount: Int) throws(NeuralNetworkError) {
    precondition(byteCount >= 0, "a buffer of \(byteCount) bytes")
    let isLarge = byteCount >= 2 * Self.hugePage
    let alignment = isLarge ? Self.hugePage : 64
    let rounded = max(64, (byteCount + 63) / 64 * 64)
    var address: UnsafeMutableRawPointer?
    guard posix_memalign(&address, alignment, rounded) == 0, let address else {
      throw .outOfMemory(bytes: rounded)
    }
    if isLarge {
      // Advice only: a kernel without transparent huge pages refuses, and nothing changes.
      _ = madvise(address, rounded, MADV_HUGEPAGE)
    }
    self.address = address
    self.byteCount = rounded
  }

  deinit {
    free(address)
  }
}
