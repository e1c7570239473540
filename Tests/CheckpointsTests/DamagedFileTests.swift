import Checkpoints
import SystemPackage
import TestSupport
import Testing

/// Files that were cut or changed: an error of the reader's own or a success, never a crash, and never memory in
/// proportion to a forged number (the test would not live through it).
@Suite struct DamagedFileTests {
  static let names = [
    "module.pth", "module-legacy.pth", "views.pth", "views-legacy.pth", "arrays-2.pkl",
    "arrays-4.pkl", "arrays-5.pkl", "python2.pkl", "types.safetensors",
  ]

  /// Opens a file and reads all of it; false where the reader refuses it.
  private func isReadable(_ path: FilePath) -> Bool {
    do throws(CheckpointError) {
      let checkpoint = try Checkpoint(contentsOf: path)
      for tensor in checkpoint.tensors.values {
        let count = try tensor.floats().count
        #expect(count == tensor.elementCount)
      }
      return true
    } catch {
      let isOneLine = !error.description.contains("\n")
      #expect(isOneLine)
      return false
    }
  }

  @Test(arguments: names)
  func cutAtEveryByte(_ name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try CheckpointFixture.bytes(name)
    for count in 0..<bytes.count {
      let path = try folder.write("cut", Array(bytes[..<count]))
      #expect(!isReadable(path), "\(name) cut to \(count) bytes")
    }
    let whole = try folder.write("whole", bytes)
    #expect(isReadable(whole))
  }

  @Test(arguments: names)
  func changedBits(_ name: String) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let bytes = try CheckpointFixture.bytes(name)
    var readableCount = 0
    for _ in 0..<200 {
      var changed = bytes
      for _ in 0...generator.below(3) {
        changed[generator.below(bytes.count)] ^= 1 << UInt8(generator.below(8))
      }
      if isReadable(try folder.write("changed", changed)) { readableCount += 1 }
    }
    // Some changes hit numbers, some hit structure.
    #expect((1..<200).contains(readableCount), "seed \(seed)")
    print("\(name): \(readableCount) of 200 changed files readable, seed \(seed)")
  }

  /// In five files, each byte by itself set to a value that makes a number huge, negative or zero.
  @Test(arguments: [
    "module.pth", "views-legacy.pth", "arrays-2.pkl", "arrays-5.pkl", "types.safetensors",
  ])
  func changedBytes(_ name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try CheckpointFixture.bytes(name)
    for index in bytes.indices {
      var changed = bytes
      changed[index] = [0xff, 0, 0x7f][index % 3]
      _ = isReadable(try folder.write("changed", changed))
    }
  }
}
