import Files
import SystemPackage

/// The name of an input: a path below some directory, with forward slashes, as bytes that need not be UTF-8.
///
/// It is what records carry as `source` and where the input's records are written, `OUT/<source>.jsonl`; so it never
/// leads out of the output directory, nor into its state.
public struct SourceName: Hashable, Comparable, Sendable {
  /// The name's bytes: components joined by single slashes, none of them empty, `.` or `..`.
  public let bytes: [UInt8]

  /// Checks and normalises a path: `.` components and doubled or trailing slashes are dropped.
  ///
  /// - Throws: `SourceNameError` for an empty name, an absolute path, a `..`, a zero byte and for what would be
  ///   written into the output directory's own state.
  public init(bytes path: [UInt8]) throws(SourceNameError) {
    func refused(_ problem: String) -> SourceNameError {
      SourceNameError(name: oneLineText(path), problem: problem)
    }
    if Self.isNormal(path) {
      bytes = path
      return
    }
    if path.contains(0) { throw refused("it holds a zero byte") }
    if path.first == UInt8(ascii: "/") { throw refused("it is an absolute path") }
    let components = path.split(separator: UInt8(ascii: "/")).filter { $0 != Self.current }
    if components.isEmpty { throw refused("it is empty") }
    if components.contains(Self.parent) {
      throw refused("it leads out of its directory with '..'")
    }
    if components[0] == Self.state {
      throw refused("'\(OutputDirectory.stateName)' is where an output directory keeps its state")
    }
    bytes = Array(components.joined(separator: CollectionOfOne(UInt8(ascii: "/"))))
  }

  /// Whether a path is a name already, found out in one pass: archives have a million of them. False also where a
  /// component begins with a dot, which takes a closer look.
  private static func isNormal(_ path: [UInt8]) -> Bool {
    path.withUnsafeBufferPointer { bytes in
      var isStart = true
      for byte in bytes {
        switch byte {
        case 0: return false
        case UInt8(ascii: "/"):
          if isStart { return false }
          isStart = true
        case UInt8(ascii: "."):
          if isStart { return false }
        default: isStart = false
        }
      }
      return !isStart
    }
  }

  private static let current = Array(".".utf8)[...]
  private static let parent = Array("..".utf8)[...]
  private static let state = Array(OutputDirectory.stateName.utf8)[...]

  /// As `init(bytes:)`, from text.
  public init(_ text: String) throws(SourceNameError) { try self.init(bytes: Array(text.utf8)) }

  /// The name as text, with U+FFFD for what is not UTF-8.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether `text` says it all: the bytes are UTF-8.
  public var isText: Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// The name for a message: one line whatever is in it.
  public var oneLine: String { oneLineText(bytes) }

  /// The name as a path, relative to whatever directory it is to be found in.
  public var path: FilePath { FilePath(bytes: bytes) }

  /// A hash that is the same in every run, on every machine and in every version, for partitions: FNV-1a of 64 bits
  /// over the bytes, then SplitMix64's finaliser, since the low bits of FNV alone follow the last byte.
  public var stableHash: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes {
      // Arithmetic modulo 2^64 is the definition.
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
    return hash ^ (hash >> 31)
  }

  /// All bytes at once: an array would hash them one by one, five times slower.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }

  /// By bytes.
  public static func < (left: SourceName, right: SourceName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// Why an input cannot have a name.
public struct SourceNameError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name, on one line.
  public let name: String
  /// What is wrong with it.
  public let problem: String

  /// Creates an error from its parts.
  public init(name: String, problem: String) {
    self.name = name
    self.problem = problem
  }

  /// One line: what, on what.
  public var description: String { "'\(name)' cannot be the name of an input: \(problem)" }
}
