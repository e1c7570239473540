import Files
import Foundation
import JSONText
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct RecordEncoderTests {
  private func line(_ record: FrameRecord, source: String = "a.mp4") throws -> String {
    var bytes: [UInt8] = []
    RecordEncoder(source: try SourceName(source), labels: RecordsFixture.labels)
      .append(record, to: &bytes)
    return text(bytes)
  }

  @Test func linesAreAsTheContractHasThem() throws {
    let detection = RecordedDetection(
      classIndex: 0, score: 0.93118, x: 412.5, y: 220.1, width: 96, height: 94.8)
    #expect(
      try line(
        FrameRecord(
          frame: 42, time: 1.4014, width: 1920, height: 1080, outcome: .detections([detection])),
        source: "cam1/0700.mp4")
        == #"{"source":"cam1/0700.mp4","frame":42,"time":1.401400,"width":1920,"height":1080,"detections":[{"label":"qr_code","score":0.9312,"box":[412.50,220.10,96.00,94.80]}]}"#
        + "\n")
    #expect(
      try line(FrameRecord(frame: 0, time: nil, width: 7, height: 1, outcome: .detections([])))
        == #"{"source":"a.mp4","frame":0,"time":null,"width":7,"height":1,"detections":[]}"# + "\n")
    #expect(
      try line(
        FrameRecord(
          frame: nil, time: -0.5, width: 7, height: 1, isCorrupt: true, outcome: .failure("x")))
        == #"{"source":"a.mp4","frame":null,"time":-0.500000,"width":7,"height":1,"corrupt":true,"detections":null,"failure":"x"}"#
        + "\n")
    // No reader takes more, and no clock says it.
    for time in [1e12, -1e12, 9e29, -Double.greatestFiniteMagnitude] {
      #expect(
        try line(FrameRecord(frame: 0, time: time, width: 7, height: 1, outcome: .detections([])))
          == #"{"source":"a.mp4","frame":0,"time":null,"width":7,"height":1,"detections":[]}"#
          + "\n")
    }
    var failure: [UInt8] = []
    let latin1 = Array("caf".utf8) + [0xe9]
    RecordEncoder(source: try SourceName(bytes: latin1), labels: LabelTable([]))
      .appendFailure("moov atom not found", to: &failure)
    #expect(
      text(failure)
        == "{\"source\":\"caf\u{fffd}\",\"sourceBytes\":\"Y2Fm6Q==\",\"frame\":null,\"time\":null,\"width\":null,\"height\":null,\"detections\":null,\"failure\":\"moov atom not found\"}\n"
    )
  }

  @Test func numbersAreWrittenAsPrintfWritesThem() {
    let seed: UInt64 = 20_261_125
    print("numbersAreWrittenAsPrintfWritesThem: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var values: [Double] = [
      0, -0.0, 0.5, 0.125, 0.375, 0.005, -0.005, 0.004_999, -0.001, 1e-7,
      -Double.leastNonzeroMagnitude, 0.999_999_5,
      0.00005, 0.00015, 2.5, 1e15, 9.007_199_254_740_993e15, 1.844_674_407_370_955_3e19, 1e28,
      -1e28, 0x1p95, 1.005, 2.675, 1_234_567.895, 0.1 + 0.2,
    ]
    for _ in 0..<20_000 {
      // All exponents up to 2^95, numbers of boxes, and exact ties.
      let bits = generator.next()
      let exponent = UInt64(generator.below(1023 + 95))
      values.append(Double(bitPattern: bits & ~(0x7ff << 52) | exponent << 52))
      values.append(Double(generator.unitFloat() * 2000))
      values.append(Double(generator.below(1 << 20)) / 1024)
    }
    var ties = 0
    for value in values {
      for decimals in [2, 4, 6] {
        var bytes: [UInt8] = []
        JSON.append(value, decimals: decimals, to: &bytes)
        var expected = String(format: "%.\(decimals)f", value)
        if expected.allSatisfy({ "-0.".contains($0) }) {
          expected = expected.replacing("-", with: "")
        }
        #expect(text(bytes) == expected, "\(value)")
        if decimals == 2 && (value * 1000).truncatingRemainder(dividingBy: 10).magnitude == 5 {
          ties += 1
        }
      }
    }
    #expect(ties > 50)
  }

  @Test func integersAreWritten() {
    for value in [0, 7, -7, 1_000_000, Int.max, Int.min] {
      var bytes: [UInt8] = []
      JSON.append(value, to: &bytes)
      #expect(text(bytes) == String(value))
    }
  }

  /// What a reader of records may rely on: these keys, no others, of these types.
  private struct StrictRecord: Decodable {
    let source: String
    let sourceBytes: String?
    let frame: Int?
    let time: Double?
    let width: Int?
    let height: Int?
    let corrupt: Bool?
    let detections: [StrictDetection]?
    let failure: String?

    enum Key: String, CodingKey, CaseIterable {
      case source, sourceBytes, frame, time, width, height, corrupt, detections, failure
    }

    init(from decoder: any Decoder) throws {
      try refuseUnknownKeys(decoder, Key.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: Key.self)
      source = try values.decode(String.self, forKey: .source)
      sourceBytes = try values.decodeIfPresent(String.self, forKey: .sourceBytes)
      for key in [Key.frame, .time, .width, .height, .detections] where !values.contains(key) {
        throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "missing"))
      }
      frame = try values.decode(Int?.self, forKey: .frame)
      time = try values.decode(Double?.self, forKey: .time)
      width = try values.decode(Int?.self, forKey: .width)
      height = try values.decode(Int?.self, forKey: .height)
      corrupt = try values.decodeIfPresent(Bool.self, forKey: .corrupt)
      detections = try values.decode([StrictDetection]?.self, forKey: .detections)
      failure = try values.decodeIfPresent(String.self, forKey: .failure)
    }
  }

  private struct StrictDetection: Decodable {
    let label: String
    let score: Double
    let box: [Double]

    enum Key: String, CodingKey, CaseIterable { case label, score, box }

    init(from decoder: any Decoder) throws {
      try refuseUnknownKeys(decoder, Key.allCases.map(\.rawValue))
      let values = try decoder.container(keyedBy: Key.self)
      label = try values.decode(String.self, forKey: .label)
      score = try values.decode(Double.self, forKey: .score)
      box = try values.decode([Double].self, forKey: .box)
    }
  }

  @Test func linesAreReadBackByAStrictReader() throws {
    let seed: UInt64 = 7
    print("linesAreReadBackByAStrictReader: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let labels = ["plain", "\"quoted\\\"", "new\nline\u{0}\u{1f}\u{7f}\t\r", "\u{2028}🎈ä", ""]
    let table = LabelTable(labels)
    for _ in 0..<500 {
      let name = (0..<(1 + generator.below(12))).map { _ in UInt8(1 + generator.below(255)) }
      guard let source = try? SourceName(bytes: name) else { continue }
      let found = (0..<generator.below(4)).map { _ in
        RecordedDetection(
          classIndex: generator.below(labels.count), score: Double(generator.unitFloat()),
          x: Double(generator.unitFloat()) * 4000, y: 0, width: Double(generator.unitFloat()),
          height: 1e4)
      }
      let record = FrameRecord(
        frame: generator.below(2) == 0 ? nil : generator.below(1 << 40),
        time: generator.below(2) == 0 ? nil : Double(generator.unitFloat() - 0.5) * 1e5,
        width: generator.below(10_000), height: generator.below(10_000),
        isCorrupt: generator.below(2) == 0,
        outcome: generator.below(3) == 0 ? .failure(labels[generator.below(5)]) : .detections(found)
      )
      var bytes: [UInt8] = []
      RecordEncoder(source: source, labels: table).append(record, to: &bytes)
      #expect(bytes.count { $0 == 0x0a } == 1 && bytes.last == 0x0a)

      let read = try JSONDecoder().decode(StrictRecord.self, from: Data(bytes))
      #expect(read.source == source.text)
      #expect((read.sourceBytes == nil) == source.isText)
      if let base64 = read.sourceBytes {
        #expect(Data(base64Encoded: base64) == Data(source.bytes))
      }
      #expect(read.frame == record.frame)
      #expect((read.time == nil) == (record.time == nil))
      #expect(abs((read.time ?? 0) - (record.time ?? 0)) <= 0.5e-6 + 1e-11)
      #expect(read.width == record.width && read.height == record.height)
      #expect(read.corrupt == (record.isCorrupt ? true : nil))
      switch record.outcome {
      case .failure(let reason):
        #expect(read.failure == reason && read.detections == nil)
      case .detections(let detections):
        #expect(read.failure == nil)
        let readDetections = try #require(read.detections)
        #expect(readDetections.map(\.label) == detections.map { labels[$0.classIndex] })
        for (own, read) in zip(detections, readDetections) {
          #expect(abs(own.score - read.score) <= 0.5e-4 + 1e-12)
          for (a, b) in zip([own.x, own.y, own.width, own.height], read.box) {
            #expect(abs(a - b) <= 0.005 + 1e-9)
          }
        }
      }
    }
  }

  @Test(.python) func pythonReadsTheSame() throws {
    let seed: UInt64 = 11
    print("pythonReadsTheSame: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var lines: [UInt8] = []
    var sources: [SourceName] = []
    while sources.count < 300 {
      let length = 1 + generator.below(10)
      // Mostly bytes of broken UTF-8: leads, continuations, controls.
      let name = (0..<length).map { _ in
        [UInt8(1 + generator.below(127)), UInt8(0x80 + generator.below(128))][generator.below(2)]
      }
      guard let source = try? SourceName(bytes: name) else { continue }
      sources.append(source)
      RecordEncoder(source: source, labels: RecordsFixture.labels).append(
        FrameRecord(frame: 1, time: 0.25, width: 3, height: 2, outcome: .failure(source.text)),
        to: &lines)
    }
    let program = """
      import base64, json, sys
      def pairs(p):
          return [list(x) for x in p]
      with open(sys.argv[1], 'rb') as f:
          data = f.read()
      for line in data.decode('utf-8').split('\\n')[:-1]:
          p = json.loads(line, object_pairs_hook=pairs)
          keys = [k for k, v in p]
          want = ['source', 'sourceBytes', 'frame', 'time', 'width', 'height', 'detections', 'failure']
          d = dict(p)
          if 'sourceBytes' not in d: want.remove('sourceBytes')
          assert keys == want, keys
          raw = base64.b64decode(d['sourceBytes']) if 'sourceBytes' in d else d['source'].encode()
          assert raw.decode('utf-8', 'replace') == d['source'] == d['failure'], raw
          assert (d['frame'], d['time'], d['width'], d['height'], d['detections']) == (1, 0.25, 3, 2, None)
          print(raw.hex())
      """
    let printed = try python(program, input: lines)
    let expected = sources.map { source in
      source.bytes.map { String(format: "%02x", $0) }.joined()
    }
    #expect(printed.split(separator: "\n").map(String.init) == expected)
  }
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

private func refuseUnknownKeys(_ decoder: any Decoder, _ known: [String]) throws {
  for key in try decoder.container(keyedBy: AnyKey.self).allKeys
  where !known.contains(key.stringValue) {
    throw DecodingError.dataCorrupted(
      .init(codingPath: [key], debugDescription: "unknown key \(key.stringValue)"))
  }
}
