import Checkpoints
import DetectionPipeline
import Downloads
import Failures
import SystemPackage
import Testing

@testable import detect_batch

/// The numbers that scripts, job schedulers and units are written against.
struct ExitStatusTests {
  static let kinds: [(FailureKind, Int32)] = [
    (.usage, 64), (.unusableInput, 65), (.missingInput, 66), (.cannotCreateOutput, 73),
    (.outputFailed, 74), (.locked, 75), (.readerGone, 0), (.stopped, 130), (.fault, 1),
  ]

  @Test func everyKindOfFailureHasItsNumber() {
    for (kind, number) in Self.kinds {
      #expect(detect_batch.ExitStatus(kind).rawValue == number)
      #expect(detect_batch.ExitStatus(.endedEarly(kind)).rawValue == number)
    }
    #expect(detect_batch.ExitStatus(.done).rawValue == 0)
    #expect(detect_batch.ExitStatus(.someInputsFailed).rawValue == 3)
  }

  /// What a library throws keeps its words, and gets its number here alone.
  @Test func errorsOfLibrariesBecomeFaults() {
    let full = CheckpointError(file: "a", problem: .unwritable(.noSpace, doing: "writing"))
    #expect(Fault(full) == Fault(.outputFailed, "a: writing failed: No space left on device"))
    let refused = CheckpointError(file: "a", problem: .unwritable(.permissionDenied, doing: "x"))
    #expect(Fault(refused).status == .cannotCreateOutput)
    #expect(Fault(CheckpointError(file: "a", problem: .torchScript)).status == .unusableInput)
    #expect(Fault(CancellationError()).status == .bug)
  }
}
