/// What a pickled checkpoint says beside its tensors, as far as it is made of plain values: labels, a training's
/// settings. A path is the keys that lead to a value through dictionaries, `["meta", "CLASSES"]` for instance.
///
/// What was an object of some class in the program that wrote the file is not there. Nothing is built ahead: each call
/// reads one value, so that a forged file can make one call no larger than itself.
public struct CheckpointNotes: Sendable {
  /// A value without others in it.
  public enum Value: Equatable, Sendable {
    case none
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
  }

  /// The longest text that is read: a training's whole configuration is a tenth of it.
  private static let maxTextByteCount = 1 << 20
  /// The most elements that are read.
  private static let maxCount = 1 << 16

  private let pickle: PickleResult?
  private let file: CheckpointFile?

  /// Of a file that says nothing.
  static let empty = CheckpointNotes(file: nil, pickle: nil)

  init(_ file: CheckpointFile, _ pickle: PickleResult) {
    self.init(file: file, pickle: pickle)
  }

  private init(file: CheckpointFile?, pickle: PickleResult?) {
    self.file = file
    self.pickle = pickle
  }

  /// Whether anything stands there, also what is not read.
  public func contains(_ path: [String]) -> Bool { find(path) != nil }

  /// A value; nil where there is none, or something else.
  public func value(_ path: [String]) -> Value? { find(path).flatMap(plain) }

  /// A text; nil where there is none.
  public func text(_ path: [String]) -> String? {
    if case .text(let text)? = value(path) { text } else { nil }
  }

  /// A list or tuple of plain values; nil where there is none, or where one of them is something else.
  public func values(_ path: [String]) -> [Value]? {
    guard let pickle, let found = find(path) else { return nil }
    let elements: [PickleValue]
    switch found {
    case .list(let index): elements = pickle.lists[index]
    case .tuple(let index): elements = pickle.tuples[index]
    default: return nil
    }
    guard elements.count <= Self.maxCount else { return nil }
    let values = elements.compactMap(plain)
    return values.count == elements.count ? values : nil
  }

  /// The plain values of a dictionary by their keys, in their order; nil where there is none, or where a key is
  /// something else. An entry that is no plain value is left out.
  public func entries(_ path: [String]) -> [(key: Value, value: Value)]? {
    guard let pickle, case .dictionary(let index)? = find(path) else { return nil }
    let entries = pickle.dictionaries[index]
    guard entries.count <= Self.maxCount else { return nil }
    let read = entries.map { (key: plain($0.key), value: plain($0.value)) }
    guard read.allSatisfy({ $0.key != nil }) else { return nil }
    return read.compactMap { entry in
      entry.key.flatMap { key in entry.value.map { (key: key, value: $0) } }
    }
  }

  private func find(_ path: [String]) -> PickleValue? {
    guard let pickle else { return nil }
    var value = pickle.value
    for key in path {
      guard case .dictionary(let index) = value,
        let next = pickle.lookUp(key, in: index, atMost: Self.maxCount)
      else { return nil }
      value = next
    }
    return value
  }

  private func plain(_ value: PickleValue) -> Value? {
    switch value {
    case .none: Value.none
    case .bool(let flag): .flag(flag)
    case .int(let number): .integer(number)
    case .float(let number): .number(number)
    case .text(let text?, _): .text(text)
    case .text(nil, let range): longText(range)
    default: nil
    }
  }

  private func longText(_ range: FileRange) -> Value? {
    guard let file, range.count <= Self.maxTextByteCount else { return nil }
    // A file that cannot be read any more says so when its tensors are asked for.
    let bytes = try? file.bytes(at: range.offset, count: range.count)
    return bytes.flatMap { String(validating: $0, as: UTF8.self) }.map { .text($0) }
  }
}
