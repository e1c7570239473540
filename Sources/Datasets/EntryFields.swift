import JSONText

/// Reads the fields of one JSON object, one after another; a fault names the object and the field.
///
///     var fields = try EntryFields(scanner)
///     while let key = try fields.next() {
///       switch key {
///       case "id": id = try fields.wholeNumber("id")
///       default: try fields.skip()
///       }
///     }
package struct EntryFields {
  /// Behind what has been read.
  package private(set) var scanner: JSONScanner
  /// Before the object.
  private let start: JSONScanner
  /// The list that the object is an entry of; nil for a file's outermost object.
  private let list: String?
  private let index: Int

  /// Opens the fields of the object that is next.
  ///
  /// - Parameters:
  ///   - scanner: Before the object.
  ///   - list: The list that it is an entry of; nil for a file's outermost object.
  ///   - index: Which entry.
  ///   - otherwise: What is said where there is no object.
  /// - Throws: `EntryFault`, or `JSONError` where there is no value at all.
  package init(
    _ scanner: JSONScanner, list: String? = nil, index: Int = 0,
    otherwise: String = "must be an object"
  ) throws {
    self.scanner = scanner
    start = scanner
    self.list = list
    self.index = index
    do { try self.scanner.beginObject() } catch { throw try fault(otherwise, at: scanner) }
  }

  /// Goes to the next field, which has to be read or skipped before the next call.
  ///
  /// - Returns: Its key; nil at the end of the object.
  package mutating func next() throws(JSONError) -> JSONString? { try scanner.nextKey() }

  /// Passes over the field.
  package mutating func skip() throws(JSONError) { try scanner.skipValue() }

  /// Reads the field.
  ///
  /// - Parameters:
  ///   - key: Its name in a fault.
  ///   - kind: What it has to be, as "a number".
  ///   - read: Reads it.
  /// - Returns: What `read` returns.
  /// - Throws: `EntryFault`, or `JSONError` where there is no value at all.
  package mutating func value<Value>(
    _ key: String, _ kind: String, _ read: (inout JSONScanner) throws(JSONError) -> Value
  ) throws -> Value {
    let before = scanner
    do throws(JSONError) {
      return try read(&scanner)
    } catch {
      throw try fault("\"\(key)\" must be \(kind)", at: before)
    }
  }

  /// Reads the field; nil where it is null.
  package mutating func optional<Value>(
    _ key: String, _ kind: String, _ read: (inout JSONScanner) throws(JSONError) -> Value
  ) throws -> Value? {
    try scanner.takeNull() ? nil : value(key, kind, read)
  }

  /// Reads a whole number, as ids are.
  package mutating func wholeNumber(_ key: String) throws -> Int {
    try value(key, "a whole number") { (scanner) throws(JSONError) in
      try scanner.readWholeNumber()
    }
  }

  /// Reads a whole number or null.
  package mutating func optionalWholeNumber(_ key: String) throws -> Int? {
    try scanner.takeNull() ? nil : wholeNumber(key)
  }

  /// Reads a number.
  package mutating func number(_ key: String) throws -> Double {
    try value(key, "a number") { (scanner) throws(JSONError) in try scanner.readNumber().double }
  }

  /// Reads a text or null.
  package mutating func optionalText(_ key: String) throws -> String? {
    try optional(key, "text") { (scanner) throws(JSONError) in try scanner.readString().text }
  }

  /// Reads a box [x, y, width, height].
  package mutating func box(_ key: String) throws -> COCOBox {
    let kind = "four numbers [x, y, width, height]"
    let values = try value(key, kind) { (scanner) throws(JSONError) in
      var values: [Double] = []
      try scanner.beginArray()
      while try scanner.nextElement() { values.append(try scanner.readNumber().double) }
      return values
    }
    guard values.count == 4 else {
      throw fault("\"\(key)\" has \(values.count) numbers, not \(kind)")
    }
    return COCOBox(x: values[0], y: values[1], width: values[2], height: values[3])
  }

  /// Reads a list of objects.
  package mutating func entries<Entry>(
    _ key: String, _ read: (inout EntryFields) throws -> Entry
  ) throws -> [Entry] {
    try value(key, "a list") { (scanner) throws(JSONError) in try scanner.beginArray() }
    return try scanner.entries(of: key, read)
  }

  /// A fault of this entry.
  package func fault(_ problem: String) -> EntryFault { EntryFault(place: place, problem: problem) }

  /// The fault of an entry that lacks a field.
  package func lacks(_ key: String) -> EntryFault { fault("has no \"\(key)\"") }

  /// A fault of this entry, or of the text, where there is no value at all.
  private func fault(_ problem: String, at scanner: JSONScanner) throws(JSONError) -> EntryFault {
    var scanner = scanner
    try scanner.skipValue()
    return fault(problem)
  }

  /// For example `annotations[17] (id 123)`; entries whose id is unreadable are named by their index alone.
  private var place: String? {
    guard let list else { return nil }
    var probe = start
    let id = try? probe.id()
    return "\(list)[\(index)]" + ((id ?? nil).map { " (id \($0))" } ?? "")
  }
}

extension JSONScanner {
  /// Reads the objects of a list whose beginning has been read.
  ///
  /// - Parameters:
  ///   - list: Its name in faults.
  ///   - read: Reads all fields of an object.
  /// - Returns: What `read` returns, one after another.
  /// - Throws: `EntryFault` and `JSONError`.
  package mutating func entries<Entry>(
    of list: String, _ read: (inout EntryFields) throws -> Entry
  ) throws -> [Entry] {
    var entries: [Entry] = []
    while try nextElement() {
      var fields = try EntryFields(self, list: list, index: entries.count)
      entries.append(try read(&fields))
      self = fields.scanner
    }
    return entries
  }

  /// The `id` of the object that is next.
  fileprivate mutating func id() throws(JSONError) -> Int? {
    try beginObject()
    while let key = try nextKey() {
      if key == "id" { return try readWholeNumber() }
      try skipValue()
    }
    return nil
  }
}
