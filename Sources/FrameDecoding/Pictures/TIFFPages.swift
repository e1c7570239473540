import CFFmpeg
import CTIFF

/// The pages of a TIFF file: each is a frame, without a time.
///
/// Read with libtiff, which knows tiles, planes and compressions of which FFmpeg makes black pictures.
final class TIFFPages: FullSequence {
  private(set) var report = DecodingReport()

  private let file: TIFFFile
  private let limits: MediaLimits
  private var page = 0
  private var isEnded = false

  /// Opens a file.
  ///
  /// - Throws: a data failure if it is damaged, or if its pictures are those of a camera's sensor; an access failure if
  ///   it cannot be read.
  init(_ source: FileSource, limits: MediaLimits) throws(MediaError) {
    file = try TIFFFile(source, limits: limits)
    self.limits = limits
    source.noteFrame()
    if isCameraRaw { throw CameraRaw.refusal }
  }

  /// Width and height of the page as stored.
  ///
  /// - Throws: a data failure where it has none, or more pixels than the limit.
  func size() throws(MediaError) -> (width: Int, height: Int) {
    guard let width = file.longNumber(TIFFTAG_IMAGEWIDTH), width > 0,
      let height = file.longNumber(TIFFTAG_IMAGELENGTH), height > 0
    else { throw file.failure("no picture: it has no size") }
    // Both have 32 bits, so that the product fits in 64.
    guard Int32(exactly: width) != nil, Int32(exactly: height) != nil,
      UInt64(width) * UInt64(height) <= UInt64(limits.maxPixels)
    else {
      throw MediaError(
        .data, "a picture of \(width)x\(height) pixels, and the limit is \(limits.maxPixels)")
    }
    return (width, height)
  }

  /// How the page must be turned.
  var orientation: Orientation {
    file.number(TIFFTAG_ORIENTATION).flatMap(Orientation.init(rawValue:)) ?? .upright
  }

  /// The next page, stored as it is.
  ///
  /// - Throws: why there are no more.
  func next() throws(MediaError) -> Frame? {
    if isEnded { return nil }
    do {
      if page > 0, try !goToNextPage() {
        isEnded = true
        return nil
      }
      page += 1
      let frame = try decode()
      file.source.noteFrame()
      return frame
    } catch {
      isEnded = true
      throw page > 1 && error.kind == .data
        ? MediaError(.data, "page \(page): \(error.reason)") : error
    }
  }

  /// Leaves out smaller versions of pages, and masks.
  private func goToNextPage() throws(MediaError) -> Bool {
    for _ in 0..<limits.maxPacketsWithoutFrame {
      file.clearError()
      guard file.nextDirectory() else {
        if file.firstError != nil || file.source.failure != nil {
          throw file.failure("truncated after page \(page)")
        }
        return false
      }
      let others = Int(FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)
      if (file.longNumber(TIFFTAG_SUBFILETYPE) ?? 0) & others == 0 { return true }
    }
    throw MediaError(.data, "no page in \(limits.maxPacketsWithoutFrame) directories")
  }

  private func decode() throws(MediaError) -> Frame {
    let (width, height) = try size()
    limits.pictureGate?.wait(pixels: width * height, bitsPerPixel: 32)
    let frame = try Frame(rgbaWidth: Int32(width), height: Int32(height))
    guard let bytes = frame.pointer.pointee.data.0 else {
      preconditionFailure("a frame without its bytes")
    }
    file.clearError()
    // Four samples of 16 bits, as they are where nothing is compressed.
    file.source.expectFrame(bytes: 8 * width * height)
    let isWhole = try bytes.withMemoryRebound(to: UInt32.self, capacity: width * height) {
      pixels throws(MediaError) in
      let isWhole = try file.decode(into: pixels, width: width, height: height)
      // What is decoded is opaque, or has some colour.
      let isBlank =
        !isWhole && !UnsafeBufferPointer(start: pixels, count: width * height).contains { $0 != 0 }
      if isBlank { throw file.failure("no picture") }
      return isWhole
    }
    if let failure = file.source.failure { throw failure }
    report.framesDecoded += 1
    if !isWhole || file.firstError != nil {
      frame.markCorrupt()
      report.corruptFrames += 1
      report.decodeErrors += 1
      report.lastError = "damaged picture: \(file.firstError ?? "libtiff stopped early")"
    }
    frame.setOrientation(orientation)
    return frame
  }

  /// Samples of a sensor's colour filters, or a preview of them.
  private var isCameraRaw: Bool {
    let photometric = file.number(TIFFTAG_PHOTOMETRIC)
    let isPreview =
      (file.longNumber(TIFFTAG_SUBFILETYPE) ?? 0) & Int(FILETYPE_REDUCEDIMAGE) != 0
    return file.isDigitalNegative || isPreview && file.hasSubdirectories
      || photometric == Int(PHOTOMETRIC_CFA) || photometric == Self.linearRaw
  }

  /// LinearRaw of DNG 1.7; not in all of libtiff's headers.
  private static let linearRaw = 34892
}
