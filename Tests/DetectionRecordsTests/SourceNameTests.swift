import Files
import SystemPackage
import TestSupport
import Testing

@testable import DetectionRecords

@Suite struct SourceNameTests {
  @Test func namesAreNormalised() throws {
    for (written, name) in [
      ("a.mp4", "a.mp4"), ("./a//b/./c.mp4", "a/b/c.mp4"), ("a/", "a"), ("...", "..."),
      ("a..b/.x", "a..b/.x"), ("x/.detect-batch/y", "x/.detect-batch/y"), ("file:a", "file:a"),
    ] {
      #expect(try SourceName(written).text == name)
    }
  }

  @Test func namesThatLeadElsewhereAreRefused() throws {
    for name in [
      "", ".", "./", "/a.mp4", "../a.mp4", "a/../b", "a/..", "..", "a\0b", ".detect-batch/x",
      "./.detect-batch", ".detect-batch",
    ] {
      #expect(throws: SourceNameError.self) { try SourceName(name) }
    }
    #expect(
      SourceNameError(name: "a/../b", problem: "it leads out of its directory with '..'")
        .description
        == "'a/../b' cannot be the name of an input: it leads out of its directory with '..'")
  }

  @Test func messagesStayOnOneLine() throws {
    let name = try SourceName(bytes: Array("a\nb\r\t\u{1b}[2J\u{2028}c".utf8) + [0xff])
    #expect(name.oneLine == "a\\nb\\r\\t\\u{1b}[2J\\u{2028}c\u{fffd}")
    #expect(name.path.oneLine == name.oneLine)
    #expect(name.path.bytes == name.bytes)
  }

  /// Computed with Python: FNV-1a, then SplitMix64's finaliser. They must never change, or shards of one run that were
  /// made by two versions would not fit together.
  @Test func hashIsFixed() throws {
    let expected: [(String, UInt64)] = [
      ("a", 0x02c0bdbf481420f8),
      ("a.mp4", 0xcd9c9650f1191d1f),
      ("b.mp4", 0x1fdd5c744746452f),
      ("cam1/0700.mp4", 0xb24da569771a906b),
      ("ä/é.png", 0xd9fcf738330aef6c),
    ]
    for (name, hash) in expected { #expect(try SourceName(name).stableHash == hash) }
  }

  @Test func partsAreRead() throws {
    #expect(Part("2/5") == Part(index: 2, count: 5))
    #expect(Part("1/10000000") != nil && Part("1/10000001") == nil)
    #expect(Part("1/9223372036854775807") == nil)
    #expect(Part("5/5")?.description == "5/5")
    for text in ["0/5", "6/5", "1/0", "1", "1/", "/5", "1/5/2", "a/5", "-1/5", "1/5 ", ""] {
      #expect(Part(text) == nil, "\(text)")
    }
  }
}
