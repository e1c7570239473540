import SystemPackage

/// Arguments as Swift text that keeps every byte. `CommandLine.arguments` turns bytes that are not UTF-8 into
/// U+FFFD, and a file of such a name could not be opened again. Here each such byte becomes one scalar of a
/// private plane (U+10FF00 + byte); where an argument itself has scalars of that range, their bytes are kept in
/// the same way, so that no two arguments look alike.
enum ArgumentBytes {
  private static let base: UInt32 = 0x10_ff00
  private static let escapes = base + 0x80...base + 0xff

  /// The arguments of this process after its name.
  static func ofProcess() -> [String] {
    (0..<Int(CommandLine.argc)).dropFirst().compactMap { index in
      CommandLine.unsafeArgv[index].map { encode(bytes(of: $0)) }
    }
  }

  /// Bytes as text that `decode` takes back.
  static func encode(_ bytes: [UInt8]) -> String {
    var text = String.UnicodeScalarView()
    var parser = Unicode.UTF8.ForwardParser()
    var source = bytes.makeIterator()
    var place = 0
    func keep(_ count: Int) {
      let kept = bytes[place..<place + count].compactMap { Unicode.Scalar(base + UInt32($0)) }
      text.append(contentsOf: kept)
      place += count
    }
    while true {
      switch parser.parseScalar(from: &source) {
      case .emptyInput:
        return String(text)
      case .error(let count):
        keep(count)
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        if escapes.contains(scalar.value) {
          keep(encoded.count)
        } else {
          text.append(scalar)
          place += encoded.count
        }
      }
    }
  }

  /// The bytes that `encode` made text of.
  static func decode(_ text: String) -> [UInt8] {
    text.unicodeScalars.flatMap { scalar -> [UInt8] in
      escapes.contains(scalar.value)
        ? [UInt8(scalar.value - base)] : Array(String(Character(scalar)).utf8)
    }
  }

  /// The path that an argument names.
  static func path(_ text: String) -> FilePath {
    FilePath(platformString: decode(text).map { CChar(bitPattern: $0) } + [0])
  }

  /// The text with U+FFFD for what is not UTF-8: for people.
  static func display(_ text: String) -> String {
    String(decoding: decode(text), as: UTF8.self)
  }

  private static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
    var count = 0
    while text[count] != 0 { count += 1 }
    return (0..<count).map { UInt8(bitPattern: text[$0]) }
  }
}
