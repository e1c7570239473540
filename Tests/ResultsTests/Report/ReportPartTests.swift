import Drawing
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Results

/// The parts that a report is put together from.
struct ReportPartTests {
  /// A number that was closed may be another file's by the time the output goes. In a process of its own, where nobody
  /// else opens files.
  @Test func aReportOfOneFileIsClosedOnce() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let next: FileDescriptor
      do {
        let output = try ReportOutput(
          folder.path.appending("one.html"), isOneFile: true, title: "", replaces: false)
        try output.finish()
        next = try FileDescriptor.open("/dev/null", .readOnly)
      }
      // Fails where it is closed.
      try next.close()
    }
  }

  /// A sample depends on what there is, not on the order in which it comes.
  @Test func sampleIsTheSameInAnyOrder() {
    let keys = SampleKeys(seed: 7)
    func sample(_ records: [Int], capacity: Int = 10) -> SeededSample<Int> {
      var sample = SeededSample<Int>(capacity: capacity)
      for record in records { sample.offer(key: keys.key(source: 3, record: record), record) }
      return sample
    }
    var generator = SeededGenerator(seed: 1)
    let records = Array(0..<1000)
    let first = sample(records)
    #expect(first.total == 1000)
    #expect(Set(first.elements).count == 10)
    #expect(first.elements == sample(records.shuffled(using: &generator)).elements)
    #expect(first.elements != first.elements.sorted())
    #expect(sample(Array(0..<4)).elements.count == 4)
    #expect(sample(records, capacity: 0).elements.isEmpty)
    var other = SeededSample<Int>(capacity: 10)
    for record in records {
      other.offer(key: SampleKeys(seed: 8).key(source: 3, record: record), record)
    }
    #expect(other.elements != first.elements)
  }

  /// Over many seeds every element is chosen about equally often: 10 of 100 each time, 2000 times, is 200 for each, and
  /// five standard deviations are 67.
  @Test func sampleIsFair() {
    var chosen = [Int](repeating: 0, count: 100)
    for seed in 0..<2000 {
      let keys = SampleKeys(seed: UInt64(seed))
      var sample = SeededSample<Int>(capacity: 10)
      for record in 0..<100 {
        sample.offer(key: keys.key(source: UInt64(record / 10), record: record % 10), record)
      }
      for element in sample.elements { chosen[element] += 1 }
    }
    #expect(chosen.allSatisfy { abs($0 - 200) < 67 }, "\(chosen)")
  }

  /// However long the time, no detection is lost, steps are few, and each detection is in the step of its time.
  @Test func timelineHoldsAnyLength() {
    var generator = SeededGenerator(seed: 5)
    for length in [0.0, 0.01, 1, 7.5, 7.51, 3600, 1e9] {
      var timeline = Timeline()
      let times = (0..<500).map { Double($0) / 499 * length }
      var classes: [Int] = []
      for time in times {
        classes.append(generator.below(3))
        timeline.reach(time)
        timeline.add(classes[classes.count - 1], at: time)
      }
      #expect(timeline.binCount <= Timeline.binLimit)
      #expect(length < 7.5 || timeline.binCount > Timeline.binLimit / 2 - 1, "\(length)")
      for place in 0..<3 {
        var wanted = [Int](repeating: 0, count: timeline.binCount)
        for (time, own) in zip(times, classes) where own == place {
          wanted[Int(time / timeline.binSeconds)] += 1
        }
        let counts = timeline.counts[place] ?? []
        #expect(counts + Array(repeating: 0, count: wanted.count - counts.count) == wanted)
      }
    }
    var early = Timeline()
    early.reach(-3)
    early.add(0, at: -3)
    #expect(early.counts == [0: [1]] && early.binCount == 1)
  }

  @Test(arguments: [
    ("/srv/report", "/srv/media/a.mp4", "../media/a.mp4"),
    ("/srv/report", "/srv/report/a.mp4", "a.mp4"),
    ("/srv/report", "/other/a b.mp4", "../../other/a%20b.mp4"),
    ("/srv/report", "media/../x/./a.mp4", "../../home/me/x/a.mp4"),
    ("report", "media/a.mp4", "../media/a.mp4"),
    ("/srv/report", "/srv", "../../srv"),
    ("/", "/a", "a"),
    ("report", "javascript:alert(1)", "../javascript%3Aalert%281%29"),
    ("report", "a/</script>.jpg", "../a/%3C/script%3E.jpg"),
    ("report", "100% \"#1?'.jpg", "../100%25%20%22%231%3F%27.jpg"),
    ("report", "\u{2028}é.jpg", "../%E2%80%A8%C3%A9.jpg"),
  ])
  func linkLeadsThere(_ folder: String, _ file: String, _ address: String) {
    let link = MediaLink(from: FilePath(folder), workingDirectory: "/home/me")
    #expect(link.address(of: FilePath(file)) == address)
  }

  /// A name whose bytes are no text is a link all the same.
  @Test func linkHoldsAnyBytes() {
    let link = MediaLink(from: "report", workingDirectory: "/")
    #expect(link.address(of: FilePath(bytes: [0x66, 0xff, 0x01])) == "../f%FF%01")
  }

  /// What a script holds says the same as the JSON it was made of, and nothing in it can end the script.
  @Test(arguments: [
    "</script><script>alert(1)</script>", "<!-- <script>", "]]>", "&lt;", "a\u{2028}b\u{2029}c",
    "\u{a8}\u{a9}", "€\u{2027}\u{202a}", "\u{e28}\u{20a8}", "plain",
  ])
  func scriptsAreSafe(_ text: String) throws {
    let json = Array(try JSONEncoder().encode([text, "\u{a8}"]))
    let raw = Array("[\"\(text)\",\"\u{a8}\"]".utf8)
    for bytes in [json, raw] {
      let safe = PageText.scriptSafe(bytes)
      let said = String(decoding: safe, as: UTF8.self)
      #expect(said.unicodeScalars.allSatisfy { !"<>&\u{2028}\u{2029}".unicodeScalars.contains($0) })
      #expect(try JSONDecoder().decode([String].self, from: Data(safe)) == [text, "\u{a8}"])
    }
  }

  @Test func textIsNoMarkup() {
    #expect(
      MarkupText.escaped("<a href=\"x\">&'\n\u{1}")
        == "&lt;a href=&quot;x&quot;&gt;&amp;'&#10;\u{fffd}")
  }

  /// The digest of the empty text, as every other tool writes it.
  @Test func policyNamesScripts() {
    #expect(
      PageText.policySource(of: "") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='")
  }
}
