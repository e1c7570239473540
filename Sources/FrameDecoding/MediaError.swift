/// Why an input could not be read, in the two kinds that decide what happens to it next time.
public struct MediaError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Data failures stay as they are until the file changes; access failures may pass.
  public enum Kind: Sendable {
    /// The bytes were read and cannot be decoded.
    case data
    /// The bytes could not be read: permission, I/O, vanished, a read that blocked too long.
    case access
  }

  /// Which of the two.
  public let kind: Kind
  /// What went wrong, in FFmpeg's or the system's words, without the file's name.
  public let reason: String
  /// It is the decoder that came to its end, not the input: nobody knows what would have followed.
  public let isDeathOfDecoder: Bool

  /// Creates an error; `reason` must not contain the file's name, which the caller knows and adds.
  public init(_ kind: Kind, _ reason: String, isDeathOfDecoder: Bool = false) {
    self.kind = kind
    self.reason = reason
    self.isDeathOfDecoder = isDeathOfDecoder
  }

  /// The reason.
  public var description: String { reason }
}
