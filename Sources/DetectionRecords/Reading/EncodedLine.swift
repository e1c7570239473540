import Glibc

/// Reads lines of exactly the form that `RecordEncoder` writes, which nearly all are, without asking a scanner of JSON for
/// one key after another. Whatever is in any way different, wrong numbers too, is left to
/// `RecordParser`'s other way, which takes all JSON and says what is wrong.
struct EncodedLine {
  private var position: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>

  /// A reader of a line without its LF; nil where there is none.
  init?(_ line: UnsafeRawBufferPointer) {
    let bytes = line.bindMemory(to: UInt8.self)
    guard let start = bytes.baseAddress else { return nil }
    position = start
    end = start + bytes.count
  }

  /// Takes the whole line: a frame of this source (its name between quotes) with labels that are known.
  ///
  /// - Returns: The record; nil where the line is something else.
  mutating func record(source: [UInt8], _ labels: borrowing LabelIndex) -> FrameRecord? {
    guard take("{\"source\":\""), take(source), take("\",\"frame\":"), let frame = count(),
      take(",\"time\":"), let time = time(), take(",\"width\":"), let width = count(),
      take(",\"height\":"), let height = count(), width > 0, height > 0,
      width <= RecordParser.sideLimit, height <= RecordParser.sideLimit
    else { return nil }
    let isCorrupt = take(",\"corrupt\":true")
    var same: EarlierRecord?
    if take(",\"same\":") {
      guard let frame = count() else { return nil }
      same = .frame(frame)
    }
    guard take(",\"detections\":["), let found = detections(labels), take("]}"), position == end
    else { return nil }
    return FrameRecord(
      frame: frame, time: time.seconds, width: width, height: height, isCorrupt: isCorrupt,
      same: same, outcome: .detections(found))
  }

  @inline(__always)
  private mutating func detections(_ labels: borrowing LabelIndex) -> [RecordedDetection]? {
    var found: [RecordedDetection] = []
    guard position < end, position.pointee == UInt8(ascii: "{") else { return found }
    found.reserveCapacity(4)
    repeat {
      guard take("{\"label\":\""), let label = text(), let number = labels.known(label),
        take(",\"score\":"), let score = decimal(), score >= 0, score <= 1, take(",\"box\":["),
        let x = decimal(), take(","), let y = decimal(), take(","), let width = decimal(),
        take(","), let height = decimal(), take("]}"), width >= 0, height >= 0,
        max(x.magnitude, y.magnitude, width, height) <= RecordParser.boxLimit
      else { return nil }
      found.append(
        RecordedDetection(
          classIndex: number, score: score, x: x, y: y, width: width, height: height))
    } while take(",")
    return found
  }

  /// Takes these bytes.
  @inline(__always)
  private mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard end - position >= count, memcmp(position, text.utf8Start, count) == 0 else {
      return false
    }
    position += count
    return true
  }

  private mutating func take(_ text: [UInt8]) -> Bool {
    guard end - position >= text.count, memcmp(position, text, text.count) == 0 else {
      return false
    }
    position += text.count
    return true
  }

  /// Takes the bytes up to a quote, and the quote; nil where there is an escape among them.
  @inline(__always)
  private mutating func text() -> UnsafeRawBufferPointer? {
    let start = position
    while position < end {
      switch position.pointee {
      case UInt8(ascii: "\""):
        let text = UnsafeRawBufferPointer(start: start, count: position - start)
        position += 1
        return text
      case UInt8(ascii: "\\"): return nil
      default: position += 1
      }
    }
    return nil
  }

  /// Takes a whole number of at most 15 digits.
  @inline(__always)
  private mutating func count() -> Int? {
    let start = position
    var value = 0
    while position < end, position - start < 16 {
      let digit = position.pointee &- 0x30
      if digit > 9 { break }
      value = value * 10 + Int(digit)
      position += 1
    }
    let digits = position - start
    return (1...15).contains(digits) && (digits == 1 || start.pointee != 0x30) ? value : nil
  }

  /// Takes a number or null.
  @inline(__always)
  private mutating func time() -> (seconds: Double?, Void)? {
    if take("null") { return (nil, ()) }
    guard let seconds = decimal(), seconds.magnitude < RecordParser.timeLimit else { return nil }
    return (seconds, ())
  }

  /// Takes a number with a point, of at most 15 digits: both sides of the division are whole numbers that a double holds,
  /// so that it gives the nearest double (Clinger 1990).
  @inline(__always)
  private mutating func decimal() -> Double? {
    let isNegative = position < end && position.pointee == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let start = position
    var digits: UInt64 = 0
    takeDigits(&digits)
    let whole = position - start
    guard whole > 0, whole == 1 || start.pointee != 0x30, position < end,
      position.pointee == UInt8(ascii: ".")
    else { return nil }
    position += 1
    let point = position
    takeDigits(&digits)
    let decimals = position - point
    guard decimals > 0, whole + decimals <= 15, position < end,
      position.pointee | 0x20 != UInt8(ascii: "e")
    else { return nil }
    let magnitude = Double(digits) / Self.powersOfTen[decimals]
    return isNegative ? -magnitude : magnitude
  }

  @inline(__always)
  private mutating func takeDigits(_ value: inout UInt64) {
    while position < end {
      let digit = position.pointee &- 0x30
      if digit > 9 { return }
      // Wraps for longer numbers, whose value is then not used.
      value = value &* 10 &+ UInt64(digit)
      position += 1
    }
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]
}
