import SystemPackage

@testable import Checkpoints

enum FuzzCheckpoints {
  /// A header, and the numbers of what it names if they are few.
  static func safetensors(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? CheckpointFile(FuzzFolder.write(bytes, to: "checkpoint")),
      let checkpoint = try? SafetensorsFile.read(file)
    else { return }
    readNumbers(checkpoint, fileSize: bytes.count)
  }

  static func pickle(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? CheckpointFile(FuzzFolder.write(bytes, to: "checkpoint")) else { return }
    if let result = try? Unpickler.run(file, FileRange(offset: 0, count: file.size)) {
      precondition(result.end <= file.size)
    }
    // The whole way, with what is made of the values.
    if let checkpoint = try? Detectron2File.read(file) {
      readNumbers(checkpoint, fileSize: bytes.count)
    }
    if bytes.starts(with: PyTorchLegacyFile.magic),
      let checkpoint = try? PyTorchLegacyFile.read(file)
    {
      readNumbers(checkpoint, fileSize: bytes.count)
    }
  }

  static func zip(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? CheckpointFile(FuzzFolder.write(bytes, to: "checkpoint")) else { return }
    if let archive = try? ZipArchive(file) {
      for name in archive.names {
        guard let range = try? archive.range(name) else { continue }
        precondition(range.offset >= 0 && range.count >= 0)
        precondition(range.offset + range.count <= file.size)
      }
    }
    if let checkpoint = try? PyTorchZipFile.read(file) {
      readNumbers(checkpoint, fileSize: bytes.count)
    }
  }

  private static func readNumbers(_ checkpoint: Checkpoint, fileSize: Int) {
    for tensor in checkpoint.tensors.values where tensor.elementCount <= 8 * fileSize {
      // What its type has no float for, or its file no bytes.
      guard let floats = try? tensor.floats() else { continue }
      precondition(floats.count == tensor.elementCount)
    }
  }
}
