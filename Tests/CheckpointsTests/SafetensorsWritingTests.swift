import Checkpoints
import Foundation
import SystemPackage
import Testing

@Suite struct SafetensorsWritingTests {
  /// The safetensors library and PyTorch's rounding are the reference: the whole file has to be theirs.
  @Test(arguments: SafetensorsFile.Storage.allCases)
  func writesTheBytesOfTheReference(_ storage: SafetensorsFile.Storage) throws {
    let source = try Checkpoint(contentsOf: CheckpointFixture.path("rounded-f32.safetensors"))
    let folder = try TemporaryFolder()
    let path = folder.path.appending("written")
    let tensors = source.tensors.map { name, tensor in
      SafetensorsFile.Tensor(name: name, shape: tensor.shape, storage: storage) {
        try tensor.floats()
      }
    }
    try SafetensorsFile.write(tensors.shuffled(), metadata: source.metadata, to: path)
    let name = "rounded-\(storage.rawValue.lowercased()).safetensors"
    let written = Array(try Data(contentsOf: URL(filePath: path.string)))
    let right = try CheckpointFixture.bytes(name)
    #expect(written.count == right.count)
    let differences = zip(written, right).enumerated().filter { $1.0 != $1.1 }
    #expect(differences.isEmpty)
  }

  @Test func wideNumbersComeFirstAndAllComeBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("model")
    let metadata = ["b": "line\nline \u{1} \"\\é", "a": ""]
    try SafetensorsFile.write(
      [
        .init(name: "a", shape: [2], storage: .float16) { [1, 2] },
        .init(name: "ü\"", shape: [], storage: .float32) { [3] },
        .init(name: "b", shape: [0, 4], storage: .float32) { [] },
      ], metadata: metadata, to: path)
    let read = try Checkpoint(contentsOf: path)
    #expect(read.metadata == metadata)
    #expect(try read.tensors.mapValues { try $0.floats() } == ["a": [1, 2], "ü\"": [3], "b": []])
    #expect(read.tensors["b"]?.shape == [0, 4])
    let text = String(decoding: try Data(contentsOf: URL(filePath: path.string)), as: UTF8.self)
    let keys = ["__metadata__", "\"b\":{\"dtype", "\"ü", "\"a\":{\"dtype"]
    let places = try keys.map { try #require(text.range(of: $0)).lowerBound }
    #expect(places == places.sorted())
  }

  @Test(arguments: SafetensorsFile.Storage.allCases)
  func notANumberStaysSo(_ storage: SafetensorsFile.Storage) throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("model")
    // The second one's payload lies in the half that BF16 cuts off.
    let values = [Float.nan, Float(bitPattern: 0xff80_0001)]
    try SafetensorsFile.write([.init(name: "w", shape: [2], storage: storage) { values }], to: path)
    let read = try Checkpoint(contentsOf: path).tensors["w"]?.floats()
    #expect(read?.map(\.isNaN) == [true, true])
  }

  @Test func aNumberTooLargeIsAnErrorAndLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("model")
    let error = CheckpointError(
      file: path.string, problem: .unrepresentable(tensor: "w", type: "F16"))
    for value: Float in [65520, -1e9] {
      #expect(throws: error) {
        try SafetensorsFile.write(
          [.init(name: "w", shape: [1], storage: .float16) { [value] }], to: path)
      }
    }
    #expect(throws: CheckpointError.self) {
      try SafetensorsFile.write(
        [.init(name: "w", shape: [1], storage: .bfloat16) { [3.4e38] }], to: path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.string) == [])
  }

  @Test func aFailedWriteKeepsTheOldFile() throws {
    struct Interruption: Error {}
    let folder = try TemporaryFolder()
    let path = try folder.write("model", [1, 2, 3])
    #expect(throws: Interruption.self) {
      try SafetensorsFile.write(
        [.init(name: "w", shape: [1]) { throw Interruption() }], to: path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path.string) == ["model"])
    #expect(try Data(contentsOf: URL(filePath: path.string)) == Data([1, 2, 3]))
    let elsewhere = folder.path.appending("absent/model")
    #expect(
      throws: CheckpointError(
        file: elsewhere.string,
        problem: .unwritable(.noSuchFileOrDirectory, doing: "creating it"))
    ) {
      try SafetensorsFile.write([], to: elsewhere)
    }
  }
}
