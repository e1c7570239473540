/// Where a text is not JSON, or not the JSON that its reader takes.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, as a clause: "there should be a ':'".
  public var problem: String
  /// Bytes before the place.
  public var offset: Int

  /// Creates an error from its parts.
  public init(_ problem: String, offset: Int) {
    self.problem = problem
    self.offset = offset
  }

  /// What is wrong, and after how many bytes.
  public var description: String { "\(problem) (byte \(offset))" }

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
