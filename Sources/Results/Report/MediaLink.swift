import Files
import Glibc
import SystemPackage

/// Addresses of files as a page in a folder writes them: relative to the folder, so that a page and what it shows may be
/// moved together.
struct MediaLink {
  private let folder: [[UInt8]]
  private let workingDirectory: FilePath

  /// Links from pages in a folder.
  ///
  /// - Parameters:
  ///   - folder: where the page is; need not exist.
  ///   - workingDirectory: what relative paths count from, absolute.
  init(from folder: FilePath, workingDirectory: FilePath) {
    self.workingDirectory = workingDirectory
    self.folder = Self.components(folder, below: workingDirectory)
  }

  /// The address of a file. Every byte but letters, digits and `-._~/` is written as %XX, so that whatever the name
  /// is, it begins no scheme, ends no attribute and is a path.
  func address(of path: FilePath) -> String {
    let target = Self.components(path, below: workingDirectory)
    var shared = 0
    while shared < folder.count, shared < target.count - 1, folder[shared] == target[shared] {
      shared += 1
    }
    let up = Array(repeating: "..", count: folder.count - shared)
    return (up + target[shared...].map(Self.encodedName)).joined(separator: "/")
  }

  /// The directory that relative paths of this process count from; `/` where it has been removed.
  static func currentDirectory() -> FilePath {
    guard let characters = getcwd(nil, 0) else { return "/" }
    defer { free(characters) }
    return FilePath(platformString: characters)
  }

  /// The names that lead to a path from the root, without `.` and `..`, as browsers resolve addresses too.
  private static func components(_ path: FilePath, below directory: FilePath) -> [[UInt8]] {
    let whole = path.isAbsolute ? path : directory.pushing(path)
    var names: [[UInt8]] = []
    for name in whole.bytes.split(separator: UInt8(ascii: "/")) {
      if name.elementsEqual("..".utf8) {
        _ = names.popLast()
      } else if !name.elementsEqual(".".utf8) {
        names.append(Array(name))
      }
    }
    return names
  }

  /// A relative path as part of an address: its bytes percent-encoded, but for slashes.
  static func encoded(path: [UInt8]) -> String {
    path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { encodedName(Array($0)) }.joined(separator: "/")
  }

  private static func encodedName(_ name: [UInt8]) -> String {
    var text = ""
    for byte in name {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return text
  }
}
