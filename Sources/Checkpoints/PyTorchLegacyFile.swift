/// PyTorch's format before 1.6 (`torch/serialization.py`, `_legacy_load`): five pickles one after another (a magic
/// number, the protocol, the writer's machine, the object, the storages' keys), then for each key in that order the
/// number of elements in eight bytes, and the elements.
enum PyTorchLegacyFile {
  /// A pickle of 0x1950a86a20f9469cfc6c.
  static let magic: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  static func read(_ file: CheckpointFile) throws(CheckpointError) -> Checkpoint {
    var position = magic.count
    func nextPickle() throws(CheckpointError) -> PickleResult {
      let pickle = try Unpickler.run(
        file, FileRange(offset: position, count: file.size - position))
      position = pickle.end
      return pickle
    }
    guard case .int(1001) = try nextPickle().value else {
      throw file.error(.unsupported("a protocol of PyTorch other than 1001"))
    }
    let machine = try nextPickle()
    guard case .dictionary(let fields) = machine.value,
      case .bool(true) = machine.lookUp("little_endian", in: fields)
    else { throw file.error(.unsupported("a machine that was not little-endian")) }
    let object = try nextPickle()
    let keys = try nextPickle()
    guard case .list(let list) = keys.value else {
      throw file.error(.malformed("no list of storages"))
    }
    var widths: [String: Int] = [:]
    for storage in object.storages { widths[storage.key] = storage.elementType.bitCount / 8 }
    var ranges: [String: FileRange] = [:]
    for value in keys.lists[list] {
      guard case .text(let key?, _) = value, let width = widths[key] else {
        throw file.error(.malformed("a storage that no tensor uses"))
      }
      let count = try file.bytes(at: position, count: 8).littleEndian(at: 0, count: 8)
      position += 8
      guard count <= UInt64((file.size - position) / width) else {
        throw file.error(.truncated("storage '\(key)' of \(count) numbers at byte \(position)"))
      }
      let range = FileRange(offset: position, count: Int(count) * width)
      guard ranges.updateValue(range, forKey: key) == nil else {
        throw file.error(.malformed("storage '\(key)' stands twice"))
      }
      position += range.count
    }
    let dictionary = try StateDictionary(file, object)
    return try dictionary.checkpoint(.pytorchLegacy) {
      (storage, byteCount) throws(CheckpointError) in
      guard let range = ranges[storage.key], range.count == byteCount else {
        throw file.error(.malformed("storage '\(storage.key)' is missing or of another size"))
      }
      return range
    }
  }
}
