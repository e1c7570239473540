import Files
import JSONText
import SystemPackage

extension SafetensorsFile {
  /// Writes a file under a name of its own beside `path`, makes it durable, and renames it: `path` holds the old
  /// bytes or the new ones, whatever happens. The same tensors and metadata give the same bytes.
  ///
  /// - Parameters:
  ///   - tensors: in any order; stored by falling width of their numbers, then by name, as others do.
  ///   - metadata: texts that readers get as `Checkpoint.metadata`.
  ///   - path: replaced if it exists.
  /// - Throws: `CheckpointError`, or what a tensor's `values` throws.
  public static func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], to path: FilePath
  ) throws {
    let ordered = tensors.sorted {
      ($1.storage.byteCount, $0.name) < ($0.storage.byteCount, $1.name)
    }
    let header = header(ordered, metadata: metadata)
    precondition(header.count <= maxHeaderByteCount, "a header of \(header.count) bytes")
    try atomically(path) { file in
      var size = UInt64(header.count).littleEndian
      try file.append(withUnsafeBytes(of: &size) { Array($0) })
      try file.append(header)
      for tensor in ordered {
        let values = try tensor.values()
        precondition(
          values.count == tensor.shape.reduce(1, *),
          "\(values.count) numbers for '\(tensor.name)' of shape \(tensor.shape)")
        guard let bytes = tensor.storage.bytes(of: values) else {
          throw CheckpointError(
            file: path.string,
            problem: .unrepresentable(tensor: tensor.name, type: tensor.storage.rawValue))
        }
        try file.append(bytes)
      }
    }
  }

  /// The JSON, padded with spaces to a multiple of eight bytes.
  private static func header(_ tensors: [Tensor], metadata: [String: String]) -> [UInt8] {
    var entries: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map {
        "\(JSON.quoted($0)):\(JSON.quoted($1))"
      }
      entries.append("\(JSON.quoted(metadataKey)):{\(texts.joined(separator: ","))}")
    }
    var begin = 0
    for tensor in tensors {
      let end = begin + tensor.shape.reduce(1, *) * tensor.storage.byteCount
      let shape = tensor.shape.map { "\($0)" }.joined(separator: ",")
      entries.append(
        "\(JSON.quoted(tensor.name)):{\"dtype\":\"\(tensor.storage.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
      begin = end
    }
    var bytes = Array("{\(entries.joined(separator: ","))}".utf8)
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    return bytes
  }

  /// Replaces a file in one step, with the errors of checkpoints.
  private static func atomically(
    _ path: FilePath, _ body: (borrowing AtomicFile) throws -> Void
  ) throws {
    do {
      try AtomicFile.replace(path, body)
    } catch let failure as AtomicFile.Failure {
      throw CheckpointError(
        file: path.string, problem: .unwritable(failure.code, doing: failure.doing))
    }
  }
}
