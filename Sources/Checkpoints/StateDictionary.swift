/// Finds the named tensors in what a pickle built: under `model`, `state_dict` or another key of a training checkpoint,
/// else at the top.
///
/// Where a moving average of the weights stands beside them, it is taken: it is what such a training evaluates and
/// publishes, and what it was kept for. MMEngine's `ema_state_dict` is none, because its hook exchanges the two when it
/// saves: `state_dict` is the average there.
struct StateDictionary {
  /// Where training scripts keep a model: torchvision's and Detectron2's, Lightning's and MMDetection's, PyTorch's
  /// tutorials', Caffe2's.
  static let keys = ["model", "state_dict", "model_state_dict", "blobs"]
  /// Where they keep the moving average: torchvision's classification script, timm, Lightning's callbacks, d2go.
  static let averageKeys = ["model_ema", "state_dict_ema", "ema_state_dict", "ema_state"]
  /// What only MMEngine's training checkpoints have.
  private static let mmengineKey = "message_hub"

  /// Where the tensors stand; nil for the top.
  let key: String?

  private let file: CheckpointFile
  private let pickle: PickleResult
  private let dictionary: Int

  init(_ file: CheckpointFile, _ pickle: PickleResult) throws(CheckpointError) {
    self.file = file
    self.pickle = pickle
    let top: Int
    switch pickle.value {
    case .dictionary(let index): top = index
    case .placeholder(let index): throw file.error(pickle.problems[index])
    default: throw file.error(.noTensors(keys: []))
    }
    // A state dict beside which other tensors stand is the model all the same.
    let isMMEngines = pickle.lookUp(Self.mmengineKey, in: top, atMost: .max) != nil
    let places = (isMMEngines ? [] : Self.averageKeys) + Self.keys
    var candidates: [(key: String?, dictionary: Int)] = []
    var values: [PickleValue] = []
    for key in places {
      guard let value = pickle.lookUp(key, in: top, atMost: .max) else { continue }
      values.append(value)
      if case .dictionary(let inner) = value { candidates.append((key, inner)) }
    }
    let found = (candidates + [(nil, top)]).first { candidate in
      pickle.dictionaries[candidate.dictionary].contains { entry in
        switch entry.value {
        case .tensor, .array: true
        default: false
        }
      }
    }
    guard let found else {
      let inner = candidates.flatMap { pickle.dictionaries[$0.dictionary].map(\.value) }
      for case .placeholder(let problem) in values + inner {
        throw file.error(pickle.problems[problem])
      }
      let keys = pickle.dictionaries[top].compactMap { entry in
        if case .text(let key, _) = entry.key { key } else { nil }
      }
      throw file.error(.noTensors(keys: keys))
    }
    (key, dictionary) = found
  }

  /// The checkpoint that has these tensors.
  ///
  /// - Parameters:
  ///   - format: the file's.
  ///   - locate: where the bytes of a storage lie, given their number.
  /// - Returns: the checkpoint.
  /// - Throws: as `tensors` does.
  func checkpoint(
    _ format: Checkpoint.Format,
    locate: (PickledStorage, Int) throws(CheckpointError) -> FileRange
  ) throws(CheckpointError) -> Checkpoint {
    Checkpoint(
      files: [file], format: format, tensors: try tensors(locate: locate), key: key,
      notes: CheckpointNotes(file, pickle))
  }

  /// The tensors by name; numbers, texts and containers among them (extra state of modules) are left out.
  ///
  /// - Parameter locate: where the bytes of a storage lie, given their number.
  /// - Returns: the tensors.
  /// - Throws: `CheckpointError` for one that does not lie in its storage, for an object of a foreign class among
  ///   the tensors, and what `locate` throws.
  private func tensors(
    locate: (PickledStorage, Int) throws(CheckpointError) -> FileRange
  ) throws(CheckpointError) -> [String: CheckpointTensor] {
    var tensors: [String: CheckpointTensor] = [:]
    for entry in pickle.dictionaries[dictionary] {
      if case .placeholder(let problem) = entry.key { throw file.error(pickle.problems[problem]) }
      guard case .text(let name?, _) = entry.key else { continue }
      switch entry.value {
      case .tensor(let index):
        tensors[name] = try tensor(name, pickle.tensors[index], locate: locate)
      case .array(let index):
        tensors[name] = try tensor(name, pickle.arrays[index])
      case .placeholder(let problem):
        throw file.error(pickle.problems[problem])
      default:
        continue
      }
    }
    return tensors
  }

  private func tensor(
    _ name: String, _ content: PickledArray.Content
  ) throws(CheckpointError) -> CheckpointTensor {
    switch content {
    case .nothing:
      throw file.error(.malformed("array '\(name)' was never filled"))
    case .placeholder(let problem):
      throw file.error(pickle.problems[problem])
    case .numbers(let array):
      return try CheckpointTensor(
        file, name: name, shape: array.shape,
        strides: array.isFortranOrder ? fortranStrides(array.shape) : nil,
        elementType: array.elementType, range: array.range, encoding: array.encoding)
    }
  }

  private func tensor(
    _ name: String, _ tensor: PickledTensor,
    locate: (PickledStorage, Int) throws(CheckpointError) -> FileRange
  ) throws(CheckpointError) -> CheckpointTensor {
    let storage = tensor.storage
    let width = storage.elementType.bitCount / 8
    let (byteCount, overflow) = storage.elementCount.multipliedReportingOverflow(by: width)
    guard !overflow, tensor.offset <= storage.elementCount else {
      throw file.error(
        .malformed("tensor '\(name)' starts at \(tensor.offset) of \(storage.elementCount) numbers")
      )
    }
    var range = try locate(storage, byteCount)
    range.offset += tensor.offset * width
    range.count -= tensor.offset * width
    return try CheckpointTensor(
      file, name: name, shape: tensor.shape, strides: tensor.strides,
      elementType: storage.elementType, range: range)
  }

  /// Steps of column-major order. They wrap for a forged shape whose product no Int holds, which is refused later.
  private func fortranStrides(_ shape: [Int]) -> [Int] {
    var step = 1
    return shape.map { size in
      defer { step &*= size }
      return step
    }
  }
}
