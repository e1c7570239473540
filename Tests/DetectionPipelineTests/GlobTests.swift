import DetectionRecords
import Files
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import DetectionPipeline

@Suite struct GlobTests {
  private func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    Glob(pattern).matches(name.split(separator: UInt8(ascii: "/"))[...])
  }

  private func matches(_ pattern: String, _ name: String) -> Bool {
    matches(Array(pattern.utf8), Array(name.utf8))
  }

  @Test func patternsMean() {
    for (pattern, name, expected) in [
      ("*.mp4", "a.mp4", true), ("*.mp4", "d/a.mp4", false), ("*/*.mp4", "d/a.mp4", true),
      ("**/*.mp4", "a.mp4", true), ("**/*.mp4", "d/e/a.mp4", true), ("d/**", "d/e/f", true),
      ("d/**", "e/d", false), ("**", "a/b", true), ("a/**/z", "a/z", true),
      ("a/**/z", "a/b/c/z", true),
      ("a/**/**/z", "a/b/z", true), ("a/**/z", "a/b/y", false), ("a**z", "abcz", true),
      ("a**z", "ab/cz", false), ("cam[0-9]", "cam7", true), ("cam[!0-9]", "cam7", false),
      ("cam[^0-9]", "camx", true), ("[]x]", "]", true), ("[x-]", "-", true), ("[a-]", "b", false),
      ("[!]]", "]", false), ("[", "[", true), ("a[b", "a[b", true), ("\\*", "*", true),
      ("\\*", "a", false),
      ("[\\]]", "]", true), ("a\\", "a\\", true), ("?", "é", true), ("??", "é", false),
      ("[à-ü]", "é", true),
      ("*", "", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("A", "a", false),
    ] { #expect(matches(pattern, name) == expected, "\(pattern) on \(name)") }
    // Bytes that are not UTF-8 are one character each, and equal themselves only.
    #expect(matches([0x3f], [0xe9]) && !matches([0x3f], [0xe9, 0xe9]))
    #expect(matches([0xe9, 0x2a], [0xe9, 0x61]) && !matches([0xe9], [0xe8]))
    // A surrogate, two overlong slashes and a cut sequence are not UTF-8: a character a byte.
    #expect(matches("???".map { $0.asciiValue ?? 0 }, [0xe0, 0x80, 0xaf]))
    #expect(matches("???".map { $0.asciiValue ?? 0 }, [0xed, 0xa0, 0x80]))
    #expect(matches("??".map { $0.asciiValue ?? 0 }, [0xc0, 0xaf]))
    #expect(matches("??".map { $0.asciiValue ?? 0 }, [0xe2, 0x82]))
  }

  @Test func componentsMatchAsInTheCLibrary() {
    let seed: UInt64 = 21
    print("componentsMatchAsInTheCLibrary: seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let tokens = ["a", "b", "c", "*", "?", "[ab]", "[!a]", "[a-c]", "[b-]", "\\*", "\\a", "-", "."]
    var matched = 0
    for _ in 0..<20_000 {
      let pattern = (0..<1 + generator.below(7)).map { _ in tokens[generator.below(tokens.count)] }
        .joined()
      let name = (0..<1 + generator.below(9)).map { _ in
        ["a", "b", "c", "*", "-", "."][generator.below(6)]
      }
      .joined()
      let expected = fnmatch(pattern, name, 0) == 0
      #expect(matches(pattern, name) == expected, "\(pattern) on \(name)")
      if expected { matched += 1 }
    }
    #expect(matched > 500)
  }

  @Test func manyStarsTakeNoTime() {
    // Trying every way to share 60 letters between 20 stars would take longer than the universe.
    #expect(!matches(String(repeating: "a*", count: 20) + "b", String(repeating: "a", count: 60)))
  }

  @Test func patternsAreExpandedAsAShellDoes() throws {
    let folder = try TemporaryFolder()
    for name in [
      "a.mp4", "b.mp4", "b.txt", ".h.mp4", "d/a.mp4", "d/e/c.mp4", ".hd/x.mp4", "d e/f.mp4",
      "[x].mp4",
    ] {
      let file = folder.path.appending(name)
      try file.removingLastComponent().makeDirectories()
      try Data().write(to: URL(filePath: file.string))
    }
    let expand = { (pattern: FilePath) in Glob.expand(folder.path.pushing(pattern)) { _ in false } }
    #expect(expand("**") == [folder.path])
    #expect(expand("d/**/e/**") == [folder.path.appending("d/e")])
    symlink("d", folder.path.appending("link").string)
    symlink("..", folder.path.appending("d/up").string)
    for pattern in [
      "*.mp4", "*", "?.mp4", "d/*", "*/*.mp4", "*/*/*.mp4", "**/*.mp4", ".*.mp4", "[ab].*",
      "d*/f.mp4",
      "link/*.mp4", "nothing*", "**/c*", "./*.mp4", "d/../*.mp4", "**/e/*",
    ] {
      let own = expand(FilePath(pattern)).map { Array($0.bytes.dropFirst(folder.path.length + 1)) }
      let process = Process()
      let pipe = Pipe()
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments = [
        "-O", "globstar", "-O", "nullglob", "-c",
        "cd \"$1\"; LC_ALL=C; IFS=; for f in $2; do printf '%s\\0' \"$f\"; done", "bash",
        folder.path.string, pattern,
      ]
      process.standardOutput = pipe
      try process.run()
      let output = [UInt8](pipe.fileHandleForReading.readDataToEndOfFile())
      process.waitUntilExit()
      // FilePath drops a slash at the end, and `a/./b` is `a/b`.
      let expected = output.split(separator: 0).map { name in
        Array((name.last == 0x2f ? name.dropLast() : name))
      }
      #expect(
        own.map { String(decoding: $0, as: UTF8.self) }
          == expected.map { String(decoding: $0, as: UTF8.self) }, "\(pattern)")
    }
  }
}

extension FilePath {
  fileprivate func makeDirectories() throws {
    try FileManager.default.createDirectory(atPath: string, withIntermediateDirectories: true)
  }
}
