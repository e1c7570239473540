import Testing

@testable import detect_batch

struct OptionValueTests {
  @Test func timePositions() throws {
    #expect(try OptionValue.timePosition("90.5") == 90.5)
    #expect(try OptionValue.timePosition("01:30") == 90)
    #expect(try OptionValue.timePosition("1:00:01.25") == 3601.25)
    #expect(try OptionValue.timePosition("90:00") == 5400)
    for wrong in ["", ":", "1:99", "1.5:00", "1:2:3:4", "-1", "0:-1", "nan", "0x10", "1:60:00"] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.timePosition(wrong) }
    }
  }

  @Test func byteCounts() throws {
    #expect(try OptionValue.byteCount("4GiB") == 4 << 30)
    #expect(try OptionValue.byteCount("4g") == 4 << 30)
    #expect(try OptionValue.byteCount("512 MiB".filter { $0 != " " }) == 512 << 20)
    #expect(try OptionValue.byteCount("98304.5k") == 98304 << 10 + 512)
    #expect(try OptionValue.byteCount("67108864") == 64 << 20)
    // Ten was meant to be ten GiB.
    for wrong in ["", "0", "10", "63M", "4x", "GiB", "-1", "1e30G", "ib"] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.byteCount(wrong) }
    }
  }

  @Test func classThresholds() throws {
    #expect(try OptionValue.classThreshold("a=b=0.5") == ClassThreshold(label: "a=b", score: 0.5))
    for wrong in ["a", "=0.5", "a=", "a=2", "a=x"] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.classThreshold(wrong) }
    }
  }

  @Test func labels() throws {
    #expect(try OptionValue.labels("qr_code, stop sign ,a") == ["qr_code", "stop sign", "a"])
    for wrong in ["", ",", "a, ,b"] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.labels(wrong) }
    }
  }

  /// Each would end the program where it is converted or multiplied.
  @Test func numbersAreBounded() throws {
    #expect(try OptionValue.positiveCount("1000000000") == 1_000_000_000)
    #expect(try OptionValue.seconds("1e9") == 1e9)
    #expect(try OptionValue.seed("9223372036854775807") == .max)
    for wrong in ["1e10", "1e30", "1e300", "9223372036854775807", "1000000001"] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.positiveCount(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.count(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.seconds(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.rate(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.timePosition(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.sizes(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.side(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.anchorSizes(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.channels(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.depth(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.epochs(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try TrainOptionValue.ratios(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") {
        try TrainOptionValue.range("1,\(wrong)")
      }
    }
    let error = #expect(throws: OptionValueError.self) { try OptionValue.rate("1e30") }
    #expect(
      error?.expected == "a number above 0 and at most 1000000000, such as 2 or 0.5")
  }

  @Test func numbersAreDecimalAndFinite() {
    for wrong in ["nan", "inf", "infinity", "0x1p3", "", "1,5", "2 "] {
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.rate(wrong) }
      #expect(throws: OptionValueError.self, "\(wrong)") { try OptionValue.score(wrong) }
    }
  }
}
