import SystemPackage

/// Lists of inputs in files.
enum WorklistFileList {
  /// The names in a list, empty ones left out. A list that holds a zero byte is one of names ended by zero bytes, as
  /// `find -print0` writes it; any other is one of lines.
  static func paths(in list: FilePath) throws(WorklistError) -> [FilePath] {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try contents(of: list)
    } catch .noSuchFileOrDirectory {
      throw .missing([list])
    } catch {
      throw .unreadableList(list, error)
    }
    let separator: UInt8 = bytes.contains(0) ? 0 : UInt8(ascii: "\n")
    return bytes.split(separator: separator).map { FilePath(bytes: $0) }
  }

  private static func contents(of list: FilePath) throws(Errno) -> [UInt8] {
    do {
      if list == "-" { return try contents(of: FileDescriptor.standardInput) }
      let file = try FileDescriptor.open(list, .readOnly, options: .closeOnExec)
      return try file.closeAfter { try contents(of: file) }
    } catch let code as Errno {
      throw code
    } catch {
      preconditionFailure("swift-system throws Errno, not \(error)")
    }
  }

  private static func contents(of file: FileDescriptor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try block.withUnsafeMutableBytes { try file.read(into: $0) }
      if count == 0 { return bytes }
      bytes += block[..<count]
    }
  }
}
