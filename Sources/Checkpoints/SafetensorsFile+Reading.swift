import JSONText

extension SafetensorsFile {
  /// Reads the header and checks it as the reference implementation does: no holes, no overlaps, nothing after
  /// the last tensor, no name twice.
  static func read(_ file: CheckpointFile) throws(CheckpointError) -> Checkpoint {
    let prefix = try file.bytes(at: 0, count: 8)
    let headerSize = prefix.littleEndian(at: 0, count: 8)
    guard headerSize <= maxHeaderByteCount else {
      throw file.error(.malformed("a header of \(headerSize) bytes"))
    }
    let headerBytes = try file.bytes(at: 8, count: Int(headerSize))
    let header: Header
    do {
      header = try headerBytes.withUnsafeBytes { try Header($0) }
    } catch let error as JSONError {
      throw file.error(
        .malformed("byte \(8 + error.offset) of the header: \(error.problem)"))
    } catch let error as HeaderError {
      throw file.error(.malformed(error.problem))
    } catch {
      preconditionFailure("reading a header throws errors of its own, not \(error)")
    }
    let start = 8 + headerBytes.count
    var tensors: [String: CheckpointTensor] = [:]
    var end = 0
    for entry in header.entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == end, entry.end >= entry.begin else {
        throw file.error(
          .malformed(
            "tensor '\(entry.name)' is at \(entry.begin)...\(entry.end), not from \(end) on"))
      }
      end = entry.end
      guard end <= file.size - start else {
        throw file.error(
          .truncated("tensor '\(entry.name)' ends at byte \(start + end) of \(file.size)"))
      }
      let range = FileRange(offset: start + entry.begin, count: entry.end - entry.begin)
      let tensor = try CheckpointTensor(
        file, name: entry.name, shape: entry.shape, elementType: entry.elementType, range: range)
      guard tensor.elementCount * entry.elementType.bitCount == 8 * range.count else {
        throw file.error(
          .malformed(
            "tensor '\(entry.name)' of shape \(entry.shape) and type"
              + " \(entry.elementType.rawValue) has \(range.count) bytes"))
      }
      tensors[entry.name] = tensor
    }
    guard start + end == file.size else {
      throw file.error(.malformed("\(file.size - start - end) bytes after the last tensor"))
    }
    return Checkpoint(
      files: [file], format: .safetensors, tensors: tensors, metadata: header.metadata)
  }
}

private struct HeaderError: Error {
  var problem: String
}

private struct Header {
  struct Entry {
    var name: String
    var elementType: ElementType
    var shape: [Int]
    /// Relative to the end of the header.
    var begin: Int
    var end: Int
  }

  var entries: [Entry] = []
  var metadata: [String: String] = [:]

  init(_ bytes: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(bytes)
    var names: Set<String> = []
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    try scanner.beginObject()
    while let name = try scanner.nextKey()?.text {
      guard names.insert(name).inserted else {
        throw HeaderError(problem: "the header has '\(name)' twice")
      }
      if name == SafetensorsFile.metadataKey {
        try scanner.beginObject()
        while let key = try scanner.nextKey()?.text {
          guard metadata.updateValue(try scanner.readString().text, forKey: key) == nil else {
            throw HeaderError(problem: "the metadata has '\(key)' twice")
          }
        }
      } else {
        entries.append(try Self.entry(name, &scanner))
      }
    }
    try scanner.readEnd()
    self.entries = entries
    self.metadata = metadata
  }

  private static func entry(_ name: String, _ scanner: inout JSONScanner) throws -> Entry {
    var elementType: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.beginObject()
    while let key = try scanner.nextKey()?.text {
      switch key {
      case "dtype" where elementType == nil:
        let text = try scanner.readString().text
        elementType = ElementType(rawValue: text)
        if elementType == nil {
          throw HeaderError(problem: "tensor '\(name)' has the unknown type '\(text)'")
        }
      case "shape" where shape == nil: shape = try sizes(&scanner)
      case "data_offsets" where offsets == nil: offsets = try sizes(&scanner)
      default:
        throw HeaderError(problem: "tensor '\(name)' has the key '\(key)', unknown or twice")
      }
    }
    guard let elementType, let shape, let offsets, offsets.count == 2 else {
      throw HeaderError(problem: "tensor '\(name)' lacks dtype, shape or two data_offsets")
    }
    return Entry(
      name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
  }

  /// Reads an array of whole numbers that are not negative.
  private static func sizes(_ scanner: inout JSONScanner) throws(JSONError) -> [Int] {
    var sizes: [Int] = []
    try scanner.beginArray()
    while try scanner.nextElement() {
      let start = scanner
      guard case .integer(let size) = try scanner.readNumber(), size >= 0 else {
        throw start.error("there should be a whole number")
      }
      sizes.append(Int(size))
    }
    return sizes
  }
}
