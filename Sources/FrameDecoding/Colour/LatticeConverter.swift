import CColour
import CFFmpeg
import Media
import Synchronization

/// Turns some pixels of a planar picture of 8 bits into red, green and blue: the bytes that `PixelConverter` gives them
/// by way of swscale, at the cost of those pixels alone.
///
/// Every step is in whole numbers, as swscale takes it with the flags of `PixelConverter`: chroma is filtered along rows,
/// rounded to 15 bits, then along columns; the matrix has 13 bits. That both agree is found out for each format before it is
/// used (`isExact`), so that another version of FFmpeg costs time and no bytes. For the 640x360 pixels of a 1080p frame
/// that the bundled model reads it takes a fraction of the 6.7 ms that all of the frame takes.
final class LatticeConverter {
  private let source: Scaler.Source
  private let lattice: PictureLattice
  private let matrix: ccolour_matrix
  private let chromaColumns: ChromaTaps
  private let chromaRows: ChromaTaps
  private let columns: [Int32]
  /// Where the samples of chroma begin for each column.
  private let firstSamples: [Int32]
  /// Rows of chroma at the lattice's columns, filtered along the row, each at its number modulo 4: four rows of blue, then
  /// four of red.
  private var filtered: [Int16]

  /// Prepares a conversion of these rows and columns of the stored picture; nil for pictures that it knows nothing of.
  init?(_ source: Scaler.Source, _ lattice: PictureLattice) {
    guard let (halvesColumns, halvesRows) = Self.chroma(of: source),
      lattice.fits(width: Int(source.width), height: Int(source.height))
    else { return nil }
    self.source = source
    self.lattice = lattice
    matrix = ccolour_matrix(source)
    chromaColumns = ChromaTaps(
      lattice.columns, length: Int(source.width), isHalved: halvesColumns, one: 1 << 14)
    chromaRows = ChromaTaps(
      lattice.rows, length: Int(source.height), isHalved: halvesRows, one: 1 << 12)
    columns = lattice.columns.map(Int32.init)
    firstSamples = chromaColumns.first.map(Int32.init)
    filtered = [Int16](repeating: 0, count: 8 * columns.count)
  }

  /// Whether this is what it was made for.
  func suits(_ source: Scaler.Source, _ lattice: PictureLattice) -> Bool {
    self.source == source && self.lattice == lattice
  }

  /// Whether pixels across and down share a sample of chroma; nil for what is not planar luma and chroma of 8 bits, and
  /// for odd sides, whose chroma lies differently from place to place.
  private static func chroma(of source: Scaler.Source) -> (columns: Bool, rows: Bool)? {
    let formats: [(AVPixelFormat, Bool, Bool)] = [
      (AV_PIX_FMT_YUV420P, true, true), (AV_PIX_FMT_YUVJ420P, true, true),
      (AV_PIX_FMT_YUV422P, true, false), (AV_PIX_FMT_YUVJ422P, true, false),
      (AV_PIX_FMT_YUV444P, false, false), (AV_PIX_FMT_YUVJ444P, false, false),
    ]
    guard let (_, columns, rows) = formats.first(where: { $0.0.rawValue == source.format }) else {
      return nil
    }
    func suits(_ length: Int32, _ isHalved: Bool) -> Bool {
      !isHalved || length % 2 == 0 && length / 2 >= Int32(ChromaTaps.leastSamples)
    }
    return suits(source.width, columns) && suits(source.height, rows) ? (columns, rows) : nil
  }

  /// Converts.
  ///
  /// - Parameters:
  ///   - frame: of the source's size and format.
  ///   - pixels: gets three bytes for each of the lattice's pixels, row by row.
  func convert(_ frame: Frame, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    precondition(pixels.count >= 3 * lattice.count, "\(pixels.count) bytes of memory")
    let fields = frame.pointer.pointee
    guard let luma = fields.data.0, let blue = fields.data.1, let red = fields.data.2 else {
      preconditionFailure("a planar frame without its planes")
    }
    let count = columns.count
    filtered.withUnsafeMutableBufferPointer { filtered in
      guard let blueRows = filtered.baseAddress, let line = pixels.baseAddress else { return }
      let redRows = blueRows + 4 * count
      var numbers = [-1, -1, -1, -1]
      for (index, row) in lattice.rows.enumerated() {
        var taps = RowTaps(blueRows, redRows)
        for tap in 0..<chromaRows.width {
          let weight = chromaRows.weights[index * chromaRows.width + tap]
          if weight == 0 { continue }
          let number = chromaRows.first[index] + tap
          let slot = number & 3
          taps.set(tap, weight, blueRows + slot * count, redRows + slot * count)
          if numbers[slot] == number { continue }
          numbers[slot] = number
          filter(blue + number * Int(fields.linesize.1), into: blueRows + slot * count)
          filter(red + number * Int(fields.linesize.2), into: redRows + slot * count)
        }
        withUnsafePointer(to: matrix) {
          ccolour_row(
            luma + row * Int(fields.linesize.0), columns, Int32(count), taps.blue, taps.red,
            taps.weights, $0, line + 3 * index * count)
        }
      }
    }
  }

  /// Four rows of each chroma with their weights; those without a weight may be any.
  private struct RowTaps {
    private(set) var blue: [UnsafePointer<Int16>?]
    private(set) var red: [UnsafePointer<Int16>?]
    private(set) var weights: [Int16] = [0, 0, 0, 0]

    init(_ blue: UnsafePointer<Int16>, _ red: UnsafePointer<Int16>) {
      self.blue = [blue, blue, blue, blue]
      self.red = [red, red, red, red]
    }

    mutating func set(
      _ tap: Int, _ weight: Int16, _ blue: UnsafePointer<Int16>, _ red: UnsafePointer<Int16>
    ) {
      self.blue[tap] = blue
      self.red[tap] = red
      weights[tap] = weight
    }
  }

  /// Chroma of one row at the lattice's columns, in 15 bits.
  private func filter(_ samples: UnsafePointer<UInt8>, into values: UnsafeMutablePointer<Int16>) {
    if chromaColumns.width == 1 {
      for (x, sample) in firstSamples.enumerated() { values[x] = Int16(samples[Int(sample)]) << 7 }
    } else {
      ccolour_filter(
        samples, firstSamples, chromaColumns.weights, Int32(firstSamples.count), values)
    }
  }
}

extension ccolour_matrix {
  /// As swscale has it, in 13 bits.
  fileprivate init(_ source: Scaler.Source) {
    guard let table = sws_getCoefficients(source.matrix) else {
      preconditionFailure("swscale has a table for every matrix, if need be BT.601's")
    }
    // Of 16 bits; chroma's are those of the limited range.
    func chroma(_ factor: Int32, _ sign: Int) -> Int32 {
      Self.rounded(sign * Int(factor) * (source.isFullRange ? 224 : 255) / 255)
    }
    self.init(
      luma_offset: source.isFullRange ? 0 : 16 << 9,
      luma: Self.rounded(source.isFullRange ? 1 << 16 : (1 << 16) * 255 / 219),
      red_of_red: chroma(table[0], 1), green_of_red: chroma(table[3], -1),
      green_of_blue: chroma(table[2], -1), blue_of_blue: chroma(table[1], 1))
  }

  private static func rounded(_ factor: Int) -> Int32 {
    Int32(min(max((factor * (1 << 13) + (1 << 15)) >> 16, -0x8000), 0x7fff))
  }
}

/// Whether it can be trusted.
extension LatticeConverter {
  /// By format, matrix and range; sizes are those of the trial.
  private static let verdicts = Mutex<[Verdict]>([])

  private struct Verdict {
    let source: Scaler.Source
    let isExact: Bool
  }

  /// Whether all pixels of a small picture of noise are those that swscale makes; found out once for each format.
  static func isExact(for source: Scaler.Source) -> Bool {
    guard chroma(of: source) != nil else { return false }
    var trial = source
    (trial.width, trial.height) = (80, 48)
    return verdicts.withLock { verdicts in
      if let known = verdicts.first(where: { $0.source == trial }) { return known.isExact }
      // No memory, and whatever else: then it is not known to be.
      let isExact = (try? agrees(trial)) ?? false
      verdicts.append(Verdict(source: trial, isExact: isExact))
      return isExact
    }
  }

  private static func agrees(_ source: Scaler.Source) throws(MediaError) -> Bool {
    let frame = try Frame(
      AVPixelFormat(source.format), width: source.width, height: source.height)
    frame.fillWithNoise()
    let (width, height) = (Int(source.width), Int(source.height))
    let all = PictureLattice(rows: Array(0..<height), columns: Array(0..<width))
    guard let converter = LatticeConverter(source, all) else { return false }
    var mine = [UInt8](repeating: 0, count: 3 * width * height)
    var theirs = [UInt8](repeating: 0, count: mine.count + Scaler.padding)
    mine.withUnsafeMutableBufferPointer { converter.convert(frame, into: $0) }
    try theirs.withUnsafeMutableBufferPointer { buffer throws(MediaError) in
      try PixelConverter(isStillImage: false).convert(frame, source, into: buffer)
    }
    return mine.elementsEqual(theirs.prefix(mine.count))
  }
}

extension Frame {
  /// Fills the planes, padding included, with bytes of which every fourth is black or white.
  fileprivate func fillWithNoise() {
    let fields = pointer.pointee
    var state: UInt32 = 1
    for case (let plane?, let stride, let shift) in [
      (fields.data.0, fields.linesize.0, Int32(0)), (fields.data.1, fields.linesize.1, 1),
      (fields.data.2, fields.linesize.2, 1),
    ] {
      let isHalved =
        shift == 1 && av_pix_fmt_desc_get(AVPixelFormat(fields.format))?.pointee.log2_chroma_h == 1
      for index in 0..<Int(stride) * (isHalved ? height / 2 : height) {
        // Numerical Recipes' generator; any will do.
        state = state &* 1_664_525 &+ 1_013_904_223
        let byte = UInt8(state >> 24)
        plane[index] = byte & 3 == 0 ? (byte & 4 == 0 ? 0 : 255) : byte
      }
    }
  }
}
