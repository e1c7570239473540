import Foundation
import JSONText
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct RecordReaderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A reader of one file with these bytes.
  private func reader(_ bytes: [UInt8]) throws -> RecordReader {
    let path = folder.path.appending("records.jsonl")
    try write(bytes, to: path)
    return RecordReader(try RecordFiles([path]))
  }

  private func lines(_ text: String) throws -> [RecordLine] {
    try all(try reader(Array(text.utf8)))
  }

  private func all(_ reader: RecordReader) throws -> [RecordLine] {
    var lines: [RecordLine] = []
    while let line = try reader.next() { lines.append(line) }
    return lines
  }

  @Test func whatTheEncoderWritesComesBack() throws {
    let labels = ["qr_code", "ean \"13\"", "größe\n\u{1}", ""]
    let table = LabelTable(labels)
    let seed = UInt64.random(in: 0...UInt64.max)
    print("whatTheEncoderWritesComesBack: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    var expected: [(SourceName, FrameRecord)] = []
    for number in 0..<2000 {
      let source =
        number % 5 == 4
        ? try SourceName(bytes: Array("caf/".utf8) + [0xe9, UInt8(0x80 + number % 3)])
        : try SourceName("cam \"\(number / 20)\"/ä\(number / 10).mp4")
      let encoder = RecordEncoder(source: source, labels: table)
      if number % 17 == 16 {
        encoder.appendFailure("why: \"\(number)\"", to: &bytes)
        expected.append(
          (source, FrameRecord(frame: nil, time: nil, outcome: .failure("why: \"\(number)\""))))
        continue
      }
      let found = (0..<generator.below(6)).map { _ in
        // Values that the fixed decimals say exactly.
        RecordedDetection(
          classIndex: generator.below(4), score: Double(generator.below(10_001)) / 10_000,
          x: Double(generator.below(400_000)) / 100, y: Double(generator.below(400_000)) / 100,
          width: Double(generator.below(400_000)) / 100,
          height: Double(generator.below(400_000)) / 100)
      }
      let record = FrameRecord(
        frame: number % 13 == 12 ? nil : number,
        time: number % 3 == 0
          ? nil : Double(generator.below(1_000_000_000) - 5_000_000) / 1_000_000,
        width: 1 + generator.below(8000), height: 1 + generator.below(8000),
        isCorrupt: number % 11 == 0,
        same: number % 7 == 6 ? number % 14 == 6 ? .frame(number - 1) : .uncounted : nil,
        outcome: number % 19 == 18 ? .failure("not finite") : .detections(found))
      encoder.append(record, to: &bytes)
      expected.append((source, record))
    }
    let reader = try reader(bytes)
    let read = try all(reader)
    try #require(read.count == expected.count)
    #expect(Set(reader.labels) == Set(labels))
    for (index, (line, (source, record))) in zip(read, expected).enumerated() {
      #expect(line.number == index + 1)
      #expect(line.source == source)
      // The reader numbers labels as they come.
      var record = record
      if case .detections(let found) = record.outcome {
        record.outcome = .detections(
          try found.map {
            var detection = $0
            detection.classIndex = try #require(reader.labels.firstIndex(of: labels[$0.classIndex]))
            return detection
          })
      }
      #expect(line.record == record)
    }
    #expect(read.count { $0.record.isInputFailure } == expected.count { $0.1.isInputFailure })
    #expect(reader.bytesRead == bytes.count - read.count)
  }

  @Test func keysMayComeInAnyOrderAndUnknownOnesArePassedOver() throws {
    let read = try lines(
      "\u{20} { \"detections\" : [ { \"box\" : [ 1e1 , -2.5E-1 ,3 , 4 ] ,\"more\":{\"a\":[[],{},[{\"b\":null}]]}, \"score\": 1 , \"label\" : \"\\u0041\\ud83d\\ude00\" } ] ,\r"
        + "\t\"new\":[true,false,null,-0,\"\\\"\"],\"height\":2,\"width\":3,\"time\":2,\"frame\":7,\"source\":\"a\\/b.jpg\"}\r\n\n"
        + "{\"source\":\"a/b.jpg\",\"detections\":null}")
    try #require(read.count == 2)
    #expect(read[0].source.text == "a/b.jpg" && read[1].source == read[0].source)
    #expect(
      read[0].record
        == FrameRecord(
          frame: 7, time: 2, width: 3, height: 2,
          outcome: .detections([
            RecordedDetection(classIndex: 0, score: 1, x: 10, y: -0.25, width: 3, height: 4)
          ])))
    #expect(read[1].record.outcome == .failure("no reason is given"))
    #expect(read[1].number == 3)
  }

  @Test func labelsAreOneHoweverTheyAreSpelt() throws {
    let many = (0..<3000).flatMap { [$0, $0] }
    let text = many.enumerated().map { index, number in
      let label = index % 2 == 0 ? "label-\(number)" : "\\u006cabel-\(number)"
      return
        "{\"source\":\"a\",\"detections\":[{\"label\":\"\(label)\",\"score\":0,\"box\":[0,0,0,0]}]}\n"
    }
    let reader = try reader(Array(text.joined().utf8))
    for number in many {
      let line = try #require(try reader.next())
      guard case .detections(let found) = line.record.outcome else { throw Failure() }
      #expect(reader.labels[found[0].classIndex] == "label-\(number)")
    }
    #expect(reader.labels.count == 3000)
  }

  private struct Failure: Error {}

  @Test(arguments: [
    ("{\"source\":\"a\",\"detections\":[]", 29, "there should be a ',' or a '}'"),
    ("{\"source\":\"a\",\"detections\":[]}x", 30, "there is more after the end"),
    ("\0\0\0", 0, "there should be a '{'"),
    ("[]", 0, "there should be a '{'"),
    ("{\"source\":\"a\"}", 14, "there are no \"detections\": this is no record"),
    ("{\"detections\":[]}", 17, "there is no \"source\": this is no record"),
    (
      "{\"source\":\"../a\"}", 16,
      "\"source\": '../a' cannot be the name of an input: it leads out of its directory with '..'"
    ),
    (
      "{\"source\":\"a\\u0000\"}", 19,
      "\"source\": 'a\\u{0}' cannot be the name of an input: it holds a zero byte"
    ),
    ("{\"source\":\"\\ud800\"}", 11, "an escape in a string stands for no character"),
    ("{\"source\":\"a", 12, "a string does not end"),
    ("{\"source\":\"a\\", 12, "an escape in a string stands for no character"),
    ("{\"sourceBytes\":\"*\"}", 18, "\"sourceBytes\" is not base64"),
    ("{\"frame\":-1}", 11, "\"frame\" is -1, and not 0 to 9007199254740992"),
    ("{\"frame\":99999999999999999999}", 9, "there should be a whole number"),
    ("{\"frame\":1.0}", 9, "there should be a whole number"),
    ("{\"width\":0}", 10, "\"width\" is 0, and not 1 to 2147483647"),
    ("{\"width\":2147483648}", 19, "\"width\" is 2147483648, and not 1 to 2147483647"),
    ("{\"time\":1e999}", 8, "a number is too large"),
    ("{\"time\":1e13}", 12, "\"time\" is 10000000000000.0 seconds"),
    ("{\"time\":01}", 10, "a number begins with a zero that means nothing"),
    ("{\"time\":.5}", 8, "there should be a number"),
    ("{\"time\":5.}", 10, "there should be digits after the point"),
    ("{\"time\":5e}", 10, "there should be an exponent"),
    ("{\"time\":NaN}", 8, "there should be a number"),
    ("{\"detections\":[{\"score\":1.5}]}", 27, "\"score\" is not 0 to 1"),
    (
      "{\"detections\":[{\"box\":[0,0,-1,0]}]}", 32,
      "\"box\" is not [x, y, width, height] in pixels"
    ),
    ("{\"detections\":[{\"box\":[0,0,1]}]}", 29, "\"box\" has too few numbers"),
    ("{\"detections\":[{}]}", 17, "a detection must have \"label\", \"score\" and \"box\""),
    ("{\"a\":[[1,2}]", 10, "there should be a ',' or a ']'"),
    ("{\"a\":nul}", 5, "there should be a value"),
    ("{\"a\":\"\u{1}\"}", 6, "there is a control character in a string"),
  ])
  func whatIsNoRecordIsSaidWithItsPlace(
    text: String, offset: Int, problem: String
  ) throws {
    let good = "{\"source\":\"a\",\"detections\":[]}\n"
    let reader = try reader(Array((good + text + "\n" + good).utf8))
    #expect(try reader.next() != nil)
    let error = #expect(throws: RecordReadingError.self) { try reader.next() }
    let path = folder.path.appending("records.jsonl")
    #expect(error?.description == "\(path): line 2, column \(offset + 1): \(problem)")
  }

  @Test func whateverTheBytesAreNothingTraps() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("whateverTheBytesAreNothingTraps: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let line = Array(
      "{\"source\":\"a\\n/b\",\"sourceBytes\":\"YQ==\",\"frame\":42,\"time\":1.5e0,\"width\":3,\"height\":2,\"same\":1,\"new\":{\"a\":[1,{}]},\"detections\":[{\"label\":\"\\u00e4x\",\"score\":0.93,\"box\":[4,2.5,9,9.8]}]}"
        .utf8)
    let interesting = Array("{}[]\",:\\0-.e9nu\0\u{ff}".unicodeScalars.map { UInt8($0.value) })
    var faults = 0
    for _ in 0..<20_000 {
      var bytes = line
      for _ in 0...generator.below(3) {
        let place = generator.below(bytes.count)
        switch generator.below(4) {
        case 0: bytes[place] = UInt8(generator.below(256))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(interesting[generator.below(interesting.count)], at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { break }
      }
      var parser = RecordParser()
      do {
        _ = try bytes.withUnsafeBytes { try parser.record($0) }
      } catch {
        faults += 1
        #expect(error is JSONError)
      }
    }
    #expect(faults > 10_000)
  }

  @Test func depthAndLengthAreBounded() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: RecordReadingError.self) { try lines("{\"a\":\(deep)") }
    let allowed =
      String(repeating: "[", count: 511) + String(repeating: "]", count: 511)
    #expect(try lines("{\"a\":\(allowed),\"source\":\"a\",\"detections\":[]}").count == 1)

    // Longer than a block, and across blocks.
    let long = String(repeating: "x", count: 3_000_000)
    let text = "{\"source\":\"a\",\"more\":\"\(long)\",\"detections\":[]}\n"
    #expect(try lines(text + text).map(\.number) == [1, 2])
    let longer = [UInt8](repeating: UInt8(ascii: "x"), count: RecordReader.lineLimit + (4 << 20))
    let error = #expect(throws: RecordReadingError.self) {
      try reader(Array("\n\n".utf8) + longer).next()
    }
    #expect(
      error?.description.hasSuffix(
        "line 3: it is longer than 64 MiB: this is no file of records") == true)
  }

  @Test func linesAcrossBlocksAreWhole() throws {
    // 3 MiB of lines of many lengths.
    let text = (0..<20_000).map { number in
      "{\"source\":\"\(number)\",\"x\":\"\(String(repeating: "y", count: number % 251))\",\"detections\":[]}\n"
    }
    let read = try lines(text.joined())
    #expect(read.map(\.source.text) == (0..<20_000).map(String.init))
  }
}
