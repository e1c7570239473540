/// Finds the named tensors in what a pickle built: at the top, or under `model` or `state_dict` of a training
/// checkpoint.
struct StateDictionary {
  private let file: CheckpointFile
  private let pickle: PickleResult
  private let dictionary: Int

  init(_ file: CheckpointFile, _ pickle: PickleResult) throws(CheckpointError) {
    self.file = file
    self.pickle = pickle
    guard case .dictionary(let top) = pickle.value else {
      throw file.error(.noTensors(keys: []))
    }
    var candidates = [top]
    for key in ["model", "state_dict"] {
      if case .dictionary(let inner) = pickle.lookUp(key, in: top, atMost: .max) {
        candidates.append(inner)
      }
    }
    let found = candidates.first { candidate in
      pickle.dictionaries[candidate].contains { entry in
        switch entry.value {
        case .tensor, .array: true
        default: false
        }
      }
    }
    guard let found else {
      let keys = pickle.dictionaries[top].compactMap { entry in
        if case .text(let key, _) = entry.key { key } else { nil }
      }
      throw file.error(.noTensors(keys: keys))
    }
    dictionary = found
  }

  /// Whether the numbers are numpy arrays.
  var hasArrays: Bool {
    pickle.dictionaries[dictionary].contains {
      if case .array = $0.value { true } else { false }
    }
  }

  /// The tensors by name; other entries (extra state of modules) are left out.
  ///
  /// - Parameter locate: where the bytes of a storage lie, given their number.
  /// - Returns: the tensors.
  /// - Throws: `CheckpointError` for one that does not lie in its storage, and what `locate` throws.
  func tensors(
    locate: (PickledStorage, Int) throws(CheckpointError) -> FileRange
  ) throws(CheckpointError) -> [String: CheckpointTensor] {
    var tensors: [String: CheckpointTensor] = [:]
    for entry in pickle.dictionaries[dictionary] {
      guard case .text(let name?, _) = entry.key else { continue }
      switch entry.value {
      case .tensor(let index):
        tensors[name] = try tensor(name, pickle.tensors[index], locate: locate)
      case .array(let index):
        guard let array = pickle.arrays[index] else {
          throw file.error(.malformed("array '\(name)' was never filled"))
        }
        tensors[name] = try CheckpointTensor(
          file, name: name, shape: array.shape,
          strides: array.isFortranOrder ? fortranStrides(array.shape) : nil,
          elementType: array.elementType, range: array.range, encoding: array.encoding)
      default:
        continue
      }
    }
    return tensors
  }

  /// PyTorch's versions of modules: {prefix: {"version": number}}.
  var moduleVersions: [String: Int] {
    guard case .dictionary(let modules) = pickle.moduleVersions[dictionary] else { return [:] }
    var versions: [String: Int] = [:]
    for entry in pickle.dictionaries[modules] {
      if case .text(let module?, _) = entry.key, case .dictionary(let fields) = entry.value,
        case .int(let version) = pickle.lookUp("version", in: fields)
      {
        versions[module] = version
      }
    }
    return versions
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
