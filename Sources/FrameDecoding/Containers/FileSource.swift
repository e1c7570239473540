import Glibc
import SystemPackage

/// The bytes of one regular file, as long as it was when it was opened.
///
/// FFmpeg reads through this and through nothing else: so names need no escaping, a file that names others opens
/// none of them, and a failed read is known by its errno.
final class FileSource {
  /// Bytes in the file when it was opened.
  let size: Int64
  /// Why reading ended before the end; every later read fails too.
  private(set) var failure: MediaError?
  /// Where the next read starts.
  private(set) var position: Int64 = 0

  private let file: OpenFile
  private let limits: MediaLimits
  private let cancellation: MediaCancellation
  private let timedCalls: TimedCalls?
  private let readBytes: ReadFunction
  private var bytesSinceFrame = 0
  /// How many of these there may be.
  private var bytesOfFrame: Int

  /// Reads some bytes at an offset of a file: their number, 0 at the end, or minus errno.
  typealias ReadFunction = @Sendable (OpenFile, UnsafeMutableRawBufferPointer, Int64) -> Int

  /// Opens a file without waiting for anything but the file system.
  ///
  /// - Throws: an access failure unless `path` leads to a regular file that can be opened; a data failure if it is
  ///   empty.
  convenience init(
    path: FilePath, limits: MediaLimits, cancellation: MediaCancellation,
    readBytes: @escaping ReadFunction = { $0.read(into: $1, at: $2) }
  ) throws(MediaError) {
    try self.init(
      try Self.openFile(path, limits), limits: limits, cancellation: cancellation,
      readBytes: readBytes)
  }

  /// Reads an open file.
  ///
  /// - Throws: a data failure if it is empty.
  init(
    _ file: OpenFile, limits: MediaLimits, cancellation: MediaCancellation,
    readBytes: @escaping ReadFunction = { $0.read(into: $1, at: $2) }
  ) throws(MediaError) {
    self.file = file
    self.limits = limits
    self.cancellation = cancellation
    self.readBytes = readBytes
    timedCalls = limits.readTimeout.map(TimedCalls.init)
    size = file.size
    bytesOfFrame = limits.maxBytesWithoutFrame
    if size == 0 { throw MediaError(.data, "the file is empty") }
  }

  /// Opens a file as `init(path:)` does.
  static func openFile(_ path: FilePath, _ limits: MediaLimits) throws(MediaError) -> OpenFile {
    let opened: Result<OpenFile, MediaError>? =
      if let limit = limits.readTimeout {
        TimedCalls(limit: limit).run { OpenFile.open(path) }
      } else {
        OpenFile.open(path)
      }
    guard let opened else { throw tooSlow("opening", limits) }
    return try opened.get()
  }

  /// Starts the count of `MediaLimits.maxBytesWithoutFrame` anew.
  func noteFrame() { expectFrame(bytes: 0) }

  /// The same, for a frame of a known size, as which so many bytes may be read if they are more than the limit.
  func expectFrame(bytes: Int) {
    bytesSinceFrame = 0
    bytesOfFrame = max(limits.maxBytesWithoutFrame, bytes)
  }

  /// Moves to a place at or after 0; reading past the end gives nothing.
  func seek(to position: Int64) { self.position = position }

  /// Reads the next bytes: their number, or 0 at the end and after a failure.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if failure != nil { return 0 }
    if cancellation.isCancelled {
      failure = MediaError(.access, "stopped")
      return 0
    }
    let wanted = Int(min(Int64(buffer.count), max(0, size - position)))
    if wanted == 0 { return 0 }
    if bytesSinceFrame > bytesOfFrame {
      failure = MediaError(.data, "no frame in \(bytesOfFrame) bytes")
      return 0
    }
    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
    guard let count = timedCalls == nil ? readBytes(file, target, position) : timedRead(target)
    else {
      failure = Self.tooSlow("reading", limits)
      return 0
    }
    guard count > 0 else {
      failure =
        count == 0
        ? MediaError(.access, "the file became shorter while it was read")
        : MediaError(.access, "reading: \(Errno(rawValue: CInt(-count)))")
      return 0
    }
    position += Int64(count)
    bytesSinceFrame += count
    return count
  }

  /// The first bytes, at most `count`; the next read starts at the file's start.
  func start(_ count: Int) throws(MediaError) -> [UInt8] {
    seek(to: 0)
    let bytes = read(upTo: Int(min(Int64(count), size)))
    seek(to: 0)
    if let failure { throw failure }
    return bytes
  }

  /// The whole file.
  func contents() throws(MediaError) -> [UInt8] {
    guard size <= limits.maxBytesWithoutFrame else {
      throw MediaError(
        .data, "an image file of \(size) bytes, and the limit is \(limits.maxBytesWithoutFrame)")
    }
    seek(to: 0)
    noteFrame()
    let bytes = read(upTo: Int(size))
    if let failure { throw failure }
    return bytes
  }

  private func read(upTo count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < buffer.count {
        let count = read(
          into: UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
        if count == 0 { break }
        filled += count
      }
    }
  }

  /// Reads into memory that outlives a read that nobody waits for any more.
  private func timedRead(_ target: UnsafeMutableRawBufferPointer) -> Int? {
    let (file, position, readBytes, wanted) = (file, position, readBytes, target.count)
    let bytes = timedCalls?.run {
      var count = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
        count = readBytes(file, UnsafeMutableRawBufferPointer(buffer), position)
        filled = max(0, count)
      }
      return (count, bytes)
    }
    guard let (count, bytes) = bytes else { return nil }
    target.copyBytes(from: bytes)
    return count
  }

  static func tooSlow(_ what: String, _ limits: MediaLimits) -> MediaError {
    MediaError(.access, "\(what) took longer than \(limits.readTimeout ?? .zero) (read timeout)")
  }
}

/// An open regular file; closed when nobody holds it.
final class OpenFile: Sendable {
  /// Bytes in the file when it was opened.
  let size: Int64
  let descriptor: FileDescriptor

  private init(descriptor: FileDescriptor, size: Int64) {
    self.descriptor = descriptor
    self.size = size
  }

  /// Takes over a descriptor that another process opened by `open`; its size is where it ends, which a process that may
  /// look at no file can find out.
  ///
  /// - Throws: an access failure where it cannot be read.
  init(_ descriptor: FileDescriptor) throws(MediaError) {
    self.descriptor = descriptor
    do {
      size = try descriptor.seek(offset: 0, from: .end)
    } catch {
      throw MediaError(.access, "opening: \(error)")
    }
  }

  deinit { _ = try? descriptor.close() }

  /// Opens a regular file; a failure is one of access.
  static func open(_ path: FilePath) -> Result<OpenFile, MediaError> {
    // Looking first: to open a device can have effects, and a socket gives no telling error.
    if let refusal = path.withPlatformString({ name in refusal { stat(name, &$0) } }) {
      return .failure(refusal)
    }
    do {
      // Non-blocking: a pipe may have taken the file's place.
      let descriptor = try FileDescriptor.open(
        path, .readOnly, options: [.nonBlocking, .closeOnExec])
      var status = stat()
      if let refusal = refusal({ fstat(descriptor.rawValue, &$0) }, into: &status) {
        // Nothing was written, so closing cannot lose anything.
        _ = try? descriptor.close()
        return .failure(refusal)
      }
      return .success(OpenFile(descriptor: descriptor, size: Int64(status.st_size)))
    } catch {
      return .failure(MediaError(.access, "opening: \(error)"))
    }
  }

  /// Reads at an offset: the number of bytes, 0 at the end, or minus errno.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
    do {
      return try descriptor.read(fromAbsoluteOffset: offset, into: buffer)
    } catch {
      return -Int((error as? Errno ?? .ioError).rawValue)
    }
  }

  private static func refusal(_ look: (inout stat) -> CInt) -> MediaError? {
    var status = stat()
    return refusal(look, into: &status)
  }

  /// Why what `look` finds is no regular file.
  private static func refusal(
    _ look: (inout stat) -> CInt, into status: inout stat
  ) -> MediaError? {
    guard look(&status) == 0 else {
      return MediaError(.access, "opening: \(Errno(rawValue: errno))")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return nil
    case S_IFDIR: return MediaError(.access, "a directory, not a file")
    case S_IFIFO: return MediaError(.access, "a named pipe, not a file")
    case S_IFSOCK: return MediaError(.access, "a socket, not a file")
    default: return MediaError(.access, "a device, not a file")
    }
  }
}
