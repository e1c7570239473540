import DetectionRecords
import Files
import Workers

/// Makes the records of finished inputs final. Several threads run it: each spends its time waiting for the disk, and
/// together they share what they wait for.
struct PublishingStage: Sendable {
  /// 23 ms an input with one, 1.4 ms with four, 0.8 ms with eight, no less for sure with sixteen (`detect-batch-dev
  /// records --threads`).
  static let threads = 8

  let inputs: BoundedQueue<FinishedInput>
  let control: RunControl
  let report: RunReport

  func run() {
    while let input = inputs.pop() {
      do {
        try report.time(\.publishing) { () throws(FileError) in
          try input.records.publish(InputOutcome(input.result))
        }
        report.finished(input.job, input.result, published: true)
      } catch  where error.concernsOnePath {
        // Its records are whole, and another run gives them their name once that is free.
        var result = input.result
        result.failure = error.description
        report.finished(input.job, result, published: false)
      } catch {
        control.end(error)
      }
    }
  }
}

extension InputOutcome {
  fileprivate init(_ result: InputResult) {
    self.init(
      failure: result.failure, decodeErrors: result.decodeErrors,
      lastError: result.lastDecodeError, seconds: result.seconds)
  }
}
