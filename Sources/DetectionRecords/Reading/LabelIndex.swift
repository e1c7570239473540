import JSONText

/// The labels of records by number, in the order in which they first came.
///
/// A label is looked up by the bytes that stand in the file: nothing is allocated for one that is known.
struct LabelIndex {
  /// Different labels that records may have: a bound on memory that no model comes near.
  static let limit = 100_000

  /// The labels by number.
  private(set) var labels: [String] = []
  /// The numbers by label.
  private var numbers: [String: Int] = [:]
  /// Of each spelling that was met (escapes make several of one label) its bytes and its number, in an open hash table:
  /// `slots` holds indices into `spellings`, or -1.
  private var spellings: [(bytes: [UInt8], number: Int)] = []
  private var slots = [Int32](repeating: -1, count: 64)

  /// The number of a label.
  ///
  /// - Throws: A fault where the string says nothing, or there are too many labels.
  @inline(__always)
  mutating func number(
    of label: JSONString, _ cursor: borrowing JSONScanner
  ) throws(JSONError) -> Int {
    if let number = known(label.bytes) { return number }
    return try added(label, cursor)
  }

  /// The number of a label that has come before in this spelling.
  @inline(__always)
  func known(_ label: UnsafeRawBufferPointer) -> Int? {
    var slot = slot(label)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if label.count == spellings[index].bytes.count, label.hasPrefix(spellings[index].bytes) {
        return spellings[index].number
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// FNV-1a.
  @inline(__always)
  private func slot(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    // Arithmetic modulo 2^64 is the definition.
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
  }

  private mutating func added(
    _ label: JSONString, _ cursor: borrowing JSONScanner
  ) throws(JSONError) -> Int {
    let text = label.text
    guard spellings.count < Self.limit else {
      throw cursor.error("there are more than \(Self.limit) different labels")
    }
    let number = numbers[text] ?? labels.count
    if number == labels.count {
      labels.append(text)
      numbers[text] = number
    }
    spellings.append((Array(label.bytes), number))
    if spellings.count * 2 > slots.count { slots = [Int32](repeating: -1, count: slots.count * 4) }
    // All of them where the table has grown, else the new one alone.
    let first = slots.contains { $0 >= 0 } ? spellings.count - 1 : 0
    for index in first..<spellings.count {
      var slot = spellings[index].bytes.withUnsafeBytes { self.slot($0) }
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index)
    }
    return number
  }
}
