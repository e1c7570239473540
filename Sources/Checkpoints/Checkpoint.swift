import SystemPackage

/// Named tensors in a file: a safetensors file (or the index of several), a PyTorch checkpoint or a Detectron2 model. Opening reads names and
/// shapes; numbers are read when they are asked for.
///
/// PyTorch and Detectron2 files are pickles, programs that can make any Python object. The reader here knows how to
/// build tensors and plain containers and nothing else: among the tensors any other object is an error, and beside them
/// (a training script's options, its optimiser) it is passed over.
public struct Checkpoint: Sendable {
  /// A file format.
  public enum Format: String, CaseIterable, Sendable {
    /// safetensors.
    case safetensors
    /// PyTorch's format since 1.6: a zip archive.
    case pytorchZip = "PyTorch"
    /// PyTorch's format before 1.6: pickles and numbers one after another.
    case pytorchLegacy = "PyTorch (before 1.6)"
    /// A pickle of numpy arrays, as Detectron2 publishes its models.
    case detectron2 = "Detectron2"
  }

  /// Whether the tensors are a moving average of a training's weights, which stood beside the weights themselves.
  public var isMovingAverage: Bool { key.map(StateDictionary.averageKeys.contains) ?? false }

  /// How the file is made.
  public let format: Format
  /// The tensors by name.
  public let tensors: [String: CheckpointTensor]
  /// Texts that a safetensors file carries; empty for other formats.
  public let metadata: [String: String]
  /// The key under which the tensors stand in a pickle, `state_dict` for instance; nil where they stand at its top, and
  /// for other formats.
  public let key: String?
  /// What a pickle says beside the tensors.
  public let notes: CheckpointNotes

  /// The file, or an index and its shards.
  private let files: [CheckpointFile]

  init(
    files: [CheckpointFile], format: Format, tensors: [String: CheckpointTensor],
    metadata: [String: String] = [:], key: String? = nil, notes: CheckpointNotes = .empty
  ) {
    self.files = files
    self.format = format
    self.tensors = tensors
    self.metadata = metadata
    self.key = key
    self.notes = notes
  }

  /// Opens a file of any known format, recognised by its first bytes.
  ///
  /// - Parameter path: the file; it stays open as long as this value or one of its tensors lives.
  /// - Throws: `CheckpointError`.
  public init(contentsOf path: FilePath) throws(CheckpointError) {
    let file = try CheckpointFile(path)
    let start = try file.bytes(at: 0, count: min(file.size, 16))
    if SafetensorsShards.canBegin(start) {
      self = try SafetensorsShards.read(file)
    } else if start.starts(with: [0x50, 0x4b, 0x03, 0x04]) {
      self = try PyTorchZipFile.read(file)
    } else if start.starts(with: PyTorchLegacyFile.magic) {
      self = try PyTorchLegacyFile.read(file)
    } else if start.count >= 9, start[8] == UInt8(ascii: "{"),
      // A GIF or a TIFF can have that byte there too: their first eight are more than any header's length.
      start.littleEndian(at: 0, count: 8) < 1 << 33
    {
      self = try SafetensorsFile.read(file)
    } else if Unpickler.canBegin(start) {
      self = try Detectron2File.read(file)
    } else {
      throw file.error(
        .unknownFormat(start.isEmpty ? "an empty file" : "its first bytes are \(start)"))
    }
  }

  /// The whole file in pieces, in order (of shards the index, then each by name): for a digest of what was opened, even
  /// if its name is another file's by now.
  ///
  /// - Parameter body: gets each piece.
  /// - Throws: `CheckpointError` where the file cannot be read any more.
  public func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(CheckpointError) {
    for file in files {
      var offset = 0
      while offset < file.size {
        let piece = try file.bytes(at: offset, count: min(1 << 20, file.size - offset))
        piece.withUnsafeBytes { body($0) }
        offset += piece.count
      }
    }
  }
}
