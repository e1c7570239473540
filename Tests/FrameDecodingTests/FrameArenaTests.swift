import Foundation
import Glibc
import TestSupport
import Testing

@testable import FrameDecoding

struct FrameArenaTests {
  @Test func slotsNeverOverlap() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let arena = try FrameArena(maxPixels: 1 << 20)
    var held: [FrameSlot] = []
    for _ in 0..<20_000 {
      let bytes = random.below(400_000)
      let taken = held.reduce(0) { $0 + $1.capacity }
      // Half of it is always in one piece, if less than a quarter is taken.
      if taken < arena.capacity / 4, let slot = arena.take(forPicture: bytes) {
        #expect(slot.capacity >= bytes + Scaler.padding, "seed \(seed)")
        #expect(slot.offset >= 0 && slot.offset + slot.capacity <= arena.capacity, "seed \(seed)")
        for other in held {
          #expect(
            slot.offset >= other.offset + other.capacity
              || other.offset >= slot.offset + slot.capacity, "seed \(seed)")
        }
        held.append(slot)
      } else {
        arena.giveBack(held.remove(at: random.below(held.count)))
      }
    }
  }

  @Test func whatIsTooLargeIsRefusedAtOnce() throws {
    let arena = try FrameArena(maxPixels: 1 << 20)
    #expect(arena.take(forPicture: arena.capacity) == nil)
    #expect(arena.take(forPicture: .max) == nil)
    #expect(arena.take(forPicture: -1) == nil)
  }

  @Test func aFullArenaIsWaitedFor() throws {
    let arena = try FrameArena(maxPixels: 1 << 20)
    let first = try #require(arena.take(forPicture: 4 << 20))
    let thread = Thread {
      usleep(50_000)
      arena.giveBack(first)
    }
    thread.start()
    // There is room for two pictures of 2^20 pixels: not for these two.
    let second = try #require(arena.take(forPicture: 4 << 20))
    #expect(second.offset == 0)
  }

  /// Nobody waits for a place that may not be needed.
  @Test func whatIsFreeIsTakenAtOnceOrNotAtAll() throws {
    let arena = try FrameArena(maxPixels: 1 << 20)
    let first = try #require(arena.takeFree(forPicture: 4 << 20))
    #expect(arena.takeFree(forPicture: 4 << 20) == nil)
    arena.giveBack(first)
    #expect(arena.takeFree(forPicture: 4 << 20) == first)
  }

  /// FFmpeg counts the bytes of a row in 32 bits.
  @Test func aRowThatCannotBeCountedIsRefused() throws {
    #expect(throws: MediaError.self) { try Frame(rgbaWidth: 1 << 29, height: 1) }
    #expect(try Frame(rgbaWidth: 1 << 20, height: 1).width == 1 << 20)
  }

  @Test func memoryIsSealedAndGivenBack() throws {
    let arena = try FrameArena(maxPixels: 1 << 26)
    let file = arena.descriptor.rawValue
    #expect(ftruncate(file, 0) == -1 && errno == EPERM)
    #expect(ftruncate(file, off_t(arena.capacity + 1)) == -1 && errno == EPERM)
    let bytes = 160 << 20
    let slot = try #require(arena.take(forPicture: bytes))
    let written = try #require(
      mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, off_t(slot.offset)))
    try #require(written != MAP_FAILED)
    memset(written, 7, bytes)
    munmap(written, bytes)
    var status = stat()
    fstat(file, &status)
    #expect(status.st_blocks * 512 >= bytes)
    SharedPixels(arena, slot, count: bytes).withBytes { #expect($0[bytes - 1] == 7) }
    // The pixels were let go of: pages beyond the spare ones are the system's again.
    fstat(file, &status)
    #expect(status.st_blocks * 512 <= 65 << 20)
  }
}
