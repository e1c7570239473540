import SystemPackage

/// Lists of inputs in files.
enum WorklistFileList {
  /// The names in a list, empty ones left out. A list that holds a zero byte is one of names ended by zero bytes, as
  /// `find -print0` writes it; any other is one of lines. Of lines, a byte order mark before the first and the carriage
  /// returns of a list from Windows, where every line has one, are no part of the names.
  static func paths(in list: FilePath) throws(WorklistError) -> [FilePath] {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try contents(of: list)
    } catch .noSuchFileOrDirectory {
      throw .missing([list])
    } catch {
      throw .unreadableList(list, error)
    }
    if bytes.contains(0) { return bytes.split(separator: 0).map { FilePath(bytes: $0) } }
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let text = bytes.starts(with: mark) ? bytes[mark.count...] : bytes[...]
    var lines = text.split(separator: UInt8(ascii: "\n"))
    let isFromWindows = lines.dropLast().allSatisfy(Self.endsInCarriageReturn)
    if isFromWindows && lines.contains(where: Self.endsInCarriageReturn) {
      // The last line may have no end.
      lines = lines.map { Self.endsInCarriageReturn($0) ? $0.dropLast() : $0 }
    }
    return lines.filter { !$0.isEmpty }.map { FilePath(bytes: $0) }
  }

  private static func endsInCarriageReturn(_ line: ArraySlice<UInt8>) -> Bool {
    line.last == UInt8(ascii: "\r")
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
