import SystemPackage
import TestSupport
import Testing

@testable import detect_batch

struct ArgumentBytesTests {
  @Test func everyByteSurvives() {
    let seed: UInt64 = .random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    var escaped = 0
    for _ in 0..<2000 {
      // Whole scalars, pieces of scalars, stray bytes, and scalars of the range that stands for stray bytes.
      let pieces: [[UInt8]] = (0..<generator.below(6)).map { _ in
        switch generator.below(4) {
        case 0: Array("aé漢🎞\u{10ff80}\u{10ffff}".utf8)
        case 1: [UInt8(1 + generator.below(255))]
        case 2: Array(Array("漢🎞".utf8).prefix(1 + generator.below(6)))
        default: [0xf4, 0x8f, 0xbe, UInt8(0x80 + generator.below(64))]
        }
      }
      let bytes = Array(pieces.joined())
      let text = ArgumentBytes.encode(bytes)
      #expect(ArgumentBytes.decode(text) == bytes, "seed \(seed): \(bytes)")
      if String(validating: bytes, as: UTF8.self) == nil { escaped += 1 }
    }
    #expect(escaped > 100)
  }

  @Test func plainTextStaysAsItIs() {
    #expect(ArgumentBytes.encode(Array("--fps".utf8)) == "--fps")
    #expect(ArgumentBytes.display(ArgumentBytes.encode([0x61, 0xff])) == "a\u{fffd}")
  }
}
