import SystemPackage
import Testing

@testable import Files

@Suite struct FileErrorTests {
  static let cases: [(FileError, Int32, Bool, String)] = [
    (
      .creating("out", .permissionDenied), 73, false, "cannot create out: Permission denied"
    ),
    (
      .creating("out", .readOnlyFileSystem), 73, false, "cannot create out: Read-only file system"
    ),
    (
      .creating("a\nb", .fileNameTooLong), 73, true,
      "cannot create a\\nb: the name is longer than the file system takes; give the input a shorter one"
    ),
    (
      .creating("out/a.jsonl", .isDirectory), 73, true,
      "cannot create out/a.jsonl: there is a directory of that name"
    ),
    (
      .creating("out/a", .notDirectory), 73, true,
      "cannot create out/a: a directory that it needs is a file"
    ),
    (.creating("out", .noSpace), 74, false, "cannot write out: No space left on device"),
    (.creating("out", .diskQuotaExceeded), 74, false, "cannot write out: Disk quota exceeded"),
    (
      .writeFailed("standard output", .ioError), 74, false,
      "cannot write standard output: Input/output error"
    ),
    (
      .locked("out", holder: "process 7 on cam since 2026-11-25T10:00:00Z"), 75, false,
      "out is in use by process 7 on cam since 2026-11-25T10:00:00Z; wait for it with --wait, or choose another --output"
    ),
    (.readerGone, 0, false, "the reader of standard output has gone"),
  ]

  @Test func everyErrorHasItsCodeAndItsWords() {
    for (error, code, concernsOnePath, text) in Self.cases {
      #expect(error.description == text)
      #expect(error.exitCode == code)
      #expect(error.concernsOnePath == concernsOnePath)
    }
  }
}
