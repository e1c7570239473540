import DetectionRecords
import Drawing
import Foundation
import Media
import SystemPackage
import TestSupport
import Testing

@testable import Results

@Suite struct FrameMarksTests {
  /// What is marked in frames 0 ..< count: the left edges of boxes, or nil where nothing is known.
  private func marks(
    _ lines: [String], _ between: FrameMarks.Between, count: Int, times: Bool = false
  ) throws -> [[Double]?] {
    let fixture = try DrawFixture()
    try fixture.write(lines)
    let records = InputRecords(
      RecordReader(try RecordFiles([fixture.path.appending("records.jsonl")])))
    _ = try records.nextInput()
    let marks = FrameMarks(records, .init(), between: between, framesPerSecond: 10)
    return try (0..<count).map { frame in
      let place = FrameMarks.Place(index: frame, time: times ? Double(frame) / 10 : nil)
      guard case .annotations(let found) = try marks.marks(at: place) else { return nil }
      return found.map(\.box.x)
    }
  }

  private static let failure =
    #"{"source":"v","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"lost"}"#

  private static func failed(_ frame: Int) -> String {
    #"{"source":"v","frame":\#(frame),"time":null,"width":96,"height":64,"detections":null,"failure":"lost"}"#
  }

  private static func line(_ frame: Int, _ lefts: [Double], time: Double? = nil) -> String {
    DrawFixture.line("v", frame, lefts.map { [$0, 1, 2, 3] }, time: time)
  }

  @Test func betweenLinesNothingOrWhatWasFoundLast() throws {
    let lines = [Self.line(1, [7]), Self.line(3, []), Self.line(4, [9])]
    #expect(try marks(lines, .nothing, count: 6) == [[], [7], [], [], [9], []])
    #expect(try marks(lines, .lastFound, count: 6) == [[], [7], [7], [], [9], [9]])
  }

  @Test func coversGoTheWholeWay() throws {
    // From 7 to 20, and nothing at 6: in frames 4 and 5 it may be anywhere between, and then still at 20.
    let lines = [Self.line(2, [7]), Self.line(4, [20]), Self.line(6, []), Self.line(8, [30])]
    #expect(
      try marks(lines, .wholeWay, count: 12)
        == [[7], [7], [7], [7], [20], [20], [], [30], [30], [30], [30], nil])
  }

  @Test func coversKnowWhereNobodyLooked() throws {
    let lines = [Self.line(2, [7]), Self.failed(3), Self.line(4, [7]), Self.failure]
    #expect(try marks(lines, .wholeWay, count: 6) == [nil, [7], [7], nil, [7], nil])
    #expect(try marks([Self.failed(0), Self.failure], .wholeWay, count: 2) == [nil, nil])
    #expect(try marks([Self.line(0, [7])], .wholeWay, count: 3) == [[7], nil, nil])
  }

  /// Pages have nothing to do with each other.
  @Test func betweenPagesNothingIsKnown() throws {
    let lines = [Self.line(0, [7]), Self.line(2, []), Self.failed(3)]
    #expect(try marks(lines, .unknown, count: 5) == [[7], nil, [], nil, nil])
  }

  /// Recordings one after another: the times of records tell no frames apart any more, their numbers do.
  @Test func aClockThatGoesBack() throws {
    func look(_ number: Int?, _ time: Double, _ left: Double) -> String {
      #"{"source":"v","frame":\#(number.map(String.init) ?? "null"),"time":\#(time),"width":96,"height":64,"detections":[{"label":"x","score":1,"box":[\#(left),1,1,1]}]}"#
    }
    let times = [0, 0.1, 0.2, 0, 0.1, 0.2]
    func marks(
      _ hasNumbers: Bool, _ between: FrameMarks.Between
    ) throws -> (found: [[Double]?], isLost: Bool) {
      let fixture = try DrawFixture()
      try fixture.write(times.enumerated().map { look(hasNumbers ? $0 : nil, $1, Double($0)) })
      let records = InputRecords(
        RecordReader(try RecordFiles([fixture.path.appending("records.jsonl")])))
      _ = try records.nextInput()
      let marks = FrameMarks(records, .init(), between: between, framesPerSecond: 10)
      let found = try times.enumerated().map { frame, time -> [Double]? in
        guard case .annotations(let found) = try marks.marks(at: .init(index: frame, time: time))
        else { return nil }
        return found.map(\.box.x)
      }
      return (found, marks.isLost)
    }
    for between in [FrameMarks.Between.nothing, .wholeWay] {
      let numbered = try marks(true, between)
      #expect(numbered.found == (0..<6).map { [Double($0)] } && !numbered.isLost)
    }
    let covered = try marks(false, .wholeWay)
    #expect(covered.found == [[0], [1], [2], nil, nil, nil] && covered.isLost)
    #expect(try marks(false, .nothing).found == [[0], [1], [2], [], [], []])
  }

  /// Neither a number nor a time, as of a forged clock: one input's trouble.
  @Test func linesThatNobodyCanPlace() throws {
    let line =
      #"{"source":"v","frame":null,"time":null,"width":96,"height":64,"detections":[{"label":"x","score":1,"box":[1,1,1,1]}]}"#
    #expect(try marks([line, line], .wholeWay, count: 3, times: true) == [nil, nil, nil])
    #expect(try marks([line, line], .nothing, count: 3, times: true) == [[], [], []])
  }

  /// What lies at the same second of another recording is not near.
  @Test func nearnessEndsWhereTheClockGoesBack() throws {
    let fixture = try DrawFixture()
    let times = (0..<10).map { Double($0) } + (0..<10).map { Double($0) }
    try fixture.write(
      times.enumerated().map {
        DrawFixture.line("v", $0, $0 == 2 || $0 == 17 ? [[1, 1, 2, 2]] : [], time: $1)
      })
    let records = InputRecords(
      RecordReader(try RecordFiles([fixture.path.appending("records.jsonl")])))
    _ = try records.nextInput()
    let marks = FrameMarks(records, .init(), between: .nothing, framesPerSecond: 1)
    let near = try times.enumerated().filter { frame, time in
      let place = FrameMarks.Place(index: frame, time: time)
      return try marks.isNearDetection(place, marks.marks(at: place), seconds: 1)
    }
    #expect(near.map(\.offset) == [1, 2, 3, 16, 17, 18])
  }

  @Test func aWayHoldsEveryPlaceBetween() {
    func annotation(_ x: Double, _ label: String) -> Annotation {
      Annotation(
        box: AnnotatedBox(x: x, y: x / 2, width: 10, height: 20), label: label, score: 0.5)
    }
    let before = [annotation(0, "a"), annotation(100, "a"), annotation(50, "b")]
    let after = [annotation(90, "a"), annotation(10, "a"), annotation(500, "c")]
    let way = FrameMarks.way(before, after).map(\.box)
    for part in stride(from: 0, through: 1, by: 0.125) {
      for (from, to) in [(0.0, 10.0), (100, 90), (50, 50), (500, 500)] {
        let x = from + (to - from) * part
        #expect(
          way.contains {
            $0.x <= x && $0.y <= x / 2 && $0.x + $0.width >= x + 10
              && $0.y + $0.height >= x / 2 + 20
          }, "\(x)")
      }
    }
    #expect(way.count == 4)
  }

  @Test func withoutNumbersTimesTell() throws {
    let lines = [2, 5].map {
      #"{"source":"v","frame":null,"time":0.\#($0)00000,"width":96,"height":64,"detections":[{"label":"x","score":1,"box":[\#($0),1,1,1]}]}"#
    }
    #expect(try marks(lines, .nothing, count: 7, times: true) == [[], [], [2], [], [], [5], []])
    #expect(throws: RecordReadingError.self) {
      try marks([lines[0], Self.line(3, [])], .nothing, count: 9, times: true)
    }
  }
}

@Suite struct OutputClockTests {
  private func places(_ timestamps: [Int64?], duration: Int64? = nil) -> [Int64] {
    var clock = OutputClock(timeBase: Ratio(1, 100), framesPerSecond: 25)
    return timestamps.map { clock.place($0, duration: duration) }
  }

  @Test func timesAreKeptAsLongAsTheyRise() {
    #expect(places([0, 4, 8, 13, 1000]) == [0, 4, 8, 13, 1000])
    #expect(places([-3, 4, nil, nil, 20]) == [-3, 4, 8, 12, 20])
    #expect(places([nil, nil, nil], duration: 7) == [0, 7, 14])
    // A little back, or again the same: a tick after it, and then as they say.
    #expect(places([0, 4, 4, 3, 8, 12]) == [0, 4, 5, 6, 8, 12])
    // Far back: moved on, and all after it too.
    #expect(places([0, 4, 1000, 0, 4, 8]) == [0, 4, 1000, 1004, 1008, 1012])
  }

  @Test func forgedTimesTrapNothing() {
    var clock = OutputClock(timeBase: Ratio(1, .max), framesPerSecond: 1e-300)
    for time in [Int64.max, .min, 0, .max, nil, .min] { _ = clock.place(time, duration: .max) }
  }
}

@Suite struct ClockTextTests {
  @Test func timesAreFitForNames() {
    #expect(ClockText.text(3723.4996) == "01:02:03.500")
    #expect(ClockText.name(0) == "00h00m00.000s")
    #expect(ClockText.name(360_000) == "100h00m00.000s")
    #expect(ClockText.name(-1) == "00h00m00.000s")
  }
}
