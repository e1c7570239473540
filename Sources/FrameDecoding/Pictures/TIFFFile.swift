import CTIFF
import Glibc

/// An open TIFF file, at one of its directories; owns the TIFF handle.
///
/// libtiff reads through the file source and through nothing else, says nothing on stderr, and allocates no more at
/// once than a picture of the limit may need.
final class TIFFFile {
  /// What libtiff called wrong first since `clearError()`.
  private(set) var firstError: String?

  let source: FileSource
  // Set once, at the end of `init`: libtiff is given `self` before there is a handle.
  private var handle: OpaquePointer?

  /// The least bound on what libtiff may allocate at once.
  private static let leastAllocation: tmsize_t = 64 << 20

  /// Opens a file at its first directory.
  ///
  /// - Throws: a data failure if it is damaged; an access failure if it cannot be read.
  init(_ source: FileSource, limits: MediaLimits) throws(MediaError) {
    self.source = source
    // Also said by codecs within libtiff, and then to the whole process.
    _ = Self.isSilent
    source.seek(to: 0)
    let this = Unmanaged.passUnretained(self).toOpaque()
    let options = TIFFOpenOptionsAlloc()
    defer { TIFFOpenOptionsFree(options) }
    // Eight bytes are four samples of 16 bits.
    let (picture, isAbsurd) = limits.maxPixels.multipliedReportingOverflow(by: 8)
    TIFFOpenOptionsSetMaxSingleMemAlloc(
      options, max(Self.leastAllocation, isAbsurd ? .max : tmsize_t(picture)))
    TIFFOpenOptionsSetErrorHandlerExtR(
      options, { TIFFFile.note($0, $1, $2, $3, $4) }, this)
    TIFFOpenOptionsSetWarningHandlerExtR(options, { _, _, _, _, _ in 1 }, nil)
    // m: not mapped into memory, where a file that becomes shorter would be a crash.
    handle = TIFFClientOpenExt(
      "input", "rm", this, { TIFFFile.read($0, $1, $2) }, { _, _, _ in -1 },
      { TIFFFile.seek($0, $1, $2) }, { _ in 0 }, { TIFFFile.size($0) }, { _, _, _ in 0 },
      { _, _, _ in }, options)
    guard handle != nil else { throw failure("opening the TIFF file") }
  }

  deinit { if let handle { TIFFClose(handle) } }

  /// Forgets what was wrong.
  func clearError() { firstError = nil }

  /// Why something could not be done, in libtiff's words.
  func failure(_ what: String) -> MediaError {
    source.failure ?? MediaError(.data, what + (firstError.map { ": \($0)" } ?? ""))
  }

  /// Goes to the next directory; false at the end.
  func nextDirectory() -> Bool { TIFFReadDirectory(handle) != 0 }

  /// A number of 16 bits, or its default; nil without either.
  func number(_ tag: Int32) -> Int? {
    var value: UInt16 = 0
    return ctiff_get_uint16(handle, UInt32(tag), &value) != 0 ? Int(value) : nil
  }

  /// A number of 32 bits, or its default; nil without either.
  func longNumber(_ tag: Int32) -> Int? {
    var value: UInt32 = 0
    return ctiff_get_uint32(handle, UInt32(tag), &value) != 0 ? Int(value) : nil
  }

  /// Whether there are directories below this one.
  var hasSubdirectories: Bool { ctiff_has_array(handle, UInt32(TIFFTAG_SUBIFD)) != 0 }

  /// Whether it says that it is a digital negative.
  var isDigitalNegative: Bool { ctiff_has_bytes(handle, UInt32(TIFFTAG_DNGVERSION)) != 0 }

  /// Decodes the directory's picture as it is stored, rows from the first on: red, green, blue and alpha of 8 bits.
  ///
  /// - Parameters:
  ///   - pixels: as many as the picture has, all 0.
  ///   - width: of the picture.
  ///   - height: of the picture.
  /// - Returns: false if libtiff stopped before the end: the pixels before are filled.
  /// - Throws: a data failure if libtiff cannot show such a picture.
  func decode(
    into pixels: UnsafeMutablePointer<UInt32>, width: Int, height: Int
  ) throws(MediaError) -> Bool {
    ctiff_forget_alpha(handle)
    var image = TIFFRGBAImage()
    var refusal = [CChar](repeating: 0, count: 1024)
    guard TIFFRGBAImageBegin(&image, handle, 1, &refusal) != 0 else {
      let text = String(
        decoding: refusal.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw source.failure ?? MediaError(.data, "no picture: \(text)")
    }
    defer { TIFFRGBAImageEnd(&image) }
    // Else it is turned in two of three ways.
    image.req_orientation = image.orientation
    return TIFFRGBAImageGet(&image, pixels, UInt32(width), UInt32(height)) != 0
  }

  private static let isSilent: Bool = {
    TIFFSetErrorHandler(nil)
    TIFFSetWarningHandler(nil)
    return true
  }()

  private static func file(_ opaque: UnsafeMutableRawPointer?) -> TIFFFile {
    guard let opaque else { preconditionFailure("a TIFF handle without its file") }
    return Unmanaged<TIFFFile>.fromOpaque(opaque).takeUnretainedValue()
  }

  private static func note(
    _: OpaquePointer?, _ opaque: UnsafeMutableRawPointer?, _ module: UnsafePointer<CChar>?,
    _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?
  ) -> Int32 {
    let file = file(opaque)
    guard file.firstError == nil, let format, let arguments else { return 1 }
    var line = [CChar](repeating: 0, count: 512)
    vsnprintf(&line, line.count, format, arguments)
    let bytes = line.prefix { $0 != 0 }.map { max(0x20, UInt8(bitPattern: $0)) }
    file.firstError = String(decoding: bytes, as: UTF8.self)
    // Dealt with: the process need not hear of it.
    return 1
  }

  private static func read(
    _ opaque: UnsafeMutableRawPointer?, _ target: UnsafeMutableRawPointer?, _ count: tmsize_t
  ) -> tmsize_t {
    let source = file(opaque).source
    guard count > 0 else { return 0 }
    let buffer = UnsafeMutableRawBufferPointer(start: target, count: Int(count))
    var filled = 0
    while filled < buffer.count {
      let read = source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if read == 0 { break }
      filled += read
    }
    return tmsize_t(filled)
  }

  private static func seek(
    _ opaque: UnsafeMutableRawPointer?, _ offset: UInt64, _ whence: Int32
  ) -> UInt64 {
    let source = file(opaque).source
    let base: Int64 = whence == SEEK_CUR ? source.position : whence == SEEK_END ? source.size : 0
    // A damaged directory can name any offset.
    let (target, isAbsurd) = base.addingReportingOverflow(Int64(bitPattern: offset))
    guard !isAbsurd, target >= 0 else { return .max }
    source.seek(to: target)
    return UInt64(target)
  }

  private static func size(_ opaque: UnsafeMutableRawPointer?) -> UInt64 {
    UInt64(file(opaque).source.size)
  }
}
