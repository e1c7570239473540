import JSONText
import SystemPackage

/// safetensors in several files beside an index, `model.safetensors.index.json`, that says which tensor is in which:
/// {"metadata": {…}, "weight_map": {tensor: file}} (Hugging Face's `huggingface_hub/serialization`).
enum SafetensorsShards {
  /// An index of a million tensors.
  private static let maxIndexByteCount = 1 << 26
  private static let maxShardCount = 4096

  /// Whether a file that begins so is an index: JSON, where eight bytes of a small number stand in a safetensors file.
  static func canBegin(_ start: [UInt8]) -> Bool {
    start.count >= 8 && start[0] == UInt8(ascii: "{") && start[7] != 0
  }

  static func read(_ index: CheckpointFile) throws(CheckpointError) -> Checkpoint {
    guard index.size <= maxIndexByteCount else {
      throw index.error(.malformed("an index of \(index.size) bytes"))
    }
    let places = try places(index)
    var shards: [CheckpointFile] = []
    var tensors: [String: CheckpointTensor] = [:]
    let names = Set(places.values).sorted()
    guard names.count <= maxShardCount else {
      throw index.error(.malformed("an index of \(names.count) files"))
    }
    for name in names {
      let path = index.path.removingLastComponent().appending(name)
      let file = try CheckpointFile(path)
      let shard = try SafetensorsFile.read(file)
      for (tensor, value) in shard.tensors {
        guard places[tensor] == name else {
          throw file.error(
            .malformed("the index \(index.path) does not say that '\(tensor)' is in it"))
        }
        tensors[tensor] = value
      }
      shards.append(file)
    }
    if let missing = places.keys.filter({ tensors[$0] == nil }).min() {
      throw index.error(.malformed("no '\(missing)' in \(places[missing] ?? "")"))
    }
    return Checkpoint(files: [index] + shards, format: .safetensors, tensors: tensors)
  }

  /// Names of files by names of tensors.
  private static func places(_ index: CheckpointFile) throws(CheckpointError) -> [String: String] {
    let bytes = try index.bytes(at: 0, count: index.size)
    var places: [String: String] = [:]
    let other = CheckpointError.Problem.unknownFormat("JSON that is no index of safetensors files")
    do {
      try bytes.withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
          // Sizes and the like.
          guard key == "weight_map" else {
            try scanner.skipValue()
            continue
          }
          try scanner.beginObject()
          while let tensor = try scanner.nextKey()?.text {
            let file = try scanner.readString().text
            guard FilePath.Component(file)?.kind == .regular, FilePath(file).components.count == 1
            else { throw IndexError(problem: "'\(file)' is no name of a file beside it") }
            guard places.updateValue(file, forKey: tensor) == nil else {
              throw IndexError(problem: "it has '\(tensor)' twice")
            }
          }
        }
        try scanner.readEnd()
      }
    } catch let error as JSONError {
      if places.isEmpty { throw index.error(other) }
      throw index.error(.malformed("byte \(error.offset) of the index: \(error.problem)"))
    } catch let error as IndexError {
      throw index.error(.malformed(error.problem))
    } catch {
      preconditionFailure("reading an index throws errors of its own, not \(error)")
    }
    guard !places.isEmpty else { throw index.error(other) }
    return places
  }

  private struct IndexError: Error {
    var problem: String
  }
}
