/// A value that a pickle built. Containers are indices into the tables of `PickleResult`, so that a pickle can make
/// them hold one another, or itself, without anything that has to be freed level by level.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  /// A text, or bytes of Python 2, and where it stands; nil where it is too long to be a name.
  case text(String?, FileRange)
  case bytes(FileRange)
  /// Bytes written as a text of code points 0...255.
  case latin1Bytes(FileRange)
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case callable(PickleCallable)
  case elementType(ElementType)
  case storage(Int)
  case tensor(Int)
  case array(Int)
  /// Stands for what is not built, a set or an object of any other class for instance, and holds why: an error where
  /// tensors should be, of no interest elsewhere.
  case placeholder(Int)
}

/// What a pickle may ask for by name and get: all of it, with what is done for it in `Unpickler`.
enum PickleCallable {
  case orderedDictionary, counter
  case size
  case rebuildTensor, rebuildParameter
  case storage(ElementType)
  case reconstructArray, arrayFromBuffer, arrayClass, elementType, scalar
  case encodeText

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("collections", "Counter"): self = .counter
    case ("torch", "Size"): self = .size
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", "DoubleStorage"): self = .storage(.float64)
    case ("torch", "FloatStorage"): self = .storage(.float32)
    case ("torch", "HalfStorage"): self = .storage(.float16)
    case ("torch", "BFloat16Storage"): self = .storage(.bfloat16)
    case ("torch", "LongStorage"): self = .storage(.int64)
    case ("torch", "IntStorage"): self = .storage(.int32)
    case ("torch", "ShortStorage"): self = .storage(.int16)
    case ("torch", "CharStorage"): self = .storage(.int8)
    case ("torch", "ByteStorage"): self = .storage(.uint8)
    case ("torch", "BoolStorage"): self = .storage(.bool)
    case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
      self = .reconstructArray
    case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"):
      self = .scalar
    case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
      self = .arrayFromBuffer
    case ("numpy", "ndarray"): self = .arrayClass
    case ("numpy", "dtype"): self = .elementType
    case ("_codecs", "encode"): self = .encodeText
    default: return nil
    }
  }
}

/// Numbers of one type in a place that the container format knows by `key`.
struct PickledStorage {
  var elementType: ElementType
  var key: String
  var elementCount: Int
}

/// A view of a storage; offset and strides in elements.
struct PickledTensor {
  var storage: PickledStorage
  var offset: Int
  var shape: [Int]
  var strides: [Int]
}

/// A numpy array.
struct PickledArray {
  /// What a pickle has said of an array.
  enum Content {
    /// Nothing yet.
    case nothing
    case numbers(PickledArray)
    /// Something that no tensor is made of, by the index of its problem.
    case placeholder(Int)
  }

  var elementType: ElementType
  var shape: [Int]
  var isFortranOrder: Bool
  var range: FileRange
  var encoding: CheckpointTensor.Encoding
}

/// What a pickle built: its value, and the tables its containers lie in.
struct PickleResult {
  var value: PickleValue = .none
  var lists: [[PickleValue]] = []
  var tuples: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [PickledStorage] = []
  var tensors: [PickledTensor] = []
  var arrays: [PickledArray.Content] = []
  /// Why placeholders are placeholders.
  var problems: [CheckpointError.Problem] = []
  /// One past the pickle's last byte.
  var end = 0

  /// Something that is not built.
  mutating func placeholder(_ problem: CheckpointError.Problem) -> PickleValue {
    problems.append(problem)
    return .placeholder(problems.count - 1)
  }

  /// Sizes or strides: up to 16 whole numbers of a tuple or list; nil where it is something else.
  func sizes(_ value: PickleValue) -> [Int]? {
    let values: [PickleValue]
    switch value {
    case .tuple(let index): values = tuples[index]
    case .list(let index): values = lists[index]
    default: return nil
    }
    // A forged pickle could refer to one long list from a million tensors.
    guard values.count <= 16 else { return nil }
    var numbers: [Int] = []
    for case .int(let number) in values { numbers.append(number) }
    return numbers.count == values.count ? numbers : nil
  }

  /// The value of a text key; the last one where it stands several times, as in Python.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - dictionary: where to look.
  ///   - limit: larger dictionaries are not searched, because a forged pickle could have one large one searched a
  ///     million times.
  /// - Returns: nil where it is not there.
  func lookUp(_ key: String, in dictionary: Int, atMost limit: Int = 64) -> PickleValue? {
    let entries = dictionaries[dictionary]
    guard entries.count <= limit else { return nil }
    return entries.last {
      if case .text(key, _) = $0.key { true } else { false }
    }?.value
  }
}
