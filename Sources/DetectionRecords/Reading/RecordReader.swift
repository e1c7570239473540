import Files
import Glibc
import JSONText
import SystemPackage

/// The one reader of records: lines of files in order, in flat memory.
///
///     let reader = RecordReader(try RecordFiles(["detections"]))
///     while let line = try reader.next() {
///       if case .detections(let found) = line.record.outcome {
///         for detection in found { print(line.source.text, reader.labels[detection.classIndex]) }
///       }
///     }
///
/// It takes the lines that `RecordEncoder` writes and all that say the same (`FrameRecord` has the schema): keys in any
/// order, unknown keys passed over. Numbers that no picture or video could have, and sources that lead out of their
/// directory, are errors, so that whoever uses a record need not check it again. Labels are numbered in the order in
/// which they first come, over all files. Used by one thread at a time; several readers may run at once.
public final class RecordReader {
  /// Bytes that a line may have.
  public static let lineLimit = 64 << 20

  /// The labels that detections' `classIndex` counts, as far as they have come.
  public var labels: [String] { parser.labels.labels }

  /// Bytes of records read so far.
  public private(set) var bytesRead = 0

  private var files: RecordFiles
  private let isStopped: () -> Bool
  private var file: OpenRecordFile?
  private var parser = RecordParser()

  /// A reader of files, which are opened one after another.
  ///
  /// - Parameters:
  ///   - files: what is read.
  ///   - isStopped: asked now and then while nothing comes from standard input, which ends there if so: who stops it has
  ///     to ask after the last line, too.
  public init(_ files: RecordFiles, isStopped: @escaping () -> Bool = { false }) {
    self.files = files
    self.isStopped = isStopped
  }

  /// The next line of the file at hand, or the first one of the next file that has a line; nil after the last.
  ///
  /// - Throws: `RecordReadingError` that names the file, and the line where one is at fault.
  public func next() throws(RecordReadingError) -> RecordLine? {
    while true {
      if let file {
        if let bytes = try file.nextLine() {
          bytesRead += bytes.count
          do throws(JSONError) {
            let (source, record) = try parser.record(bytes)
            return RecordLine(
              source: source, record: record, file: file.file, number: file.lineNumber)
          } catch {
            // Who wrote it ended in the middle of a line, by the signal that ends this too.
            if file.file.path == nil && isStopped() { return nil }
            throw .malformed(
              file.file, line: file.lineNumber, column: error.offset + 1, problem: error.problem)
          }
        }
        self.file = nil
      }
      guard let next = try files.next() else { return nil }
      file = try OpenRecordFile(next, isStopped)
    }
  }
}

/// One line of a file of records.
public struct RecordLine: Sendable {
  /// The input's name.
  public let source: SourceName
  /// What is said of one frame, or of the rest of the input (`FrameRecord.isInputFailure`).
  public let record: FrameRecord
  /// Where the line stands.
  public let file: RecordFile
  /// Which line of the file it is, from 1.
  public let number: Int

  /// A line from its parts.
  public init(source: SourceName, record: FrameRecord, file: RecordFile, number: Int) {
    self.source = source
    self.record = record
    self.file = file
    self.number = number
  }

  /// An error of this line.
  public func error(_ problem: String) -> RecordReadingError {
    .malformed(file, line: number, column: nil, problem: problem)
  }
}

/// A file of records that is being read, block by block.
private final class OpenRecordFile {
  let file: RecordFile
  /// Of the last line, from 1.
  private(set) var lineNumber = 0
  private let descriptor: FileDescriptor
  private let closes: Bool
  private let isStopped: () -> Bool
  private var buffer: UnsafeMutableRawBufferPointer
  /// The bytes of `buffer` that have been read and not been handed out.
  private var pending = 0..<0
  /// Where in `pending` the end of a line has not been looked for.
  private var searched = 0
  private var isAtEnd = false

  private static let blockSize = 1 << 20

  init(_ file: RecordFile, _ isStopped: @escaping () -> Bool) throws(RecordReadingError) {
    self.file = file
    self.isStopped = isStopped
    closes = file.path != nil
    do {
      descriptor =
        try file.path.map { try FileDescriptor.open($0, .readOnly, options: .closeOnExec) }
        ?? .standardInput
    } catch {
      throw .unreadable(file, reason: "\(error)")
    }
    buffer = .allocate(byteCount: Self.blockSize, alignment: 16)
  }

  deinit {
    buffer.deallocate()
    // Nothing was written through it.
    if closes { try? descriptor.close() }
  }

  /// The next line that is not empty, without its LF; nil at the end. Good until the next call.
  func nextLine() throws(RecordReadingError) -> UnsafeRawBufferPointer? {
    while true {
      if let line = takeLine() {
        lineNumber += 1
        if line.isEmpty { continue }
        return line
      }
      if isAtEnd { return nil }
      try fill()
    }
  }

  private func takeLine() -> UnsafeRawBufferPointer? {
    guard let start = buffer.baseAddress else { return nil }
    if let found = memchr(start + searched, 0x0a, pending.upperBound - searched) {
      let end = UnsafeRawPointer(found) - UnsafeRawPointer(start)
      let line = UnsafeRawBufferPointer(rebasing: buffer[pending.lowerBound..<end])
      pending = end + 1..<pending.upperBound
      searched = end + 1
      return line
    }
    searched = pending.upperBound
    guard isAtEnd, !pending.isEmpty else { return nil }
    // The last line may lack its LF.
    defer { pending = pending.upperBound..<pending.upperBound }
    return UnsafeRawBufferPointer(rebasing: buffer[pending])
  }

  /// Waits until something comes, or the end; false where that is stopped.
  private func waitForInput() -> Bool {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    while poll(&request, 1, 200) == 0 {
      if isStopped() { return false }
    }
    return true
  }

  /// Reads more behind the beginning of a line, which moves to the front.
  private func fill() throws(RecordReadingError) {
    guard pending.count <= RecordReader.lineLimit else {
      throw .malformed(
        file, line: lineNumber + 1, column: nil,
        problem: "it is longer than \(RecordReader.lineLimit >> 20) MiB: this is no file of records"
      )
    }
    let kept = pending.count
    let rest = UnsafeRawBufferPointer(rebasing: buffer[pending])
    if kept * 2 > buffer.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: buffer.count * 2, alignment: 16)
      larger.copyMemory(from: rest)
      buffer.deallocate()
      buffer = larger
    } else if let start = buffer.baseAddress, let from = rest.baseAddress {
      memmove(start, from, kept)
    }
    if !closes && !waitForInput() {
      // Half a line is none.
      isAtEnd = true
      return (pending, searched) = (0..<0, 0)
    }
    do {
      let count = try descriptor.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[kept...]))
      isAtEnd = count == 0
      pending = 0..<kept + count
      searched = kept
    } catch {
      throw .unreadable(file, reason: "\(error)")
    }
  }
}
