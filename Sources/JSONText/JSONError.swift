/// Where a text is not JSON, or not the JSON that its reader takes.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Bytes before the place.
  public var offset: Int
  /// What should be there, as "':'" or "a whole number".
  public var expected: String

  /// Creates an error from its parts.
  public init(offset: Int, expected: String) {
    self.offset = offset
    self.expected = expected
  }

  /// Without the place in lines.
  public var description: String { "byte \(offset) is not \(expected)" }

  /// The place as people count: line and column from 1, the column in bytes.
  ///
  /// - Parameter bytes: The text that was read.
  /// - Returns: The line and the column.
  public func place(in bytes: UnsafeRawBufferPointer) -> (line: Int, column: Int) {
    let before = bytes.prefix(offset)
    let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return (before.count { $0 == 0x0a } + 1, before.count - start + 1)
  }
}
