/// Runs a pickle (Python's `pickletools`, protocols 0 to 5) as far as it builds tensors and plain containers. Any other
/// class that it names is a word here: what Python would make with it becomes a placeholder, whatever is called with it
/// or given to it, and nothing is looked up, made or run.
///
/// Memory is in proportion to the pickle's length: texts longer than a name and all numbers stay in the file.
struct Unpickler {
  /// R152 with Adam's state takes 200 000. Each can take a hundred bytes of memory: as many as there may be 100 MiB.
  private static let maxInstructionCount = 1 << 20
  /// Longer texts are no names.
  static let maxTextByteCount = 4096

  let file: CheckpointFile
  var reader: PickleReader
  var result = PickleResult()
  var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// Entries of dictionaries that were copied from lists: no more than bytes were read, or a list that many dictionaries
  /// are made of would take more memory than the file.
  var copiedCount = 0

  /// Whether a file that begins so can be a pickle of a dictionary: protocol 2 and later say their number; 1 begins with
  /// an empty dictionary that is stored, 0 with a mark and a dictionary that is.
  static func canBegin(_ start: [UInt8]) -> Bool {
    if start.count >= 2, start[0] == PickleInstruction.proto.rawValue { return start[1] <= 5 }
    return start.starts(with: Array("}q".utf8)) || start.starts(with: Array("(dp".utf8))
  }

  /// Runs the pickle that begins at the range's start.
  static func run(
    _ file: CheckpointFile, _ range: FileRange
  ) throws(CheckpointError) -> PickleResult {
    var unpickler = Unpickler(file: file, reader: PickleReader(file, range))
    try unpickler.run()
    return unpickler.result
  }

  private init(file: CheckpointFile, reader: PickleReader) {
    self.file = file
    self.reader = reader
  }

  private mutating func run() throws(CheckpointError) {
    for _ in 0..<Self.maxInstructionCount {
      let position = reader.position
      let code = try reader.byte()
      guard let instruction = PickleInstruction(rawValue: code) else {
        let digits = String(code, radix: 16)
        throw file.error(
          .unsupported("the pickle instruction 0x\(digits) at byte \(position)"))
      }
      if instruction == .stop {
        result.value = try pop()
        result.end = reader.position
        return
      }
      try perform(instruction)
    }
    throw file.error(
      .unsupported("a pickle of more than \(Self.maxInstructionCount) instructions"))
  }

  private mutating func perform(_ instruction: PickleInstruction) throws(CheckpointError) {
    switch instruction {
    case .stop: break
    case .proto:
      let version = try reader.byte()
      guard (0...5).contains(version) else {
        throw file.error(.unsupported("pickle protocol \(version)"))
      }
    case .frame: _ = try reader.number(bytes: 8)
    case .mark: marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()

    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.int(try reader.signedNumber()))
    case .binInt1: stack.append(.int(Int(try reader.byte())))
    case .binInt2: stack.append(.int(Int(try reader.number(bytes: 2))))
    case .long1: stack.append(try longNumber(count: UInt64(try reader.byte())))
    case .long4: stack.append(try longNumber(count: try reader.number(bytes: 4)))
    case .binFloat:
      // The one number in pickles that has its most significant byte first.
      let bits = try reader.number(bytes: 8).byteSwapped
      stack.append(.float(Double(bitPattern: bits)))

    case .shortBinUnicode, .shortBinString: try pushText(count: UInt64(try reader.byte()))
    case .binUnicode, .binString: try pushText(count: try reader.number(bytes: 4))
    case .binUnicode8: try pushText(count: try reader.number(bytes: 8))
    case .shortBinBytes: stack.append(.bytes(try reader.skip(UInt64(try reader.byte()))))
    case .binBytes: stack.append(.bytes(try reader.skip(try reader.number(bytes: 4))))
    case .binBytes8, .byteArray8:
      stack.append(.bytes(try reader.skip(try reader.number(bytes: 8))))

    case .emptyTuple: pushTuple([])
    case .tuple1: pushTuple(try pop(1))
    case .tuple2: pushTuple(try pop(2))
    case .tuple3: pushTuple(try pop(3))
    case .tuple: pushTuple(try popToMark())
    case .emptyList:
      result.lists.append([])
      stack.append(.list(result.lists.count - 1))
    case .append: try appendToList(try pop(1))
    case .appends: try appendToList(try popToMark())
    case .emptySet: stack.append(result.placeholder(.unsupported("a set in place of a tensor")))
    case .addItems:
      _ = try popToMark()
      guard case .placeholder = try top() else { throw malformed("adds to no set") }
    case .frozenSet:
      _ = try popToMark()
      stack.append(result.placeholder(.unsupported("a set in place of a tensor")))
    case .emptyDict: pushDictionary([])
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())

    case .binPut: memo[Int(try reader.byte())] = try top()
    case .longBinPut: memo[Int(try reader.number(bytes: 4))] = try top()
    case .memoize: memo[memo.count] = try top()
    case .binGet: try recall(Int(try reader.byte()))
    case .longBinGet: try recall(Int(try reader.number(bytes: 4)))

    case .global:
      let module = try reader.line()
      try pushCallable(module: module, name: try reader.line())
    case .stackGlobal:
      guard case .text(let name?, _) = try pop(), case .text(let module?, _) = try pop() else {
        throw malformed("names a class by something else than texts")
      }
      try pushCallable(module: module, name: name)
    case .reduce, .newObject: stack.append(try make(try pop(2)))
    case .newObjectWithKeys:
      let values = try pop(3)
      // Nothing that is built here is made with keywords.
      guard case .placeholder = values[0] else { throw malformed("makes an object of no class") }
      stack.append(values[0])
    case .build:
      let state = try pop()
      try build(try top(), state)
    case .binPersId: stack.append(try storage(try pop()))

    case .dup: stack.append(try top())
    case .int, .long, .float: stack.append(try writtenNumber(instruction))
    case .string, .unicode: try pushWrittenText(isQuoted: instruction == .string)
    case .put: memo[try writtenIndex()] = try top()
    case .get: try recall(try writtenIndex())
    case .list:
      result.lists.append(try popToMark())
      stack.append(.list(result.lists.count - 1))
    case .dict:
      pushDictionary([])
      // Beneath its entries, as if it had been made before them.
      let dictionary = try pop()
      let entries = try popToMark()
      stack.append(dictionary)
      try setItems(entries)
    case .inst:
      let module = try reader.line()
      try pushCallable(module: module, name: try reader.line())
      let callable = try pop()
      pushTuple(try popToMark())
      stack.append(try make([callable, try pop()]))
    case .obj:
      let values = try popToMark()
      guard let callable = values.first else { throw malformed("makes an object of no class") }
      pushTuple(Array(values.dropFirst()))
      stack.append(try make([callable, try pop()]))
    case .persId:
      _ = try reader.skipLine()
      stack.append(result.placeholder(.unsupported("a storage that is named by a text")))
    }
  }
}

extension Unpickler {
  func malformed(_ what: String) -> CheckpointError {
    file.error(.malformed("its pickle \(what)"))
  }

  private func top() throws(CheckpointError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw malformed("uses a value that is not there")
    }
    return value
  }

  private mutating func pop() throws(CheckpointError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(CheckpointError) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw malformed("uses a value that is not there")
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw malformed("uses a mark that is not there") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ index: Int) throws(CheckpointError) {
    guard let value = memo[index] else { throw malformed("recalls what it never stored") }
    stack.append(value)
  }

  private mutating func longNumber(count: UInt64) throws(CheckpointError) -> PickleValue {
    guard count <= 8 else {
      _ = try reader.skip(count)
      return result.placeholder(.unsupported("a whole number of \(count) bytes in its pickle"))
    }
    guard count > 0 else { return .int(0) }
    let bits = try reader.number(bytes: Int(count))
    // Two's complement of `count` bytes: shifted up and back, the sign comes along.
    let shift = 64 - 8 * count
    return .int(Int(truncatingIfNeeded: Int64(bitPattern: bits << shift) >> Int64(shift)))
  }

  private mutating func pushText(count: UInt64) throws(CheckpointError) {
    if count > Self.maxTextByteCount {
      stack.append(.text(nil, try reader.skip(count)))
    } else {
      let range = FileRange(offset: reader.position, count: Int(count))
      let text = String(decoding: try reader.bytes(range.count), as: UTF8.self)
      stack.append(.text(text, range))
    }
  }

  private mutating func pushTuple(_ values: [PickleValue]) {
    result.tuples.append(values)
    stack.append(.tuple(result.tuples.count - 1))
  }

  private mutating func pushDictionary(_ entries: [(key: PickleValue, value: PickleValue)]) {
    result.dictionaries.append(entries)
    stack.append(.dictionary(result.dictionaries.count - 1))
  }

  private mutating func appendToList(_ values: [PickleValue]) throws(CheckpointError) {
    switch try top() {
    case .list(let list): result.lists[list] += values
    case .placeholder: break
    default: throw malformed("appends to no list")
    }
  }

  private mutating func setItems(_ values: [PickleValue]) throws(CheckpointError) {
    guard values.count % 2 == 0 else { throw malformed("sets a key without a value") }
    switch try top() {
    case .dictionary(let dictionary):
      for index in stride(from: 0, to: values.count, by: 2) {
        result.dictionaries[dictionary].append((values[index], values[index + 1]))
      }
    case .placeholder: break
    default: throw malformed("sets items of no dictionary")
    }
  }

  private mutating func pushCallable(module: String, name: String) throws(CheckpointError) {
    stack.append(
      PickleCallable(module: module, name: name).map { .callable($0) }
        ?? result.placeholder(.refusedClass("\(module).\(name)")))
  }

  /// What a class or function (the first value) makes of arguments (the second).
  private mutating func make(_ values: [PickleValue]) throws(CheckpointError) -> PickleValue {
    switch (values[0], values[1]) {
    case (.placeholder, _):
      return values[0]
    case (.callable(let callable), .tuple(let tuple)):
      return try call(callable, result.tuples[tuple])
    default:
      throw malformed("calls something else than a function")
    }
  }
}
