// What the functions do that pickles of tensors may call.

extension Unpickler {
  /// REDUCE: the value of a call; of a call with a placeholder, that.
  mutating func call(
    _ callable: PickleCallable, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    // A number beside the tensors, which nobody asks for, whatever its type.
    if case .scalar = callable { return .none }
    for case .placeholder(let problem) in arguments.prefix(16) { return .placeholder(problem) }
    switch callable {
    case .orderedDictionary where arguments.isEmpty:
      result.dictionaries.append([])
      return .dictionary(result.dictionaries.count - 1)
    case .orderedDictionary where arguments.count == 1:
      // As Python 2 writes one: with its entries as a list of pairs.
      if let entries = try pairs(arguments[0]) {
        result.dictionaries.append(entries)
        return .dictionary(result.dictionaries.count - 1)
      }
    case .counter:
      if case .dictionary = arguments.first, arguments.count == 1 { return arguments[0] }
    case .size:
      if case .tuple = arguments.first, arguments.count == 1 { return arguments[0] }
    case .rebuildTensor:
      return try tensor(arguments)
    case .rebuildParameter:
      if case .tensor = arguments.first { return arguments[0] }
    case .reconstructArray:
      if case .callable(.arrayClass) = arguments.first {
        result.arrays.append(.nothing)
        return .array(result.arrays.count - 1)
      }
    case .arrayFromBuffer where arguments.count == 4:
      guard case .text(let order?, _) = arguments[3], ["C", "F"].contains(order) else { break }
      result.arrays.append(
        .numbers(
          try array(
            data: arguments[0], type: arguments[1], shape: arguments[2],
            isFortranOrder: order == "F")))
      return .array(result.arrays.count - 1)
    case .elementType:
      return try elementType(arguments)
    case .encodeText where arguments.count == 2:
      if case .text(_, let range) = arguments[0], case .text("latin1", _) = arguments[1] {
        return .latin1Bytes(range)
      }
    case .orderedDictionary, .storage, .arrayFromBuffer, .arrayClass, .scalar, .encodeText:
      break
    }
    return result.placeholder(
      .malformed("its pickle calls \(callable) with arguments that do not fit"))
  }

  /// The elements of a list of pairs, each a list or a tuple of two; nil where it is something else.
  private mutating func pairs(
    _ value: PickleValue
  ) throws(CheckpointError) -> [(key: PickleValue, value: PickleValue)]? {
    guard case .list(let list) = value else { return nil }
    copiedCount += result.lists[list].count
    guard copiedCount <= reader.position else {
      throw file.error(.unsupported("a list that many dictionaries are made of"))
    }
    var entries: [(key: PickleValue, value: PickleValue)] = []
    for element in result.lists[list] {
      let pair: [PickleValue]
      switch element {
      case .list(let index): pair = result.lists[index]
      case .tuple(let index): pair = result.tuples[index]
      default: return nil
      }
      guard pair.count == 2 else { return nil }
      entries.append((pair[0], pair[1]))
    }
    return entries
  }

  /// BUILD: gives an object its state.
  mutating func build(_ object: PickleValue, _ state: PickleValue) throws(CheckpointError) {
    switch (object, state) {
    case (.placeholder, _):
      break
    case (.dictionary, _):
      // PyTorch hangs the versions of modules on a state dict: attributes say nothing of the tensors.
      break
    case (.elementType, .tuple(let tuple)):
      let fields = result.tuples[tuple]
      guard fields.count >= 2, case .text(let order?, _) = fields[1] else {
        throw malformed("describes a type of numbers in an unknown way")
      }
      guard ["<", "|", "="].contains(order) else {
        throw file.error(.unsupported("arrays with byte order '\(order)'"))
      }
    case (.array(let index), .tuple(let tuple)):
      let fields = result.tuples[tuple]
      guard fields.count == 5, case .bool(let isFortranOrder) = fields[3] else {
        throw malformed("describes an array in an unknown way")
      }
      if case .placeholder(let problem) = fields[2] {
        result.arrays[index] = .placeholder(problem)
      } else {
        result.arrays[index] = .numbers(
          try array(
            data: fields[4], type: fields[2], shape: fields[1], isFortranOrder: isFortranOrder))
      }
    default:
      throw malformed("gives a state to something that has none")
    }
  }

  /// BINPERSID: ("storage", type, key, location, count), in old files with a sixth item for views; there also
  /// ("module", class, ...), for which the class stands.
  mutating func storage(_ identifier: PickleValue) throws(CheckpointError) -> PickleValue {
    guard case .tuple(let tuple) = identifier,
      case .text(let kind?, _)? = result.tuples[tuple].first
    else { throw malformed("refers to something that is no storage") }
    let fields = result.tuples[tuple]
    if fields.count > 1, case .placeholder = fields[1], ["storage", "module"].contains(kind) {
      return fields[1]
    }
    guard kind == "storage" else { throw malformed("refers to something that is no storage") }
    guard fields.count == 5 || fields.count == 6,
      case .callable(.storage(let elementType)) = fields[1], case .text(let key?, _) = fields[2],
      case .int(let count) = fields[4], count >= 0
    else { throw malformed("describes a storage in an unknown way") }
    if fields.count == 6 {
      guard case .none = fields[5] else { throw file.error(.unsupported("views of storages")) }
    }
    result.storages.append(
      PickledStorage(elementType: elementType, key: key, elementCount: count))
    return .storage(result.storages.count - 1)
  }

  /// (storage, offset, size, stride, ...): what follows concerns training.
  private mutating func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0],
      case .int(let offset) = arguments[1], offset >= 0,
      let shape = result.sizes(arguments[2]), let strides = result.sizes(arguments[3]),
      shape.count == strides.count
    else { throw malformed("describes a tensor in an unknown way") }
    result.tensors.append(
      PickledTensor(
        storage: result.storages[storage], offset: offset, shape: shape, strides: strides))
    return .tensor(result.tensors.count - 1)
  }

  private func array(
    data: PickleValue, type: PickleValue, shape: PickleValue, isFortranOrder: Bool
  ) throws(CheckpointError) -> PickledArray {
    guard let shape = result.sizes(shape), case .elementType(let elementType) = type else {
      throw malformed("describes an array in an unknown way")
    }
    let (range, encoding): (FileRange, CheckpointTensor.Encoding)
    switch data {
    case .bytes(let bytes), .text(_, let bytes): (range, encoding) = (bytes, .raw)
    case .latin1Bytes(let text): (range, encoding) = (text, .latin1Text)
    default: throw malformed("gives an array something else than bytes")
    }
    return PickledArray(
      elementType: elementType, shape: shape, isFortranOrder: isFortranOrder, range: range,
      encoding: encoding)
  }

  /// numpy's dtype("f4", False, True).
  private mutating func elementType(
    _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    guard case .text(let name?, _)? = arguments.first else {
      throw malformed("describes a type of numbers in an unknown way")
    }
    let types: [String: ElementType] = [
      "b1": .bool, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32,
      "i4": .int32, "u8": .uint64, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
    ]
    return types[name].map { .elementType($0) }
      ?? result.placeholder(.unsupported("arrays of numpy's type '\(name)'"))
  }
}
