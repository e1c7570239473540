import Checkpoints
import Foundation
import SystemPackage
import Testing

/// Files built to break a reader.
@Suite struct HostileFileTests {
  /// Writes pickles instruction by instruction.
  struct Pickle {
    var bytes: [UInt8] = [0x80, 0x02]

    mutating func text(_ text: String) {
      bytes += [0x58] + number(text.utf8.count, bytes: 4) + Array(text.utf8)
    }

    mutating func int(_ value: Int) {
      bytes += [0x8a, 8] + number(value, bytes: 8)
    }

    mutating func global(_ module: String, _ name: String) {
      bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    /// torch._utils._rebuild_tensor_v2 of a float storage with this key and count.
    mutating func tensor(
      key: String, count: Int, offset: Int = 0, shape: [Int], strides: [Int]
    ) {
      global("torch._utils", "_rebuild_tensor_v2")
      bytes += Array("((".utf8)
      text("storage")
      global("torch", "FloatStorage")
      text(key)
      text("cpu")
      int(count)
      bytes += Array("tQ".utf8)
      int(offset)
      for numbers in [shape, strides] {
        bytes += Array("(".utf8)
        for number in numbers { int(number) }
        bytes += Array("t".utf8)
      }
      // requires_grad, hooks, then the call.
      bytes += [0x89] + Array("NtR".utf8)
    }

    private func number(_ value: Int, bytes count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
  }

  /// A zip archive of stored entries with correct records.
  static func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
      let sizes = number(0, 4) + number(bytes.count, 4) + number(bytes.count, 4)
      let lengths = number(name.utf8.count, 2) + number(0, 2)
      directory += [0x50, 0x4b, 1, 2] + number(0, 12) + sizes + lengths + number(0, 10)
      directory += number(file.count, 4) + Array(name.utf8)
      file += [0x50, 0x4b, 3, 4] + number(0, 10) + sizes + lengths + Array(name.utf8) + bytes
    }
    let end = number(entries.count, 2) + number(entries.count, 2) + number(directory.count, 4)
    return file + directory + [0x50, 0x4b, 5, 6] + number(0, 4) + end + number(file.count, 4)
      + number(0, 2)
  }

  /// What opening says, without the path; the number of tensors where it succeeds.
  private func outcome(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write("file", bytes)
    do throws(CheckpointError) {
      let checkpoint = try Checkpoint(contentsOf: path)
      for tensor in checkpoint.tensors.values { _ = try tensor.floats() }
      return "\(checkpoint.tensors.count) tensors"
    } catch {
      return String(error.description.dropFirst(path.string.utf8.count + 2))
    }
  }

  private func zipOutcome(
    storage: [UInt8] = Array(repeating: 0, count: 400), _ build: (inout Pickle) -> Void
  ) throws -> String {
    var pickle = Pickle()
    pickle.bytes += Array("}".utf8)
    pickle.text("w")
    build(&pickle)
    pickle.bytes += Array("s.".utf8)
    return try outcome(Self.archive([("a/data.pkl", pickle.bytes), ("a/data/0", storage)]))
  }

  @Test func tensorsHaveToLieInTheirStorage() throws {
    #expect(
      try zipOutcome { $0.tensor(key: "0", count: 100, shape: [10, 10], strides: [10, 1]) }
        == "1 tensors")
    for (count, offset, shape, strides) in [
      (100, 1, [10, 10], [10, 1]), (100, 0, [10, 11], [10, 1]), (100, 101, [], []),
      (100, 0, [2], [100]), (100, 0, [2], [Int.max]), (100, 0, [2, 2], [Int.max, Int.max]),
      (100, 0, [-1], [1]),
      (100, 0, [2], [-1]), (100, -1, [2], [1]), (100, 0, [Int.max, Int.max], [1, 1]),
      (100, 0, [1 << 32, 1 << 32], [0, 0]), (100, 0, [1 << 20], [0]), (100, Int.max, [1], [1]),
      (101, 0, [1], [1]), (-1, 0, [1], [1]), (Int.max, 0, [1], [1]), (100, 0, [2, 2], [1]),
      (100, 0, Array(repeating: 1, count: 17), Array(repeating: 1, count: 17)),
    ] {
      let text = try zipOutcome {
        $0.tensor(key: "0", count: count, offset: offset, shape: shape, strides: strides)
      }
      #expect(text.hasPrefix("damaged: "), "\(offset) \(shape) \(strides) of \(count): \(text)")
    }
    // The step along a dimension of one says nothing, nor does any where there is nothing.
    for (shape, strides) in [
      ([1, 3], [Int.max, 1]), ([0, Int.max], [1, Int.max]), ([1 << 62, 4, 0], [1, 1, 1]),
    ] {
      let text = try zipOutcome { $0.tensor(key: "0", count: 100, shape: shape, strides: strides) }
      #expect(text == "1 tensors")
    }
    #expect(
      try zipOutcome { $0.tensor(key: "1", count: 100, shape: [1], strides: [1]) }
        == "damaged: the entry 'a/data/1' is missing")
  }

  @Test func deepNestingCostsNoStack() throws {
    // A tuple in a tuple in a tuple..., a list in a list..., and one that holds itself.
    let tuples = Array(repeating: UInt8(0x85), count: 1_000_000)
    #expect(try zipOutcome { $0.bytes += [0x29] + tuples }.hasPrefix("no tensors"))
    let lists = Array(repeating: UInt8(ascii: "]"), count: 300_000)
    let appends = Array(repeating: UInt8(ascii: "a"), count: 299_999)
    #expect(try zipOutcome { $0.bytes += lists + appends }.hasPrefix("no tensors"))
    #expect(try zipOutcome { $0.bytes += [0x5d, 0x71, 0, 0x68, 0, 0x61] }.hasPrefix("no tensors"))
    #expect(
      try zipOutcome { $0.bytes += Array(repeating: UInt8(ascii: "("), count: 1_000_000) }
        .hasPrefix("damaged: its pickle"))
  }

  @Test func longPicklesEnd() throws {
    let nones = Array(repeating: UInt8(ascii: "N"), count: 1_100_000)
    #expect(
      try zipOutcome { $0.bytes += nones }
        == "not supported: a pickle of more than 1048576 instructions")
  }

  /// A giant that many places refer to is searched or copied for none of them: that would take hours.
  @Test func sharedGiantsAreNotCopied() throws {
    let start = ContinuousClock.now
    let sizes = try zipOutcome { pickle in
      pickle.bytes += Array("(".utf8)
      for _ in 0..<300_000 { pickle.bytes += [0x4b, 1] }
      pickle.bytes += [0x74, 0x71, 0]
      pickle.global("torch._utils", "_rebuild_tensor_v2")
      pickle.bytes += Array("((".utf8)
      pickle.text("storage")
      pickle.global("torch", "FloatStorage")
      pickle.text("0")
      pickle.text("cpu")
      pickle.bytes += [0x4b, 100] + Array("tQ".utf8) + [0x4b, 0, 0x68, 0, 0x68, 0]
      pickle.bytes += [0x89] + Array("NtR".utf8)
    }
    #expect(sizes == "damaged: its pickle describes a tensor in an unknown way")
    let versions = try zipOutcome { pickle in
      pickle.bytes += [0x7d, 0x28]
      for _ in 0..<100_000 { pickle.bytes += [0x4e, 0x4e] }
      pickle.bytes += [0x75, 0x71, 0]
      for _ in 0..<100_000 { pickle.bytes += [0x68, 0, 0x62] }
    }
    #expect(versions.hasPrefix("no tensors"))
    let placeholders = try zipOutcome { pickle in
      pickle.bytes += [0x7d, 0x28]
      for _ in 0..<100_000 { pickle.bytes += [0x4e, 0x4e] }
      pickle.bytes += [0x75, 0x71, 0, 0x30]
      pickle.global("a", "b")
      for _ in 0..<100_000 { pickle.bytes += [0x68, 0, 0x81, 0x68, 0, 0x62] }
    }
    #expect(placeholders.hasPrefix("no tensors"))
    let pairs = try zipOutcome { pickle in
      pickle.bytes += [0x5d, 0x71, 2, 0x28]
      for _ in 0..<100_000 { pickle.bytes += [0x4e, 0x4e, 0x86] }
      pickle.bytes += [0x65]
      pickle.global("collections", "OrderedDict")
      pickle.bytes += [0x71, 1]
      for _ in 0..<100_000 { pickle.bytes += [0x68, 1, 0x68, 2, 0x85, 0x52, 0x30] }
    }
    #expect(pairs == "not supported: a list that many dictionaries are made of")
    #expect(ContinuousClock.now - start < .seconds(120))
  }

  @Test func forgedLengths() throws {
    for instruction: [UInt8] in [
      [0x58, 0xff, 0xff, 0xff, 0xff], [0x54, 0xff, 0xff, 0xff, 0x7f],
      [0x8d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x8e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x43, 0xff], [0x8a, 8, 1],
    ] {
      let text = try zipOutcome { $0.bytes += instruction }
      #expect(text.hasPrefix("the file is cut short"), "\(instruction): \(text)")
    }
    #expect(
      try zipOutcome { $0.bytes += [0x4e, 0x72, 0xff, 0xff, 0xff, 0xff] }.hasPrefix("no tensors"))
    #expect(
      try zipOutcome {
        $0.tensor(key: "0", count: 100, shape: [1], strides: [1])
        $0.bytes += Array("s".utf8)
        $0.text("seed")
        $0.bytes += [0x8a, 0xff] + Array(repeating: 0, count: 255)
      } == "not supported: a whole number of 255 bytes in its pickle")
    #expect(
      try zipOutcome { $0.bytes += [0x68, 7] }
        == "damaged: its pickle recalls what it never stored")
    let endless = Array(repeating: UInt8(ascii: "x"), count: 1000)
    #expect(
      try zipOutcome { $0.bytes += [0x63] + endless }
        == "damaged: a name of more than 256 bytes in its pickle")
  }

  @Test func refusesArchivesThatContradictThemselves() throws {
    let good = [("a/data.pkl", [UInt8]("\u{7d}.".utf8)), ("a/data/0", [1, 2, 3, 4])]
    func changed(_ text: String, _ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
      var file = Self.archive(good)
      let pattern = Array(text.utf8)
      let start = file.indices.last { file[$0...].starts(with: pattern) } ?? 0
      file.replaceSubrange(start + offset..<start + offset + bytes.count, with: bytes)
      return file
    }
    #expect(try outcome(Self.archive(good)).hasPrefix("no tensors"))
    #expect(
      try outcome(Self.archive(good + [good[0]])) == "damaged: two entries named 'a/data.pkl'")
    #expect(
      try outcome(Self.archive([("b", [1])]))
        == "not a checkpoint (a zip archive without data.pkl);"
        + " safetensors, PyTorch .pth and Detectron2 .pkl are read")
    // In the last entry of the directory: its size, its offset; in the end record: size and offset of the directory.
    let record = "PK\u{1}\u{2}"
    for (offset, bytes) in [(20, [255, 0, 0, 0]), (42, [0, 0, 0, 0])] {
      let text = try outcome(changed(record, offset, bytes.map(UInt8.init)))
      #expect(text.hasPrefix("damaged: the entry"), "\(offset): \(text)")
    }
    for (offset, bytes) in [
      (12, [255, 255, 255, 127]), (16, [255, 255, 255, 127]), (16, [1, 0, 0, 0]),
    ] {
      let text = try outcome(changed("PK\u{5}\u{6}", offset, bytes.map(UInt8.init)))
      #expect(text.hasPrefix("damaged") || text.hasPrefix("the file is cut"), "\(offset): \(text)")
    }
    #expect(
      try outcome(changed(record, 24, [255, 255, 255, 255])) == "damaged: its directory of entries")
  }

  private func safetensors(_ header: String, _ data: [UInt8]) throws -> String {
    let bytes = Array(header.utf8)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
    return try outcome(size + bytes + data)
  }

  private static func entry(
    _ name: String, _ type: String, _ shape: String, _ begin: Int, _ end: Int
  ) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
  }

  @Test func checksSafetensorsHeaders() throws {
    typealias Suite = HostileFileTests
    let data = [UInt8](repeating: 0, count: 16)
    let a = Self.entry("a", "F32", "[2]", 0, 8)
    let b = Self.entry("b", "F32", "[1,2]", 8, 16)
    #expect(try safetensors("{\(a),\(b)}", data) == "2 tensors")
    #expect(try safetensors("{\(b) , \(a)}   ", data) == "2 tensors")
    let empty = Self.entry("c", "F32", "[4611686018427387904,4,0]", 16, 16)
    #expect(try safetensors("{\(a),\(b),\(empty)}", data) == "3 tensors")
    for (header, expected) in [
      ("{\(a)}", "damaged: 8 bytes after the last tensor"),
      ("{\(b)}", "damaged: tensor 'b' is at 8...16, not from 0 on"),
      ("{\(a),\(a)}", "damaged: the header has 'a' twice"),
      (
        "{\(a),\(Self.entry("b", "F32", "[3]", 4, 16))}",
        "damaged: tensor 'b' is at 4...16, not from 8 on"
      ),
      (
        "{\(a),\(Self.entry("b", "F32", "[3]", 8, 20))}",
        "the file is cut short: tensor 'b' ends at byte"
      ),
      (
        "{\(a),\(Self.entry("b", "F32", "[3]", 8, 16))}",
        "damaged: tensor 'b' of shape [3]: 12 bytes needed, 8 there"
      ),
      (
        "{\(a),\(Self.entry("b", "F32", "[1]", 8, 16))}",
        "damaged: tensor 'b' of shape [1] and type F32 has 8 bytes"
      ),
      (
        "{\(a),\(Self.entry("b", "F31", "[2]", 8, 16))}",
        "damaged: tensor 'b' has the unknown type 'F31'"
      ),
      (
        "{\(a),\(Self.entry("b", "F32", "[4294967296,4294967296]", 8, 16))}",
        "damaged: tensor 'b' of shape [4294967296, 4294967296]: larger than anything"
      ),
      ("{\(a),\(Self.entry("b", "F32", "[2]", 16, 8))}", "damaged: tensor 'b' is at 16...8"),
      ("{\(a),\(Self.entry("b", "F32", "[-2]", 8, 16))}", "damaged: byte "),
      ("{\(a),\"b\":{\"dtype\":\"F32\"}}", "damaged: tensor 'b' lacks dtype, shape or"),
      ("{\(a),\"b\":{\"x\":1}}", "damaged: tensor 'b' has the key 'x', unknown or twice"),
      ("{\(a),\"__metadata__\":{\"k\":1}}", "damaged: byte "),
      ("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", "damaged: the metadata has 'k' twice"),
      ("{\(a),\(b)} x", "damaged: byte "), ("{\(a),\(b)", "damaged: byte "),
      ("{\"a", "damaged: byte "), ("{\"\\ud800\":", "damaged: byte "),
      ("{\"\\u12g4\":", "damaged: byte "), ("{\"\\q\":", "damaged: byte "),
      ("{\"\n\":", "damaged: byte "),
      ("{" + String(repeating: "[", count: 100_000), "damaged: byte"),
    ] {
      let text = try safetensors(header, data)
      #expect(text.hasPrefix(expected), "\(header.prefix(200)): \(text)")
    }
    #expect(
      try outcome([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x7b])
        == "damaged: a header of 4294967295 bytes")
    #expect(try outcome([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]).hasPrefix("the file is cut short"))
    // A GIF of 64x123 pixels and a TIFF have the same byte there.
    for start in [Array("GIF89a".utf8) + [64, 0], Array("II*\0".utf8) + [9, 0, 0, 0]] {
      #expect(try outcome(start + [0x7b, 0, 0, 0, 0, 0, 0, 0]).hasPrefix("not a checkpoint"))
    }
    // Types that are not read are no error until they are asked for.
    #expect(
      try safetensors("{\(Self.entry("a", "F4", "[3]", 0, 1))}", [0]).hasPrefix("damaged"))
    #expect(
      try safetensors("{\(Self.entry("a", "F4", "[2]", 0, 1))}", [0])
        == "not supported: tensors of type F4")
  }

  @Test func aFileCutAfterOpeningIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("file", CheckpointFixture.bytes("module.pth"))
    let checkpoint = try Checkpoint(contentsOf: path)
    let descriptor = try FileDescriptor.open(path, .writeOnly, options: .truncate)
    try descriptor.close()
    let tensor = try #require(checkpoint.tensors["conv.weight"])
    #expect(throws: CheckpointError.self) { try tensor.floats() }
  }
}
