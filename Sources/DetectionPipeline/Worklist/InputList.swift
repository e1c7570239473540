import Files
import SystemPackage

/// Lists of inputs in files.
enum InputList {
  /// More bytes than the names of any archive have: a hundred million of them.
  private static let limit = 8 << 30

  /// The names in a list, empty ones left out. A list that holds a zero byte is one of names ended by zero bytes, as
  /// `find -print0` writes it; any other is one of lines. Of lines, a byte order mark before the first and the carriage
  /// returns of a list from Windows, where every line has one, are no part of the names.
  static func paths(in list: FilePath) throws(WorklistError) -> [FilePath] {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes =
        list == "-"
        ? try WholeFile.read(.standardInput, limit: limit) : try WholeFile.read(list, limit: limit)
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
}
