import Foundation
import TestSupport
import Testing

/// What `scripts/fuzz` kept: the smallest inputs that reach all that is reached, a line each, as base64. A trap ends the
/// tests.
struct CorpusTests {
  @Test(arguments: FuzzTarget.allCases)
  func nothingThatWasFoundTraps(target: FuzzTarget) throws {
    let file = try #require(
      Bundle.module.url(forResource: target.rawValue, withExtension: "txt", subdirectory: "Corpus"))
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(!lines.isEmpty)
    for line in lines {
      let bytes = try #require(Data(base64Encoded: String(line)))
      bytes.withUnsafeBytes { target.run($0) }
    }
  }
}
