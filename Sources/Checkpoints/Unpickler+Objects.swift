// What the functions do that pickles of tensors may call.

extension Unpickler {
  /// REDUCE: the value of a call.
  mutating func call(
    _ callable: PickleCallable, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    switch callable {
    case .orderedDictionary where arguments.isEmpty:
      result.dictionaries.append([])
      return .dictionary(result.dictionaries.count - 1)
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
        result.arrays.append(nil)
        return .array(result.arrays.count - 1)
      }
    case .arrayFromBuffer where arguments.count == 4:
      guard case .text(let order?, _) = arguments[3], ["C", "F"].contains(order) else { break }
      return .array(
        try addArray(
          data: arguments[0], type: arguments[1], shape: arguments[2],
          isFortranOrder: order == "F"))
    case .elementType:
      return .elementType(try elementType(arguments))
    case .encodeText where arguments.count == 2:
      if case .text(_, let range) = arguments[0], case .text("latin1", _) = arguments[1] {
        return .latin1Bytes(range)
      }
    case .orderedDictionary, .storage, .arrayFromBuffer, .arrayClass, .encodeText:
      break
    }
    throw malformed("calls \(callable) with arguments that do not fit")
  }

  /// BUILD: gives an object its state.
  mutating func build(_ object: PickleValue, _ state: PickleValue) throws(CheckpointError) {
    switch (object, state) {
    case (.dictionary(let dictionary), .dictionary(let attributes)):
      // PyTorch hangs the versions of the modules on the state dict; other attributes say nothing.
      result.moduleVersions[dictionary] = result.lookUp("_metadata", in: attributes)
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
      let made = try addArray(
        data: fields[4], type: fields[2], shape: fields[1], isFortranOrder: isFortranOrder)
      result.arrays[index] = result.arrays[made]
    default:
      throw malformed("gives a state to something that has none")
    }
  }

  /// BINPERSID: ("storage", type, key, location, count), in old files with a sixth item for views.
  mutating func storage(_ identifier: PickleValue) throws(CheckpointError) -> PickleValue {
    guard case .tuple(let tuple) = identifier,
      case .text("storage", _)? = result.tuples[tuple].first
    else { throw malformed("refers to something that is no storage") }
    let fields = result.tuples[tuple]
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

  private mutating func addArray(
    data: PickleValue, type: PickleValue, shape: PickleValue, isFortranOrder: Bool
  ) throws(CheckpointError) -> Int {
    guard let shape = result.sizes(shape), case .elementType(let elementType) = type else {
      throw malformed("describes an array in an unknown way")
    }
    let (range, encoding): (FileRange, CheckpointTensor.Encoding)
    switch data {
    case .bytes(let bytes), .text(_, let bytes): (range, encoding) = (bytes, .raw)
    case .latin1Bytes(let text): (range, encoding) = (text, .latin1Text)
    default: throw malformed("gives an array something else than bytes")
    }
    result.arrays.append(
      PickledArray(
        elementType: elementType, shape: shape, isFortranOrder: isFortranOrder, range: range,
        encoding: encoding))
    return result.arrays.count - 1
  }

  /// numpy's dtype("f4", False, True).
  private func elementType(_ arguments: [PickleValue]) throws(CheckpointError) -> ElementType {
    guard case .text(let name?, _)? = arguments.first else {
      throw malformed("describes a type of numbers in an unknown way")
    }
    switch name {
    case "b1": return .bool
    case "u1": return .uint8
    case "i1": return .int8
    case "u2": return .uint16
    case "i2": return .int16
    case "u4": return .uint32
    case "i4": return .int32
    case "u8": return .uint64
    case "i8": return .int64
    case "f2": return .float16
    case "f4": return .float32
    case "f8": return .float64
    default: throw file.error(.unsupported("arrays of numpy's type '\(name)'"))
    }
  }
}
