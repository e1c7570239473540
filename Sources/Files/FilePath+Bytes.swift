import SystemPackage

extension FilePath {
  /// A path from its bytes, which need not be UTF-8. `bytes` must not hold a zero.
  public init(bytes: some Sequence<UInt8>) {
    var characters = bytes.map { CChar(bitPattern: $0) }
    precondition(!characters.contains(0), "a path with a zero byte")
    characters.append(0)
    self.init(platformString: characters)
  }

  /// The bytes the system knows the file by.
  public var bytes: [UInt8] {
    withPlatformString { characters in
      [UInt8](UnsafeRawBufferPointer(start: characters, count: length))
    }
  }

  /// Whether there is a directory, or a link that leads to one; false too where one may not look.
  public var isDirectory: Bool { (try? Stat(self))?.type == .directory }

  /// Whether there is something of this name that this process may read.
  public var isReadable: Bool {
    // Whatever the reason why not: it cannot be used.
    guard let file = try? FileDescriptor.open(self, .readOnly, options: .closeOnExec) else {
      return false
    }
    // Nothing was written: closing cannot lose anything.
    try? file.close()
    return true
  }

  /// A hidden path in the same folder, for what is to be moved here once it is whole, `.NAME.NUMBER.tmp`;
  /// nil where the path ends in no name.
  ///
  /// Nobody else comes by it. The number of the process would not do: it is 1 in every container that shares the folder.
  public var temporaryNeighbour: FilePath? { neighbour(called: "tmp") }

  /// The same for what is moved away from here meanwhile: `.NAME.NUMBER.old`.
  public var oldNeighbour: FilePath? { neighbour(called: "old") }

  private func neighbour(called word: String) -> FilePath? {
    guard let name = lastComponent else { return nil }
    // A name may be as long as a name can be: what is added must not make it too long.
    let stem = FilePath(root: nil, [name]).bytes.prefix(200)
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    return removingLastComponent()
      .pushing(FilePath(bytes: Array(".".utf8) + stem + Array(".\(number).\(word)".utf8)))
  }

  /// The path for a message: one line whatever is in the name, U+FFFD for what is not UTF-8.
  public var oneLine: String { oneLineText(bytes) }
}

/// The bytes as text on one line: control characters are written as escapes, what is not UTF-8 as U+FFFD.
public func oneLineText(_ bytes: some Collection<UInt8>) -> String {
  var text = ""
  for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
    switch scalar {
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    // The separators and the C1 controls break lines on some terminals.
    case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}":
      text += "\\u{" + String(scalar.value, radix: 16) + "}"
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text
}
