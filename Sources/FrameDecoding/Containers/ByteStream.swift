import CFFmpeg

/// FFmpeg's view of a file's bytes; owns the AVIOContext.
final class ByteStream {
  /// What is read.
  let source: FileSource
  /// For an AVFormatContext that does not outlive this.
  let context: UnsafeMutablePointer<AVIOContext>

  /// Large enough that a read costs less than decoding what it brings.
  private static let bufferBytes = 64 << 10

  /// Wraps a file, from its start.
  init(_ source: FileSource) {
    self.source = source
    let buffer = av_malloc(Self.bufferBytes)?.assumingMemoryBound(to: UInt8.self)
    let context = avio_alloc_context(
      buffer, Int32(Self.bufferBytes), 0, Unmanaged.passUnretained(source).toOpaque(),
      { source, buffer, count in ByteStream.read(source, buffer, count) }, nil,
      { source, offset, whence in ByteStream.seek(source, offset, whence) })
    guard let context else { preconditionFailure("out of memory for \(Self.bufferBytes) bytes") }
    self.context = context
  }

  deinit {
    // FFmpeg may have replaced the buffer: it is freed where it is now.
    av_free(context.pointee.buffer)
    var context: UnsafeMutablePointer<AVIOContext>? = context
    avio_context_free(&context)
  }

  private static func source(_ opaque: UnsafeMutableRawPointer?) -> FileSource {
    guard let opaque else { preconditionFailure("a stream without its file") }
    return Unmanaged<FileSource>.fromOpaque(opaque).takeUnretainedValue()
  }

  private static func read(
    _ opaque: UnsafeMutableRawPointer?, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int32
  ) -> Int32 {
    let source = source(opaque)
    let read = source.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)))
    if read > 0 { return Int32(read) }
    return source.failure == nil ? cffmpeg_error_eof : cffmpeg_error_exit
  }

  private static func seek(
    _ opaque: UnsafeMutableRawPointer?, _ offset: Int64, _ whence: Int32
  ) -> Int64 {
    let source = source(opaque)
    let target: Int64
    switch whence & ~AVSEEK_FORCE {
    case AVSEEK_SIZE: return source.size
    case SEEK_SET: target = offset
    // A damaged header can name any offset, so the sum may overflow.
    case SEEK_CUR: target = source.position.addingReportingOverflow(offset).partialValue
    case SEEK_END: target = source.size.addingReportingOverflow(offset).partialValue
    default: return Int64(-EINVAL)
    }
    guard target >= 0 else { return Int64(-EINVAL) }
    source.seek(to: target)
    return target
  }
}
