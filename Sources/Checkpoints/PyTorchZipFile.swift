/// PyTorch's format since 1.6 (`torch/serialization.py`): a zip archive with a pickle `data.pkl` and a stored entry
/// `data/<key>` for each storage.
enum PyTorchZipFile {
  static func read(_ file: CheckpointFile) throws(CheckpointError) -> Checkpoint {
    let archive = try ZipArchive(file)
    guard let pickleName = archive.names.first(where: { $0.hasSuffix("/data.pkl") }),
      let pickleRange = try archive.range(pickleName)
    else {
      throw file.error(.unknownFormat("a zip archive without data.pkl"))
    }
    let folder = pickleName.dropLast("data.pkl".count)
    // What a module's program lies in.
    if archive.names.contains(where: { $0.hasPrefix(folder + "code/") }) {
      throw file.error(.torchScript)
    }
    if let range = try archive.range(folder + "byteorder") {
      let order = try file.bytes(at: range.offset, count: min(range.count, 16))
      guard order == Array("little".utf8) else {
        throw file.error(
          .unsupported("byte order '\(String(decoding: order, as: UTF8.self))'"))
      }
    }
    let pickle = try Unpickler.run(file, pickleRange)
    let dictionary = try StateDictionary(file, pickle)
    return try dictionary.checkpoint(.pytorchZip) { (storage, byteCount) throws(CheckpointError) in
      let name = "\(folder)data/\(storage.key)"
      guard let range = try archive.range(name) else {
        throw file.error(.malformed("the entry '\(name)' is missing"))
      }
      guard range.count == byteCount else {
        throw file.error(
          .malformed("the entry '\(name)' has \(range.count) bytes where \(byteCount) belong"))
      }
      return range
    }
  }
}
