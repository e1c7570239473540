import Workers

/// Makes batches ahead on threads of its own and gives them out in order.
final class BatchQueue: Sendable {
  private let batches: ReorderBuffer<SampleSource.Batch>
  private let group: WorkerGroup

  /// Starts making batches.
  ///
  /// - Parameters:
  ///   - source: where they come from.
  ///   - numbers: which ones.
  ///   - batchSize: samples of each.
  ///   - threads: at least 1.
  ///   - remark: told of each picture of which there is something to be said, from any thread.
  init(
    _ source: SampleSource, numbers: Range<Int>, batchSize: Int, threads: Int,
    remark: @escaping @Sendable (PictureRemark) -> Void
  ) {
    // One batch for each thread, and one that is ready.
    let batches = ReorderBuffer<SampleSource.Batch>(
      window: threads + 1, first: numbers.lowerBound)
    batches.finish(end: numbers.upperBound)
    let group = WorkerGroup { _ in batches.cancel() }
    let next = Monitor(numbers.lowerBound)
    for index in 0..<threads {
      group.start("data-\(index)") {
        while true {
          let number = next.withLock { number in
            defer { number += 1 }
            return number
          }
          guard number < numbers.upperBound else { return }
          let batch = try source.batch(number, size: batchSize, remark: remark)
          guard batches.insert(batch, at: number) else { return }
        }
      }
    }
    self.batches = batches
    self.group = group
  }

  deinit {
    batches.cancel()
  }

  /// The next batch, nil after the last.
  ///
  /// - Throws: what made a thread give up.
  func next() throws -> SampleSource.Batch? {
    if let batch = batches.next() { return batch }
    try group.join()
    return nil
  }

  /// Stops the threads and waits for them.
  func stop() {
    batches.cancel()
    // Whatever they failed of does not matter any more.
    try? group.join()
  }
}
