import Failures
import SystemPackage
import Testing

@testable import Files

@Suite struct FileErrorTests {
  static let cases: [(FileError, FailureKind, Bool, String)] = [
    (
      .creating("out", .permissionDenied), .cannotCreateOutput, false,
      "cannot create out: Permission denied"
    ),
    (
      .creating("out", .readOnlyFileSystem), .cannotCreateOutput, false,
      "cannot create out: Read-only file system"
    ),
    (
      .creating("a\nb", .fileNameTooLong), .cannotCreateOutput, true,
      "cannot create a\\nb: the name is longer than the file system takes; give the input a shorter one"
    ),
    (
      .creating("out/a.jsonl", .isDirectory), .cannotCreateOutput, true,
      "cannot create out/a.jsonl: there is a directory of that name"
    ),
    (
      .creating("out/a", .notDirectory), .cannotCreateOutput, true,
      "cannot create out/a: a directory that it needs is a file"
    ),
    (.creating("out", .noSpace), .outputFailed, false, "cannot write out: No space left on device"),
    (
      .creating("out", .diskQuotaExceeded), .outputFailed, false,
      "cannot write out: Disk quota exceeded"
    ),
    (
      .writeFailed("standard output", .ioError), .outputFailed, false,
      "cannot write standard output: Input/output error"
    ),
    (
      .locked("out", holder: "process 7 on cam since 2026-11-25T10:00:00Z"), .locked, false,
      "out is in use by process 7 on cam since 2026-11-25T10:00:00Z; wait for it with --wait, or choose another --output"
    ),
    (.readerGone, .readerGone, false, "the reader of standard output has gone"),
  ]

  @Test func everyErrorHasItsKindAndItsWords() {
    for (error, kind, concernsOnePath, text) in Self.cases {
      #expect(error.description == text)
      #expect(error.kind == kind)
      #expect(error.concernsOnePath == concernsOnePath)
    }
  }
}
