import Checkpoints
import Foundation
import SystemPackage
import Testing

/// What `scripts/make-checkpoint-fixtures.py` wrote, and what PyTorch reads from it.
enum CheckpointFixture {
  struct Tensor: Decodable {
    var type: String
    var shape: [Int]
    var bits: [UInt32]
  }

  static let expected = Result {
    let data = try Data(contentsOf: url("expected.json"))
    return try JSONDecoder().decode([String: [String: Tensor]].self, from: data)
  }

  static func url(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
  }

  static func path(_ name: String) throws -> FilePath {
    FilePath(try url(name).path)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: url(name)))
  }
}

/// A folder that goes when the test ends.
final class TemporaryFolder {
  let path: FilePath

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "checkpoints-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit {
    // Left behind at worst.
    try? FileManager.default.removeItem(atPath: path.string)
  }

  /// Writes a file into it.
  func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let file = path.appending(name)
    // Not through Foundation, whose Data.write waits for the disk, nor over an old file, whose truncation does.
    _ = try? FileManager.default.removeItem(atPath: file.string)
    let descriptor = try FileDescriptor.open(
      file, .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    return file
  }
}
